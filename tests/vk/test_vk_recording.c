// test_vk_recording.c — recordings: hazards, replays whose data changes, indirect launches, bad calls.
#include "tests/vk/vk_test.h"
#include "tests/vk/vk_add.h"

#include <string.h>

enum { N = 1000 };      // floats in a buffer

static const float one = 1;

static uint32_t bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

static vkc_recording *open_recording(vkc_device *dev, const char *name)
{
    vkc_recording *rec;
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = name }, &rec));
    return rec;
}

static void finish(vkc_recording *rec, uint32_t n_levels)
{
    assert_ok(vkc_recording_finish(rec));
    assert_int_equal(vkc_recording_get_info(rec).n_levels, n_levels);
}

static void independent_commands_share_a_level(void **state)
{
    vkc_device *dev = *state;
    const vkc_kernel *add = get_add(dev);
    vkc_buffer *x = make_words(dev, N, bits(one)), *idle = make_words(dev, 16, 0), *y = make_words(dev, 8 * 256, 0);
    vkc_recording *rec = open_recording(dev, "independent");
    for (size_t i = 0; i < 4; i++)
        record_add(rec, add, (vkc_slice) { y, 1024 * i, 1024 }, floats_of(x, 256), floats_of(x, 256), idle);
    for (size_t i = 4; i < 8; i++)
        assert_ok(vkc_record_fill(rec, (vkc_slice) { y, 1024 * i, 1024 }, bits(one)));
    finish(rec, 1);
    assert_int_equal(vkc_recording_get_info(rec).n_dispatches, 4);
    replay(dev, rec);
    assert_floats(dev, (vkc_slice) { y, 0, 4096 }, 2);
    assert_floats(dev, (vkc_slice) { y, 4096, 4096 }, 1);
    vkc_recording_destroy(rec);
    vkc_buffer_destroy(x);
    vkc_buffer_destroy(idle);
    vkc_buffer_destroy(y);
}

static void hazards_separate(void **state)
{
    vkc_device *dev = *state;
    const vkc_kernel *add = get_add(dev);
    vkc_buffer *a = make_words(dev, N, bits(one)), *b = make_words(dev, N, 0), *c = make_words(dev, N, 0);
    vkc_buffer *idle = make_words(dev, 16, 0);
    vkc_slice sa = floats_of(a, N), sb = floats_of(b, N), sc = floats_of(c, N);

    vkc_recording *rec = open_recording(dev, "read after write");
    record_add(rec, add, sb, sa, sa, idle);     // b = 2
    record_add(rec, add, sc, sb, sa, idle);     // c = 3
    finish(rec, 2);
    replay(dev, rec);
    assert_floats(dev, sc, 3);
    vkc_recording_destroy(rec);

    rec = open_recording(dev, "write after read");
    record_add(rec, add, sc, sb, sb, idle);     // c = 4, from the old b
    assert_ok(vkc_record_fill(rec, sb, bits(one)));
    finish(rec, 2);
    replay(dev, rec);
    assert_floats(dev, sc, 4);
    assert_floats(dev, sb, 1);
    vkc_recording_destroy(rec);

    rec = open_recording(dev, "write after write");
    record_add(rec, add, sb, sc, sc, idle);     // b = 8
    assert_ok(vkc_record_fill(rec, (vkc_slice) { b, 0, 4 * N / 2 }, 0));
    assert_ok(vkc_record_copy(rec, (vkc_slice) { b, 0, 4 }, (vkc_slice) { a, 0, 4 }));
    finish(rec, 3);
    replay(dev, rec);
    assert_floats(dev, (vkc_slice) { b, 0, 4 }, 1);
    assert_floats(dev, (vkc_slice) { b, 4, 4 * N / 2 - 4 }, 0);
    assert_floats(dev, (vkc_slice) { b, 4 * N / 2, 4 * N / 2 }, 8);
    vkc_recording_destroy(rec);
    vkc_buffer_destroy(a);
    vkc_buffer_destroy(b);
    vkc_buffer_destroy(c);
    vkc_buffer_destroy(idle);
}

