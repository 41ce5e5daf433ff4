// test_progress.c — rates that begin with the first count, and kernels that are compiled as progress.
#include "nn/base/progress.h"
#include "tests/vk/vk_test.h"
#include "vk/internal.h"

#include <math.h>
#include <string.h>

typedef struct heard { nn_progress p; uint32_t calls; bool goes_on; } heard;

static bool hear(void *user, const nn_progress *p)
{
    heard *h = user;
    h->p = *p;
    h->calls++;
    return h->goes_on;
}

static void no_rate_in_the_first_line(void **state)
{
    (void) state;
    heard h = { .goes_on = true };
    nn_pace pace = nn_pace_start();
    assert_true(nn_pace_rate(&pace) <= 0);
    assert_true(nn_progress_report(hear, &h, "train", "steps", "", &pace, 40, 100));       // resumed at 39
    assert_true(h.calls == 1 && h.p.rate <= 0 && h.p.left < 0 && h.p.done == 40 && h.p.total == 100);

    // As if the second came two seconds after the first, which took a minute.
    pace.start -= 60;
    pace.first -= 2;
    assert_true(nn_progress_report(hear, &h, "train", "steps", "", &pace, 50, 100));
    assert_true(h.p.rate > 4 && h.p.rate < 5.001);      // 10 steps in a little more than two seconds
    assert_true(h.p.left > 9.9 && h.p.seconds >= 60);

    const double rate = nn_pace_rate(&pace);
    nn_pace_skip(&pace, 60);                            // the minute was another's
    assert_true(fabs(nn_pace_rate(&pace) - rate) < 1e-6);
    assert_true(nn_progress_report(hear, &h, "train", "steps", "", &pace, 50, 100));
    assert_true(h.p.seconds < 60);

    h.goes_on = false;
    assert_false(nn_progress_report(hear, &h, "train", "steps", "", &pace, 60, 0));
    assert_true(nn_progress_report(NULL, NULL, "train", "steps", "", &pace, 70, 0));
    assert_int_equal(pace.done, 70);                    // counted, though nobody hears of it
}

static void kernels_as_progress(void **state)
{
    vkc_device *dev = *state;
    heard outer = { .goes_on = true }, inner = { .goes_on = false };
    nn_compile_watch a, b, none = { .dev = NULL };
    nn_compile_watch_begin(&a, dev, hear, &outer);
    nn_compile_watch_begin(&b, dev, hear, &inner);
    assert_false(dev->on_compile(dev->on_compile_user, 34, 120, 1.5));
    assert_true(inner.calls == 1 && outer.calls == 0);
    assert_string_equal(inner.p.what, NN_COMPILING);
    assert_string_equal(inner.p.unit, "kernels");
    assert_true(inner.p.done == 34 && inner.p.total == 120 && inner.p.rate <= 0 && inner.p.left < 0);
    nn_compile_watch_end(&b);
    assert_true(dev->on_compile(dev->on_compile_user, 35, 120, 1.6));
    assert_int_equal(outer.calls, 1);
    nn_compile_watch_begin(&b, dev, NULL, NULL);        // nobody to tell: as before
    nn_compile_watch_end(&b);
    assert_true(dev->on_compile(dev->on_compile_user, 36, 120, 1.7));
    assert_int_equal(outer.p.done, 36);
    nn_compile_watch_end(&a);
    nn_compile_watch_end(&none);
    assert_true(dev->on_compile == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rate_in_the_first_line),
        cmocka_unit_test(kernels_as_progress),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
