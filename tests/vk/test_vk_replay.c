// test_vk_replay.c — submissions cut by time, cut anew when work grows, times of a profile.
#include "tests/vk/vk_test.h"
#include "tests/vk/vk_add.h"
#include "vk/clock.h"

#include <math.h>
#include <string.h>

// A recording of n launches that do nothing but take time, as long as their group counts say, each
// adding 1 to x first.
typedef struct slow_work {
    vkc_device *dev;
    vkc_buffer *counts, *x, *y, *one, *idle;
    vkc_recording *rec;
} slow_work;

static void set_groups(slow_work *w, uint32_t x, uint32_t y)
{
    const uint32_t counts[3] = { x, y, 1 };
    assert_ok(vkc_write(w->dev, (vkc_slice) { w->counts, 0, sizeof counts }, counts));
}

static slow_work open_work(const vkc_device_params *params, uint32_t n)
{
    static const float one = 1;
    slow_work w = { 0 };
    const vkc_kernel *plan, *add;
    struct rows_plan_args args = { .n_launches = 0 };
    uint32_t word;
    memcpy(&word, &one, 4);
    assert_ok(vkc_device_create(params, &w.dev));
    assert_ok(vkc_kernel_get(w.dev, &(vkc_kernel_params) {
        .shader = &vkc_shader_rows_plan, .args_size = sizeof args }, &plan));
    add = get_add(w.dev);
    w.counts = make_words(w.dev, 16, 0);
    w.x = make_words(w.dev, 16, 0);
    w.y = make_words(w.dev, 16, 0);
    w.one = make_words(w.dev, 16, word);
    w.idle = make_words(w.dev, 16, 0);
    set_groups(&w, 1, 1);
    assert_ok(vkc_recording_create(w.dev, NULL, &w.rec));
    for (uint32_t i = 0; i < n; i++) {
        record_add(w.rec, add, vkc_slice_of(i % 2 ? w.x : w.y), vkc_slice_of(i % 2 ? w.y : w.x), vkc_slice_of(w.one),
                   w.idle);
        assert_ok(vkc_record_dispatch(w.rec, &(vkc_dispatch) {
            .kernel = plan, .args = &args, .indirect = { w.counts, 0, 12 },
            .bind = { vkc_slice_of(w.idle), vkc_slice_of(w.idle), vkc_slice_of(i % 2 ? w.x : w.y) } }));
    }
    assert_ok(vkc_recording_finish(w.rec));
    return w;
}

static void close_work(slow_work *w)
{
    vkc_recording_destroy(w->rec);
    vkc_buffer *all[] = { w->counts, w->x, w->y, w->one, w->idle };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        vkc_buffer_destroy(all[i]);
    assert_int_equal(vkc_device_validation_count(w->dev), 0);
    vkc_device_destroy(w->dev);
}

static uint32_t cuts_of(const slow_work *w)
{
    return vkc_recording_get_info(w->rec).n_submissions;
}

static void cut(const char *disable)
{
    enum { N = 6, FIRST = 1 + (2 * N - 1 + 3) / 4 };
    slow_work w = open_work(&(vkc_device_params) { .log = test_log, .disable = disable, .budget_ms = 1e-7 }, N);
    assert_int_equal(cuts_of(&w), FIRST);               // every four, and where a kernel is that has never run
    for (int i = 1; i <= 4; i++) {
        replay(w.dev, w.rec);
        assert_floats(w.dev, vkc_slice_of(w.x), (float) (N * i));
        assert_int_equal(cuts_of(&w), i == 1 ? FIRST : 2 * N);
    }
    close_work(&w);

    w = open_work(&(vkc_device_params) { .log = test_log, .disable = disable, .budget_ms = 1e7 }, N);
    for (int i = 1; i <= 3; i++)
        replay(w.dev, w.rec);
    assert_int_equal(cuts_of(&w), 1);
    assert_floats(w.dev, vkc_slice_of(w.x), 3 * N);
    close_work(&w);
}

static void cut_by_device_time(void **state)
{
    (void) state;
    cut(NULL);
}

static void cut_by_host_time(void **state)
{
    (void) state;
    cut("timestamps");
}

// A recording that was quick at first becomes slow: it is cut anew, and still right.
static void cut_anew(const char *disable)
{
    enum { N = 4, BUDGET_MS = 40 };
    slow_work w = open_work(&(vkc_device_params) { .log = test_log, .disable = disable, .budget_ms = BUDGET_MS }, N);
    uint32_t n = 0;
    for (; n < 3; n++)
        replay(w.dev, w.rec);
    uint32_t first = cuts_of(&w);
    if (first == 2 * N) {   // so slow that nothing is left to cut
        close_work(&w);
        skip();
    }
    bool by_host = !vkc_device_has(w.dev, VKC_FEATURE_TIMESTAMPS);
    double longest = 0;
    for (uint32_t groups = 8192; cuts_of(&w) == first; groups *= 4) {
        assert_true(longest < 100 * BUDGET_MS);
        for (; by_host && n % 16 != 0; n++)     // the host looks at every 16th
            assert_ok(vkc_submit(w.rec, NULL));
        set_groups(&w, groups < 32768 ? groups : 32768, groups < 32768 ? 1 : groups / 32768);
        double began = vkc_seconds();
        replay(w.dev, w.rec);
        longest = fmax(longest, (vkc_seconds() - began) * 1e3);
        set_groups(&w, 1, 1);
        replay(w.dev, w.rec);                   // is cut by what the one before took
        n += 2;
    }
    assert_true(cuts_of(&w) > first);
    set_groups(&w, 1, 1);
    for (int i = 0; i < 20; i++, n++)       // without waiting
        assert_ok(vkc_submit(w.rec, NULL));
    assert_ok(vkc_wait(w.dev, 0));
    assert_floats(w.dev, vkc_slice_of(w.x), (float) (N * n));
    close_work(&w);
}