// A long chain through one arena, over and over, several replays at once: the order holds between
// replays, too.
static void replays_follow_one_another(void **state)
{
    vkc_device *dev = *state;
    const vkc_kernel *add = get_add(dev);
    vkc_buffer *arena = make_words(dev, 3 * 256, 0), *idle = make_words(dev, 16, 0);
    vkc_slice x = { arena, 0, 1024 }, y = { arena, 1024, 1024 }, inc = { arena, 2048, 1024 };
    assert_ok(vkc_fill(dev, inc, bits(one)));
    vkc_recording *rec = open_recording(dev, "chain");
    for (int i = 0; i < 10; i++) {
        record_add(rec, add, y, x, inc, idle);
        record_add(rec, add, x, y, inc, idle);
    }
    finish(rec, 20);
    uint64_t ticket[30];
    for (int i = 0; i < 30; i++) {
        assert_ok(vkc_submit(rec, &ticket[i]));
        assert_true(i == 0 || ticket[i] > ticket[i - 1]);
    }
    assert_ok(vkc_wait(dev, ticket[29]));
    assert_true(vkc_is_done(dev, ticket[3]));
    assert_floats(dev, x, 600);
    assert_status(vkc_wait(dev, ticket[29] + 1000), VKC_E_ARG);
    assert_ok(vkc_submit(rec, NULL));
    vkc_recording_destroy(rec);         // waits
    assert_floats(dev, x, 620);
    vkc_buffer_destroy(arena);
    vkc_buffer_destroy(idle);
}

static void data_changes_between_replays(void **state)
{
    vkc_device *dev = *state;
    const vkc_kernel *add = get_add(dev);
    vkc_buffer *up, *down, *a = make_words(dev, N, 0), *b = make_words(dev, N, bits(one)),
               *idle = make_words(dev, 16, 0);
    vkc_buffer *y = make_words(dev, N, 0);
    assert_ok(vkc_buffer_create(dev, VKC_MEM_UPLOAD, 4 * N, "up", &up));
    assert_ok(vkc_buffer_create(dev, VKC_MEM_READBACK, 4 * N, "down", &down));
    vkc_recording *rec = open_recording(dev, "up, add, down");
    assert_ok(vkc_record_copy(rec, floats_of(a, N), floats_of(up, N)));
    record_add(rec, add, floats_of(y, N), floats_of(a, N), floats_of(b, N), idle);
    assert_ok(vkc_record_copy(rec, floats_of(down, N), floats_of(y, N)));
    finish(rec, 3);
    for (int round = 0; round < 6; round++) {
        float *in = vkc_buffer_map(up);
        const float *out = vkc_buffer_map(down);
        for (int i = 0; i < N; i++)
            in[i] = (float) (i * round);
        replay(dev, rec);
        for (int i = 0; i < N; i++)
            assert_true(out[i] >= (float) (i * round + 1) && out[i] <= (float) (i * round + 1));
    }
    vkc_recording_destroy(rec);
    vkc_buffer *all[] = { up, down, a, b, y, idle };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        vkc_buffer_destroy(all[i]);
}

// Group counts computed on the device: as many tiles are added as the row layout says.
static void indirect_launches(void **state)
{
    vkc_device *dev = *state;
    enum { COLS = 5, ROWS = 200, LAYOUT = 16 };
    const uint32_t launch[2][3] = { { 1, 1, 1 }, { ADD_TILE, 1, 1 } };
    const vkc_kernel *add = get_add(dev), *plan;
    vkc_buffer *rows = make_words(dev, LAYOUT, 0), *launches = make_words(dev, 16, 0), *counts = make_words(dev, 16, 0);
    vkc_buffer *a = make_words(dev, ROWS * COLS, bits(one)), *y = make_words(dev, ROWS * COLS, 0);
    assert_ok(vkc_write(dev, (vkc_slice) { launches, 0, sizeof launch }, launch));
    struct rows_plan_args plan_args = { .n_launches = 2, .max_x = 1000 };
    struct add_args add_args = { .rows = 0, .cols = COLS };
    assert_ok(vkc_kernel_get(dev, &(vkc_kernel_params) {
        .shader = &vkc_shader_rows_plan, .args_size = sizeof plan_args }, &plan));
    vkc_recording *rec = open_recording(dev, "indirect");
    assert_ok(vkc_record_fill(rec, vkc_slice_of(y), 0));
    assert_ok(vkc_record_dispatch(rec, &(vkc_dispatch) {
        .kernel = plan, .args = &plan_args,
        .bind = { vkc_slice_of(rows), vkc_slice_of(launches), { counts, 0, sizeof launch } } }));
    assert_ok(vkc_record_dispatch(rec, &(vkc_dispatch) {
        .kernel = add, .args = &add_args, .indirect = { counts, 12, 12 }, .groups = { 77, 77, 77 },
        .bind = { vkc_slice_of(a), vkc_slice_of(a), vkc_slice_of(y), vkc_slice_of(rows) } }));
    finish(rec, 2);     // the fill and the plan, then what needs both
    static const uint32_t lives[] = { 0, 1, 16, 17, 199, 200, 3 };
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        uint32_t layout[LAYOUT] = { lives[i] };
        size_t live = lives[i] * COLS * sizeof(float);
        assert_ok(vkc_write(dev, vkc_slice_of(rows), layout));
        replay(dev, rec);
        if (live)
            assert_floats(dev, (vkc_slice) { y, 0, live }, 2);
        if (live < ROWS * COLS * sizeof(float))
            assert_floats(dev, (vkc_slice) { y, live, ROWS * COLS * sizeof(float) - live }, 0);
    }
    vkc_recording_destroy(rec);
    vkc_buffer *all[] = { rows, launches, counts, a, y };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        vkc_buffer_destroy(all[i]);
}

