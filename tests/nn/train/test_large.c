// test_large.c — a parameter of more than 256 MiB: written, read at both ends, looked up in, trained for a step. Where
// the device binds less at once, the memory works all the same and what kernels would read whole is refused in words.
#include "nn/graph/graph.h"
#include "nn/train/optim.h"
#include "shaders/tokens/embed.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { V = 70000, C = 1024 };       // 273 MiB
#define BYTES ((size_t) V * C * sizeof(float))
#define LR 0.01
#define DECAY 0.1

// Rows on both sides of where pieces of 128 and 256 MiB end, the first and the last.
static const uint32_t ids[] = { 0, 32767, 32768, 65535, 65536, V - 1 };
#define N_IDS (sizeof ids / sizeof *ids)
static const uint32_t idle[] = { 1, 40000, V - 2 };     // rows without a gradient

typedef struct large {
    vkc_device *dev;
    nn_params *ps;
    uint32_t table, small;
    vkc_buffer *moment[2];
    nn_adamw *opt;
} large;

static float start_value(uint32_t row, uint32_t col)
{
    return (float) (row % 97) / 64 - (float) (col % 13) / 8;
}

static vkc_slice row_of(vkc_slice table, uint32_t row)
{
    table.offset += (size_t) row * C * sizeof(float);
    table.size = C * sizeof(float);
    return table;
}

static void check_row(const large *t, uint32_t row)
{
    float v[C];
    assert_ok(vkc_read(t->dev, row_of(nn_params_value(t->ps, t->table), row), v));
    for (uint32_t c = 0; c < C; c++)
        assert_true(v[c] == start_value(row, c));
}

static void write_table(const large *t)
{
    float *all = (float *) malloc(BYTES);
    assert_non_null(all);
    for (uint32_t r = 0; r < V; r++)
        for (uint32_t c = 0; c < C; c++)
            all[(size_t) r * C + c] = start_value(r, c);
    assert_ok(nn_params_write(t->ps, t->table, all));
    free(all);
    for (uint32_t i = 0; i < N_IDS; i++)
        check_row(t, ids[i]);
}

static void make_params(large *t)
{
    const float one[3] = { 1, 2, 3 };
    assert_ok(nn_params_create(t->dev, &t->ps));
    assert_ok(nn_params_add(t->ps, "small", &(nn_shape) { 1, { 3 } }, false, &t->small));
    assert_ok(nn_params_add(t->ps, "table", &(nn_shape) { 2, { V, C } }, true, &t->table));
    assert_ok(nn_params_alloc(t->ps, true));
    assert_int_equal(t->ps->n_blocks, 2);       // the table has one of its own
    assert_int_equal(t->ps->block_size[1], BYTES);
    assert_ok(nn_params_write(t->ps, t->small, one));
    write_table(t);
}

// Rows of the table by their ids, their squares as the loss, the gradient into the table.
static void gradient_by_graph(const large *t)
{
    nn_rows *rows;
    nn_graph *g;
    vkc_recording *rec;
    float loss;
    double want = 0;
    assert_ok(nn_rows_create(t->dev, 1, N_IDS, 0, 0, 0, &rows));
    assert_ok(nn_rows_write_dense(t->dev, rows, 1));
    assert_ok(nn_graph_create(t->dev, &g));
    nn_tensor *id = nn_graph_input(g, "ids", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, rows);
    nn_tensor *zero = nn_graph_input(g, "zero", (nn_shape) { 2, { 0, C } }, NN_DTYPE_F32, rows);
    nn_tensor *y = NN_APPLY0(g, embed, NULL, id, nn_graph_param(g, t->ps, t->table, true));
    nn_tensor *l = NN_APPLY0(g, mse, NULL, y, zero);
    nn_graph_add_loss(g, l, 1.0f);
    assert_ok(nn_graph_plan(g));
    assert_ok(vkc_recording_create(t->dev, &(vkc_recording_params) { .name = "large" }, &rec));
    assert_ok(nn_graph_record(g, rec));
    assert_ok(vkc_recording_finish(rec));
    assert_ok(vkc_write(t->dev, nn_tensor_slice(id), ids));
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_wait(t->dev, 0));
    assert_ok(vkc_read(t->dev, nn_tensor_slice(l), &loss));
    for (uint32_t i = 0; i < N_IDS; i++)
        for (uint32_t c = 0; c < C; c++)
            want += pow((double) start_value(ids[i], c), 2) / (N_IDS * C);
    assert_true(fabs((double) loss - want) < 1e-5 * want);
    vkc_recording_destroy(rec);
    nn_graph_destroy(g);
    nn_rows_destroy(rows);
}

