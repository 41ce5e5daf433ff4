// test_vk_lost.c — a lost device stays lost: every later call says so, and all can still be freed.
#include "tests/vk/vk_test.h"
#include "tests/vk/vk_add.h"
#include "vk/internal.h"

#include <string.h>

static void every_call_says_so(void **state)
{
    (void) state;
    vkc_device *dev = test_device_open();
    vkc_buffer *buf = make_words(dev, 256, 0), *other = NULL;
    vkc_slice s = vkc_slice_of(buf);
    uint32_t word = 7, bytes[256] = { 0 };
    uint64_t ticket = 0;
    double ms;
    const char *name;
    const vkc_kernel *add = get_add(dev), *k = NULL;
    vkc_recording *rec, *open, *late = NULL;
    struct add_args args = { .rows = 1, .cols = 256 };
    vkc_dispatch d = { .kernel = add, .args = &args, .bind = { s, s, s, s } };
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .profile = true }, &rec));
    assert_ok(vkc_record_dispatch(rec, &d));
    assert_ok(vkc_recording_finish(rec));
    assert_ok(vkc_recording_create(dev, NULL, &open));
    assert_ok(vkc_submit(rec, &ticket));
    assert_false(vkc_device_is_lost(dev));

    vkc__lose(dev);
    for (int i = 0; i < 2; i++) {       // sticky
        assert_true(vkc_device_is_lost(dev));
        assert_status(vkc_buffer_create(dev, VKC_MEM_DEVICE, 16, "late", &other), VKC_E_LOST);
        assert_non_null(strstr(vkc_last_error(), "lost"));
        assert_status(vkc_write(dev, s, bytes), VKC_E_LOST);
        assert_status(vkc_read(dev, (vkc_slice) { buf, 0, 4 }, &word), VKC_E_LOST);
        assert_status(vkc_fill(dev, s, 0), VKC_E_LOST);
        assert_status(vkc_kernel_get(dev, &(vkc_kernel_params) {
            .shader = &vkc_shader_add_fwd, .args_size = 8 }, &k), VKC_E_LOST);
        assert_status(vkc_recording_create(dev, NULL, &late), VKC_E_LOST);
        assert_status(vkc_record_dispatch(open, &d), VKC_E_LOST);
        assert_status(vkc_record_fill(open, s, 0), VKC_E_LOST);
        assert_status(vkc_record_copy(open, s, s), VKC_E_LOST);
        assert_status(vkc_recording_finish(open), VKC_E_LOST);
        assert_status(vkc_submit(rec, &ticket), VKC_E_LOST);
        assert_status(vkc_wait(dev, ticket), VKC_E_LOST);
        assert_status(vkc_wait(dev, 0), VKC_E_LOST);
        assert_true(vkc_is_done(dev, ticket));      // nobody waits for ever
        if (vkc_device_has(dev, VKC_FEATURE_TIMESTAMPS))
            assert_status(vkc_recording_get_time(rec, 0, &name, &ms), VKC_E_LOST);
    }
    assert_int_equal(word, 7);
    assert_null(other);
    assert_null(k);
    assert_null(late);
    assert_true(vkc_memory_get_info(dev).in_use > 0);   // what asks nothing of the device still answers
    vkc_recording_destroy(rec);
    vkc_recording_destroy(open);
    vkc_buffer_destroy(buf);
    assert_int_equal(vkc_device_validation_count(dev), 0);
    vkc_device_destroy(dev);
}

// What the driver says becomes the right status.
static void results_as_statuses(void **state)
{
    (void) state;
    vkc_device *dev = test_device_open();
    assert_status(vkc__check(dev, VK_ERROR_OUT_OF_HOST_MEMORY, "x"), VKC_E_NOMEM);
    assert_status(vkc__check(dev, VK_ERROR_OUT_OF_DEVICE_MEMORY, "x"), VKC_E_DEVMEM);
    assert_status(vkc__check(dev, VK_ERROR_TOO_MANY_OBJECTS, "x"), VKC_E_DEVMEM);
    assert_status(vkc__check(dev, VK_ERROR_FEATURE_NOT_PRESENT, "x"), VKC_E_UNSUPPORTED);
    assert_status(vkc__check(dev, VK_TIMEOUT, "x"), VKC_OK);
    assert_false(vkc_device_is_lost(dev));
    assert_status(vkc__check(dev, VK_ERROR_DEVICE_LOST, "doing this"), VKC_E_LOST);
    assert_non_null(strstr(vkc_last_error(), "doing this"));
    assert_true(vkc_device_is_lost(dev));
    vkc_device_destroy(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_says_so),
        cmocka_unit_test(results_as_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