static void bad_dispatches(void **state)
{
    vkc_device *dev = *state;
    const vkc_device_info *info = vkc_device_get_info(dev);
    vkc_buffer *buf = make_words(dev, 4096, 0);
    struct add_args args = { .rows = 1, .cols = 16 };
    vkc_slice s = floats_of(buf, 16);
    vkc_recording *rec = open_recording(dev, "bad");
    const vkc_dispatch good = { .kernel = get_add(dev), .args = &args, .bind = { s, s, { buf, 4096, 64 }, s } };
    vkc_dispatch d = good;
    d.kernel = NULL;
    assert_status(vkc_record_dispatch(rec, &d), VKC_E_ARG);
    d = good, d.args = NULL;
    assert_status(vkc_record_dispatch(rec, &d), VKC_E_ARG);
    d = good, d.bind[1].buf = NULL;
    assert_status(vkc_record_dispatch(rec, &d), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "binding 1"));
    d = good, d.bind[1].offset = 1;
    assert_status(vkc_record_dispatch(rec, &d), VKC_E_ARG);
    d = good, d.bind[3].size = 0;
    assert_status(vkc_record_dispatch(rec, &d), VKC_E_ARG);
    d = good, d.bind[2].size = 16384;
    assert_status(vkc_record_dispatch(rec, &d), VKC_E_ARG);
    for (int i = 0; i < 3; i++)
        if (info->max_groups[i] < UINT32_MAX) {
            d = good, d.groups[i] = info->max_groups[i] + 1;
            assert_status(vkc_record_dispatch(rec, &d), VKC_E_ARG);
        }
    static const struct { size_t offset, size; } wrong[] = { { 0, 8 }, { 2, 12 }, { 16380, 12 }, { 16384, 0 } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        d = good, d.indirect = (vkc_slice) { buf, wrong[i].offset, wrong[i].size };
        assert_status(vkc_record_dispatch(rec, &d), VKC_E_ARG);
    }
    // What was refused left nothing behind.
    assert_ok(vkc_record_dispatch(rec, &good));
    finish(rec, 1);
    assert_int_equal(vkc_recording_get_info(rec).n_dispatches, 1);
    replay(dev, rec);
    vkc_recording_destroy(rec);
    vkc_buffer_destroy(buf);
}

static void bad_transfers_and_order(void **state)
{
    vkc_device *dev = *state;
    vkc_buffer *buf = make_words(dev, 64, 0);
    vkc_recording *rec = open_recording(dev, "bad order");
    assert_status(vkc_record_fill(rec, (vkc_slice) { buf, 0, 6 }, 0), VKC_E_ARG);
    assert_status(vkc_record_fill(rec, (vkc_slice) { buf, 0, 260 }, 0), VKC_E_ARG);
    assert_status(vkc_record_copy(rec, (vkc_slice) { buf, 0, 8 }, (vkc_slice) { buf, 64, 4 }), VKC_E_ARG);
    assert_status(vkc_record_copy(rec, (vkc_slice) { buf, 0, 8 }, (vkc_slice) { buf, 4, 8 }), VKC_E_ARG);
    assert_status(vkc_record_copy(rec, (vkc_slice) { buf, 0, 8 }, (vkc_slice) { NULL, 4, 8 }), VKC_E_ARG);
    assert_status(vkc_submit(rec, NULL), VKC_E_ARG);
    assert_ok(vkc_record_copy(rec, (vkc_slice) { buf, 0, 0 }, (vkc_slice) { buf, 4, 0 }));
    finish(rec, 0);
    assert_status(vkc_recording_finish(rec), VKC_E_ARG);
    assert_status(vkc_record_fill(rec, vkc_slice_of(buf), 0), VKC_E_ARG);
    for (int i = 0; i < 3; i++)
        replay(dev, rec);       // an empty one may be replayed
    vkc_recording_destroy(rec);
    vkc_recording_destroy(NULL);
    rec = open_recording(dev, "never finished");
    assert_ok(vkc_record_fill(rec, vkc_slice_of(buf), 0));
    vkc_recording_destroy(rec);
    vkc_buffer_destroy(buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(independent_commands_share_a_level),
        cmocka_unit_test(hazards_separate),
        cmocka_unit_test(replays_follow_one_another),
        cmocka_unit_test(data_changes_between_replays),
        cmocka_unit_test(indirect_launches),
        cmocka_unit_test(bad_dispatches),
        cmocka_unit_test(bad_transfers_and_order),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