static void cut_anew_by_device_time(void **state)
{
    (void) state;
    cut_anew(NULL);
}

static void cut_anew_by_host_time(void **state)
{
    (void) state;
    cut_anew("timestamps");
}

static void times_of_a_profile(void **state)
{
    vkc_device *dev = *state;
    enum { N = 1 << 20 };
    const vkc_kernel *add = get_add(dev);
    vkc_buffer *a = make_words(dev, N, 0), *y = make_words(dev, N, 0), *idle = make_words(dev, 16, 0);
    vkc_recording *rec;
    const char *kernel = NULL;
    double ms = -1, small_ms = -1;
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "profile", .profile = true }, &rec));
    assert_ok(vkc_record_fill(rec, floats_of(y, N), 7));        // is no dispatch
    record_add(rec, add, floats_of(y, 16), floats_of(a, 16), floats_of(a, 16), idle);
    record_add(rec, add, floats_of(y, N), floats_of(a, N), floats_of(a, N), idle);
    assert_ok(vkc_recording_finish(rec));
    if (!vkc_device_has(dev, VKC_FEATURE_TIMESTAMPS)) {
        assert_status(vkc_recording_get_time(rec, 0, &kernel, &ms), VKC_E_UNSUPPORTED);
        assert_status(vkc_recording_get_total(rec, &ms), VKC_E_UNSUPPORTED);
    } else {
        double total = -1;
        assert_status(vkc_recording_get_total(rec, &total), VKC_E_ARG);
        assert_status(vkc_recording_get_time(rec, 0, &kernel, &ms), VKC_E_ARG);     // nothing was replayed
        for (int i = 0; i < 4; i++) {
            double began = vkc_seconds();
            replay(dev, rec);
            double all = (vkc_seconds() - began) * 1e3;
            assert_ok(vkc_recording_get_time(rec, 0, &kernel, &small_ms));
            assert_ok(vkc_recording_get_time(rec, 1, NULL, &ms));
            assert_true(small_ms >= 0 && ms > 0);
            assert_true(ms + small_ms <= all * 1.1 + 1);
            assert_ok(vkc_recording_get_total(rec, &total));
            assert_true(ms + small_ms <= total * 1.1 + 0.1 && total <= all * 1.1 + 1);
        }
        assert_string_equal(kernel, "add_fwd");
        assert_status(vkc_recording_get_time(rec, 2, &kernel, &ms), VKC_E_ARG);
    }
    assert_floats(dev, floats_of(y, N), 0);
    vkc_recording_destroy(rec);

    assert_ok(vkc_recording_create(dev, NULL, &rec));           // not a profile
    record_add(rec, add, floats_of(y, 16), floats_of(a, 16), floats_of(a, 16), idle);
    assert_ok(vkc_recording_finish(rec));
    replay(dev, rec);
    assert_status(vkc_recording_get_time(rec, 0, &kernel, &ms), VKC_E_UNSUPPORTED);
    if (vkc_device_has(dev, VKC_FEATURE_TIMESTAMPS)) {
        ms = -1;
        assert_ok(vkc_recording_get_total(rec, &ms));
        assert_true(ms >= 0);
    }
    vkc_recording_destroy(rec);
    vkc_buffer_destroy(a);
    vkc_buffer_destroy(y);
    vkc_buffer_destroy(idle);
}

// Two recordings of the same work are alike, whatever memory they use; another size, count or kind is not.
static void alike(void **state)
{
    vkc_device *dev = *state;
    enum { N = 64 };
    const vkc_kernel *add = get_add(dev);
    vkc_buffer *a = make_words(dev, N, 0), *y = make_words(dev, N, 0), *idle = make_words(dev, 16, 0);
    vkc_recording *rec[5];
    for (int i = 0; i < 5; i++) {
        assert_ok(vkc_recording_create(dev, NULL, &rec[i]));
        vkc_buffer *in = i == 1 ? y : a, *out = i == 1 ? a : y;
        size_t n = i == 2 ? 16 : N;
        record_add(rec[i], add, floats_of(out, n), floats_of(in, n), floats_of(in, n), idle);
        if (i >= 3)
            assert_ok(vkc_record_fill(rec[i], floats_of(y, N), i == 4));
        assert_ok(vkc_recording_finish(rec[i]));
    }
    assert_true(vkc_recording_is_like(rec[0], rec[1]));
    assert_false(vkc_recording_is_like(rec[0], rec[2]));
    assert_false(vkc_recording_is_like(rec[0], rec[3]));
    assert_false(vkc_recording_is_like(rec[3], rec[4]));
    for (int i = 0; i < 5; i++)
        vkc_recording_destroy(rec[i]);
    vkc_buffer_destroy(a);
    vkc_buffer_destroy(y);
    vkc_buffer_destroy(idle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_by_device_time),
        cmocka_unit_test(cut_by_host_time),
        cmocka_unit_test(cut_anew_by_device_time),
        cmocka_unit_test(cut_anew_by_host_time),
        cmocka_unit_test(times_of_a_profile),
        cmocka_unit_test(alike),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
