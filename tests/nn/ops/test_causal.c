// test_causal.c — causal attention: no row takes anything from a later one, forward or backward, to the bit; heads that
// share keys and values give what copies of these would; what is refused.
#include "shaders/attention/attention.h"
#include "shaders/attention/attention_stats.h"
#include "tests/nn/ops/op_run.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>

#define ROWS 70u                    // of the first sample, more than two tiles
#define FROM 37u                    // its rows from here on are changed

static op_case make_case(const struct attention_attr *attr, uint32_t dim)
{
    const uint32_t kv = attr->kv_heads ? attr->kv_heads : attr->heads;
    return (op_case) { "attention", .layout = { { { ROWS, 13 }, .cap_tokens = 80 } }, .attr = attr,
                       .in = { { 1, { 2, { 0, (attr->heads + 2 * kv) * dim } } } } };
}

// Rows before FROM keep their bits when those behind change, and rows behind get no gradient from those before.
static void check_order(vkc_device *dev, uint32_t heads, uint32_t kv_heads, uint32_t dim)
{
    const struct attention_attr attr = { .heads = heads, .causal = 1, .kv_heads = kv_heads };
    const op_case oc = make_case(&attr, dim);
    op_run t;
    assert_ok(op_run_init(&t, dev, &oc, 5));
    const size_t ld = t.call.in[0].dim[1], C = t.call.out[0].dim[1];
    memset(t.dout + FROM * C, 0, (ROWS - FROM) * C * sizeof *t.dout);
    assert_ok(op_run_execute(&t, 0));
    op_snapshot first = op_run_snapshot(&t);
    for (size_t k = FROM * ld; k < ROWS * ld; k++) {
        assert_true(t.din[0][k] == 0);
        t.in[0][k] = 3 - t.in[0][k];
    }
    assert_ok(op_run_execute(&t, 0));
    assert_memory_equal(t.out[0], first.out[0], FROM * C * sizeof(float));
    assert_memory_equal(t.out[1], first.out[1], FROM * heads * sizeof(float));
    assert_memory_equal(t.din[0], first.din[0], FROM * ld * sizeof(float));
    for (size_t row = FROM; row < ROWS; row++)
        assert_true(memcmp(t.out[0] + row * C, first.out[0] + row * C, C * sizeof(float)) != 0);
    op_snapshot_free(&first);
    op_run_finish(&t);
}

static void test_order(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    check_order(dev, 2, 0, 8);
    check_order(dev, 1, 0, 13);
    check_order(dev, 4, 2, 32);
    check_order(dev, 3, 1, 64);
    check_order(dev, 1, 0, 128);
}

// Four query heads on two heads of keys and values, and on four that hold the same twice.
static void check_groups(vkc_device *dev, uint32_t causal, uint32_t D)
{
    enum { H = 4, KV = 2, GROUP = H / KV };
    const struct attention_attr shared = { .heads = H, .causal = causal, .kv_heads = KV };
    const struct attention_attr apart = { .heads = H, .causal = causal };
    const op_case of_shared = make_case(&shared, D), of_apart = make_case(&apart, D);
    const size_t ld = (H + 2 * KV) * D, wide = 3 * H * D, rows = ROWS + 13;
    op_run s, a;
    assert_ok(op_run_init(&s, dev, &of_shared, 5));
    assert_ok(op_run_init(&a, dev, &of_apart, 6));
    for (size_t row = 0; row < rows; row++) {
        memcpy(a.in[0] + row * wide, s.in[0] + row * ld, H * D * sizeof(float));
        for (size_t h = 0; h < 2 * H; h++)          // heads of k, then of v
            memcpy(a.in[0] + row * wide + (H + h) * D, s.in[0] + row * ld + (H + h / GROUP) * D, D * sizeof(float));
        memcpy(a.dout + row * H * D, s.dout + row * H * D, H * D * sizeof(float));
    }
    assert_ok(op_run_execute(&s, 0));
    assert_ok(op_run_execute(&a, 0));
    assert_memory_equal(s.out[0], a.out[0], rows * H * D * sizeof(float));
    assert_memory_equal(s.out[1], a.out[1], rows * H * sizeof(float));
    for (size_t row = 0; row < rows; row++) {
        assert_memory_equal(s.din[0] + row * ld, a.din[0] + row * wide, H * D * sizeof(float));
        for (size_t k = 0; k < 2 * KV * D; k++) {
            const float *copy = a.din[0] + row * wide + (H + k / D * GROUP) * D + k % D;
            const double want = (double) copy[0] + (double) copy[D];
            assert_true(fabs((double) s.din[0][row * ld + H * D + k] - want) <= 2e-6 * (1 + fabs(want)));
        }
    }
    op_run_finish(&s);
    op_run_finish(&a);
}

static void test_groups(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    check_groups(dev, 0, 8);
    check_groups(dev, 1, 13);
    check_groups(dev, 1, 32);
    check_groups(dev, 1, 128);
}

static void test_refused(void **state)
{
    static const struct { uint32_t heads, kv_heads, cols; bool has_table; const char *says; } bad[] = {
        { 6, 4, 84, false, "6 heads, want a multiple of the 4 heads of keys and values" },
        { 2, 4, 40, false, "2 heads, want a multiple of the 4 heads" },
        { 6, 2, 84, false, "qkv has 84 columns, want a multiple of 10, 6 heads of queries and twice 2" },
        { 6, 2, 0, false, "qkv has 0 columns" },
        { 6, 0, 84, false, "want 3 times a multiple of 6 heads" },
        { 4, 0x80000000u, 84, false, "want a multiple of the 2147483648 heads" },
        { 0xffffffffu, 0, 84, false, "want 3 times a multiple of 4294967295 heads" },
        { 2, 0, 24, true, "causal, with a table of relative positions" },
    };
    vkc_device *dev = (vkc_device *) *state;
    nn_rows *rows = NULL;
    assert_ok(nn_rows_create(dev, 1, 17, 1, 4, 4, &rows));
    for (size_t i = 0; i < 2 * sizeof bad / sizeof bad[0]; i++) {
        const bool is_stats = i % 2;
        const nn_op *op = is_stats ? &nn_op_attention_stats : &nn_op_attention;
        const struct attention_attr a = { bad[i / 2].heads, 0, 4, 1, bad[i / 2].kv_heads };
        const struct attention_stats_attr s = { bad[i / 2].heads, 0, 0, 4, 1, bad[i / 2].kv_heads };
        nn_call c = { .in = { { 2, { 17, bad[i / 2].cols } } }, .in_rows = { rows },
                      .attr = is_stats ? (const void *) &s : &a, .dev = vkc_device_get_info(dev) };
        if (bad[i / 2].has_table)
            c.in[1] = (nn_shape) { 2, { 52, 2 } };
        assert_status(nn_op_infer(op, &c), VKC_E_ARG);
        if (!strstr(vkc_last_error(), bad[i / 2].says) || !strstr(vkc_last_error(), op->name))
            fail_msg("\"%s\" does not say \"%s\"", vkc_last_error(), bad[i / 2].says);
    }
    nn_rows_destroy(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_groups), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
