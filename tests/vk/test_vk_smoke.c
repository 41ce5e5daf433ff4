// test_vk_smoke.c — a device, a buffer, a kernel, a recording: the shortest way through vk/.
#include "tests/vk/vk_test.h"
#include "vk/internal.h"
#include "vk/recording.h"
#include "shaders/inc/rows_layout.h"
#include "spv/shaders.h"

enum { N_LAUNCHES = 3 };

static void check_commands(vkc_device *dev, vkc_slice commands, uint32_t n, uint32_t max_x)
{
    static const uint32_t launch[N_LAUNCHES][3] = { { 1, 1, 1 }, { 16, 3, 1 }, { 64, 1, 5 } };
    uint32_t got[N_LAUNCHES][3];
    assert_ok(vkc_read(dev, commands, got));
    for (int i = 0; i < N_LAUNCHES; i++) {
        uint32_t x = (n + launch[i][0] - 1) / launch[i][0];
        assert_int_equal(got[i][0], x < max_x ? x : max_x);
        assert_int_equal(got[i][1], launch[i][1]);
        assert_int_equal(got[i][2], launch[i][2]);
    }
}

static void plan_rows_again_and_again(void **state)
{
    vkc_device *dev = *state;
    static const uint32_t launch[N_LAUNCHES][3] = { { 1, 1, 1 }, { 16, 3, 1 }, { 64, 1, 5 } };
    vkc_buffer *rows, *launches, *commands;
    assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, 64, "rows", &rows));
    assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, sizeof launch, "launches", &launches));
    assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, sizeof launch, "commands", &commands));
    assert_ok(vkc_write(dev, (vkc_slice) { launches, 0, sizeof launch }, launch));

    struct rows_plan_args a = { .n_launches = N_LAUNCHES, .max_x = 1000 };
    const vkc_kernel *k;
    assert_ok(vkc_kernel_get(dev, &(vkc_kernel_params) { .shader = &vkc_shader_rows_plan, .args_size = sizeof a }, &k));
    assert_int_equal(vkc_kernel_bindings(k), 3);
    assert_int_equal(vkc_kernel_access(k, 0), VKC_ACCESS_READ);
    assert_int_equal(vkc_kernel_access(k, 1), VKC_ACCESS_READ);
    assert_int_equal(vkc_kernel_access(k, 2), VKC_ACCESS_WRITE);
    assert_int_equal(vkc_kernel_wg(k), 64);

    vkc_recording *rec;
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "smoke" }, &rec));
    vkc_slice out = { commands, 0, sizeof launch };
    assert_ok(vkc_record_fill(rec, vkc_slice_of(commands), 7));
    assert_ok(vkc_record_dispatch(rec, &(vkc_dispatch) {
        .kernel = k, .args = &a, .bind = { vkc_slice_of(rows), vkc_slice_of(launches), out } }));
    assert_ok(vkc_recording_finish(rec));
    assert_int_equal(vkc_recording_get_info(rec).n_dispatches, 1);
    assert_int_equal(vkc_recording_get_info(rec).n_levels, 2);
    for (uint32_t n = 1; n < 3000; n += 700) {
        uint32_t layout[16] = { n };
        uint64_t ticket;
        assert_ok(vkc_write(dev, vkc_slice_of(rows), layout));
        assert_ok(vkc_submit(rec, &ticket));
        assert_ok(vkc_wait(dev, ticket));
        assert_true(vkc_is_done(dev, ticket));
        check_commands(dev, out, n, a.max_x);
    }
    vkc_recording_destroy(rec);
    vkc_buffer_destroy(rows);
    vkc_buffer_destroy(launches);
    vkc_buffer_destroy(commands);
}

static void count_message(void *user, vkc_log_level level, const char *msg)
{
    if (level <= VKC_LOG_WARN && msg[0])
        ++*(uint32_t *) user;
}

// Two fills of one range without a barrier: were validation deaf, "no message" would mean nothing.
static void validation_hears_a_race(void **state)
{
    (void) state;
    vkc_device *dev = NULL;
    vkc_buffer *buf;
    uint32_t heard = 0;
    vkc_device_params p = { .validate = true, .log = count_message, .log_user = &heard };
    vkc_status st = vkc_device_create(&p, &dev);
    if (st == VKC_E_UNSUPPORTED)
        skip();         // the layer is not installed
    assert_ok(st);
    assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, 64, "race", &buf));
    assert_ok(vkc_fill(dev, vkc_slice_of(buf), 0));
    assert_int_equal(vkc_device_validation_count(dev), 0);
    uint32_t before = heard;
    assert_ok(vkc__transfer_begin(dev));
    vkCmdFillBuffer(dev->transfer, buf->vk, 0, 64, 1);
    vkCmdFillBuffer(dev->transfer, buf->vk, 0, 64, 2);
    assert_ok(vkc__transfer_end(dev));
    assert_true(vkc_device_validation_count(dev) > 0);
    assert_true(heard > before);
    vkc_buffer_destroy(buf);
    vkc_device_destroy(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_rows_again_and_again),
        cmocka_unit_test(validation_hears_a_race),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
