// test_vk_compile.c — kernels compiled by threads: who waits, what fails, what is given up, who is told.
#include "tests/vk/vk_test.h"
#include "tests/vk/vk_add.h"
#include "vk/compile/compile.h"
#include "vk/replay.h"

#include <string.h>

enum { MANY = 60 };

// What stands in for the driver: it counts, fails where it is told to, and waits at a gate that is shut.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static uint32_t n_begun, n_made, n_let;         // n_let: so many may pass the gate
static uint32_t bad_wg;                         // the kernel with this workgroup fails

static VkResult make_slowly(vkc_device *dev, vkc_kernel *k)
{
    pthread_mutex_lock(&lock);
    const uint32_t mine = n_begun++;
    pthread_cond_broadcast(&moved);
    while (mine >= n_let)
        pthread_cond_wait(&moved, &lock);
    const bool is_bad = k->wg == bad_wg;
    pthread_mutex_unlock(&lock);
    const VkResult res = is_bad ? VK_ERROR_OUT_OF_HOST_MEMORY : vkc__pipeline_make(dev, k);
    pthread_mutex_lock(&lock);
    n_made++;
    pthread_mutex_unlock(&lock);
    return res;
}

static void open_gate(uint32_t let)
{
    pthread_mutex_lock(&lock);
    n_let = let;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
}

static vkc_device *open_with_gate(uint32_t let)
{
    vkc_device *dev = test_device_open();
    n_begun = n_made = bad_wg = 0;
    n_let = let;
    dev->compiler.make = make_slowly;
    dev->tell_after = dev->tell_every = 0;
    return dev;
}

static void close_checked(vkc_device *dev)
{
    assert_int_equal(vkc_device_validation_count(dev), 0);
    vkc_device_destroy(dev);
}

static const vkc_kernel *get_wg(vkc_device *dev, uint32_t wg)
{
    const vkc_kernel *k = NULL;
    assert_ok(vkc_kernel_get(dev, &(vkc_kernel_params) {
        .shader = &vkc_shader_add_fwd, .wg = wg, .args_size = sizeof(struct add_args) }, &k));
    assert_int_equal(vkc_kernel_wg(k), wg);             // known at once
    assert_int_equal(vkc_kernel_bindings(k), 4);
    return k;
}

typedef struct sums {                                   // a recording of n kernels, which add 1 and 2
    vkc_buffer *a, *b, *idle, *y[MANY];
    vkc_recording *rec;
    uint32_t n;
} sums;

static sums record_sums(vkc_device *dev, uint32_t n)
{
    sums s = { .n = n };
    float one = 1, two = 2;
    uint32_t words[2];
    memcpy(&words[0], &one, 4);
    memcpy(&words[1], &two, 4);
    s.a = make_words(dev, 16, words[0]);
    s.b = make_words(dev, 16, words[1]);
    s.idle = make_words(dev, 16, 0);
    assert_ok(vkc_recording_create(dev, NULL, &s.rec));
    for (uint32_t i = 0; i < n; i++) {
        s.y[i] = make_words(dev, 16, 0);
        record_add(s.rec, get_wg(dev, 1 + i), floats_of(s.y[i], 16), floats_of(s.a, 16), floats_of(s.b, 16), s.idle);
    }
    return s;
}

static void free_sums(sums *s)
{
    vkc_recording_destroy(s->rec);
    vkc_buffer_destroy(s->a);
    vkc_buffer_destroy(s->b);
    vkc_buffer_destroy(s->idle);
    for (uint32_t i = 0; i < s->n; i++)
        vkc_buffer_destroy(s->y[i]);
}

static void run_sums(vkc_device *dev, sums *s)
{
    replay(dev, s->rec);
    for (uint32_t i = 0; i < s->n; i++)
        assert_floats(dev, floats_of(s->y[i], 16), 3);
}

// ---- who waits

static void many_kernels(void **state)
{
    (void) state;
    for (uint32_t most = 0; most <= 16; most += 8) {    // 0: no thread can be started
        vkc_device *dev = open_with_gate(UINT32_MAX);
        dev->compiler.most = most;
        sums s = record_sums(dev, MANY);
        assert_int_equal(most ? 0 : MANY, most ? 0 : n_made);
        assert_ok(vkc_recording_finish(s.rec));
        assert_int_equal(n_made, MANY);
        assert_true(dev->compiler.n_threads <= most);
        run_sums(dev, &s);
        free_sums(&s);
        close_checked(dev);
    }
}

static void handles_before_pipelines(void **state)
{
    (void) state;
    vkc_device *dev = open_with_gate(0);
    dev->compiler.most = 1;
    sums s = record_sums(dev, 3);                       // nothing is compiled, all is known
    assert_ptr_equal(get_wg(dev, 2), s.rec->commands[1].kernel);
    assert_int_equal(n_made, 0);
    open_gate(UINT32_MAX);
    assert_ok(vkc_recording_finish(s.rec));
    assert_int_equal(n_made, 3);
    run_sums(dev, &s);
    free_sums(&s);
    close_checked(dev);
}

// ---- what fails