// Where kernels cannot bind the table, its use is refused and the gradient of the same loss written.
static void gradient_by_hand(const large *t)
{
    nn_graph *g;
    assert_ok(nn_graph_create(t->dev, &g));
    assert_null(nn_graph_param(g, t->ps, t->table, true));
    assert_status(nn_graph_plan(g), VKC_E_UNSUPPORTED);
    assert_non_null(strstr(vkc_last_error(), "parameter table needs 274 MiB"));
    assert_non_null(strstr(vkc_last_error(), vkc_device_get_info(t->dev)->name));
    assert_non_null(strstr(vkc_last_error(), "(maxStorageBufferRange)"));
    nn_graph_destroy(g);
    for (uint32_t i = 0; i < N_IDS; i++) {
        float d[C];
        for (uint32_t c = 0; c < C; c++)
            d[c] = 2 * start_value(ids[i], c) / (float) (N_IDS * C);
        assert_ok(vkc_write(t->dev, row_of(nn_params_grad(t->ps, t->table), ids[i]), d));
    }
}

static void step(large *t)
{
    vkc_recording *rec;
    float norm[2];
    double want = 0;
    for (int k = 0; k < 2; k++) {
        assert_ok(vkc_buffer_create(t->dev, VKC_MEM_DEVICE, BYTES, "moment", &t->moment[k]));
        assert_ok(vkc_fill(t->dev, vkc_slice_of(t->moment[k]), 0));
    }
    const nn_adamw_block block = {
        .params = nn_params_value(t->ps, t->table), .grads = nn_params_grad(t->ps, t->table),
        .m = vkc_slice_of(t->moment[0]), .v = vkc_slice_of(t->moment[1]), .decay_len = (size_t) (V - 1) * C,
    };
    assert_ok(nn_adamw_create(t->dev, &(nn_adamw_params) { .weight_decay = DECAY }, &block, 1, &t->opt));
    assert_ok(vkc_recording_create(t->dev, &(vkc_recording_params) { .name = "adamw" }, &rec));
    assert_ok(nn_adamw_record(t->opt, rec));
    assert_ok(vkc_recording_finish(rec));
    nn_adamw_write_step(t->opt, LR, 1);
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_wait(t->dev, 0));
    assert_ok(vkc_read(t->dev, nn_adamw_get_norm(t->opt), norm));
    for (uint32_t i = 0; i < N_IDS; i++)
        for (uint32_t c = 0; c < C; c++)
            want += pow(2 * (double) start_value(ids[i], c) / (double) (N_IDS * C), 2);
    assert_true(fabs((double) norm[0] - sqrt(want)) < 1e-5 * sqrt(want));
    vkc_recording_destroy(rec);
}

// The first step moves a value by lr against the sign of its gradient; all rows decay but the last.
static void check_step(const large *t, uint32_t row, bool has_gradient)
{
    float v[C];
    assert_ok(vkc_read(t->dev, row_of(nn_params_value(t->ps, t->table), row), v));
    for (uint32_t c = 0; c < C; c++) {
        const double old = (double) start_value(row, c), d = 2 * old / (double) (N_IDS * C);
        const double move = has_gradient ? LR * d / (fabs(d) + 1e-8) : 0;
        const double want = old * (row < V - 1 ? 1 - LR * DECAY : 1) - move;
        if (fabs((double) v[c] - want) > 1e-5)
            fail_msg("row %u, column %u is %g, want %g", row, c, (double) v[c], want);
    }
}

static void test_table(void **state)
{
    large t = { .dev = (vkc_device *) *state };
    if (BYTES > vkc_max_buffer(t.dev) || vkc_memory_get_info(t.dev).available < 5 * BYTES)
        skip();
    make_params(&t);
    if (BYTES <= vkc_max_bind(t.dev))
        gradient_by_graph(&t);
    else
        gradient_by_hand(&t);
    step(&t);
    for (uint32_t i = 0; i < N_IDS; i++)
        check_step(&t, ids[i], true);
    for (uint32_t i = 0; i < sizeof idle / sizeof *idle; i++)
        check_step(&t, idle[i], false);
    nn_adamw_destroy(t.opt);
    vkc_buffer_destroy(t.moment[0]);
    vkc_buffer_destroy(t.moment[1]);
    nn_params_destroy(t.ps);
}

// More than any buffer: the sentence names the parameter, the device and its limit.
static void test_too_large(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_params *ps;
    uint32_t index;
    assert_ok(nn_params_create(dev, &ps));
    assert_ok(nn_params_add(ps, "huge", &(nn_shape) { 2, { 1u << 20, 1u << 14 } }, true, &index));
    assert_status(nn_params_alloc(ps, false), VKC_E_UNSUPPORTED);
    assert_non_null(strstr(vkc_last_error(), "parameter huge needs 65536 MiB"));
    assert_non_null(strstr(vkc_last_error(), vkc_device_get_info(dev)->name));
    assert_non_null(strstr(vkc_last_error(), vkc_device_get_info(dev)->max_buffer_limit));
    nn_params_destroy(ps);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_table), cmocka_unit_test(test_too_large) };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