static void a_bad_kernel(void **state)
{
    (void) state;
    vkc_device *dev = open_with_gate(UINT32_MAX);
    bad_wg = 3;
    sums s = record_sums(dev, 5);
    assert_status(vkc_recording_finish(s.rec), VKC_E_NOMEM);
    assert_string_equal(vkc_last_error(), "out of host memory while compiling kernel add_fwd");
    assert_status(vkc_submit(s.rec, NULL), VKC_E_ARG);  // it was not finished
    free_sums(&s);
    bad_wg = 0;
    s = record_sums(dev, 5);                            // asked for again, it is compiled again, and no other
    assert_ok(vkc_recording_finish(s.rec));
    assert_int_equal(n_made, 6);
    run_sums(dev, &s);
    free_sums(&s);
    close_checked(dev);
}

// ---- what is given up

static void gone_before_it_is_made(void **state)
{
    (void) state;
    vkc_device *dev = open_with_gate(0);
    dev->compiler.most = 2;
    for (uint32_t i = 1; i <= MANY; i++)
        get_wg(dev, i);
    pthread_mutex_lock(&lock);
    while (n_begun == 0)
        pthread_cond_wait(&moved, &lock);
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&dev->compiler.lock);            // as vkc_device_destroy does, which would wait at the gate
    dev->compiler.is_ending = true;
    pthread_mutex_unlock(&dev->compiler.lock);
    open_gate(UINT32_MAX);
    close_checked(dev);
    assert_true(n_made >= 1 && n_made <= 2);
}

static void closed_at_once(void **state)
{
    (void) state;
    for (int i = 0; i < 3; i++) {
        vkc_device *dev = test_device_open();
        for (uint32_t wg = 1; wg <= MANY; wg++)
            get_wg(dev, wg);
        vkc_device_destroy(dev);
    }
}

// ---- who is told

typedef struct heard {
    uint32_t calls, done, total, stops_at;
} heard;

// Lets one more pass each time.
static bool hear(void *user, uint32_t done, uint32_t total, double seconds)
{
    heard *h = user;
    assert_true(done >= h->done && done <= total && seconds >= 0);
    assert_true(h->total == 0 || h->total == total);
    h->done = done;
    h->total = total;
    open_gate(n_let == UINT32_MAX ? n_let : n_let + 1);
    return ++h->calls != h->stops_at;
}

static void told_while_compiling(void **state)
{
    (void) state;
    vkc_device *dev = open_with_gate(0);
    heard h = { 0 };
    vkc_compile_fn before = hear;
    void *before_user = &h;
    vkc_device_on_compile(dev, hear, &h, &before, &before_user);
    assert_true(before == NULL && before_user == NULL);
    sums s = record_sums(dev, MANY);
    assert_ok(vkc_recording_finish(s.rec));
    assert_true(h.calls >= MANY && h.total == MANY);    // one passes a call, so each call came before the next kernel

    open_gate(UINT32_MAX);
    h = (heard) { 0 };
    run_sums(dev, &s);                                  // the first replay tells, kernel after kernel
    assert_int_equal(h.done, MANY);
    assert_int_equal(h.total, MANY);
    assert_true(h.calls >= MANY);
    h = (heard) { 0 };
    run_sums(dev, &s);                                  // a later one does not
    assert_int_equal(h.calls, 0);
    vkc_device_on_compile(dev, NULL, NULL, &before, &before_user);
    assert_true(before == hear && before_user == &h);
    free_sums(&s);
    close_checked(dev);
}

static void told_to_stop(void **state)
{
    (void) state;
    vkc_device *dev = open_with_gate(0);
    heard h = { .stops_at = 2 };
    vkc_device_on_compile(dev, hear, &h, NULL, NULL);
    sums s = record_sums(dev, MANY);
    assert_status(vkc_recording_finish(s.rec), VKC_E_STOPPED);
    assert_non_null(strstr(vkc_last_error(), "of 60 kernels were compiled"));
    assert_int_equal(h.calls, 2);
    open_gate(UINT32_MAX);
    free_sums(&s);

    h = (heard) { 0 };
    s = record_sums(dev, MANY);
    assert_ok(vkc_recording_finish(s.rec));
    h = (heard) { .stops_at = 5 };
    assert_status(vkc_submit(s.rec, NULL), VKC_E_STOPPED);      // in the middle of the first replay
    assert_int_equal(h.calls, 5);
    assert_true(h.done < MANY);
    const uint32_t done = h.done;
    h = (heard) { 0 };
    run_sums(dev, &s);                                  // it can be begun again, with fewer kernels to wait for
    assert_int_equal(h.total, MANY - done);
    free_sums(&s);
    close_checked(dev);
}

static void silent_when_quick(void **state)
{
    (void) state;
    vkc_device *dev = open_with_gate(UINT32_MAX);
    heard h = { 0 };
    dev->tell_after = 1e9;
    vkc_device_on_compile(dev, hear, &h, NULL, NULL);
    sums s = record_sums(dev, 3);
    assert_ok(vkc_recording_finish(s.rec));
    run_sums(dev, &s);
    assert_int_equal(h.calls, 0);
    free_sums(&s);
    close_checked(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_kernels),
        cmocka_unit_test(handles_before_pipelines),
        cmocka_unit_test(a_bad_kernel),
        cmocka_unit_test(gone_before_it_is_made),
        cmocka_unit_test(closed_at_once),
        cmocka_unit_test(told_while_compiling),
        cmocka_unit_test(told_to_stop),
        cmocka_unit_test(silent_when_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
