// test_matrix.c — mixing matrices and windows against what they stand for: the matrix of a scan, times v, is what the
// scan gives, and so for features; a window that covers all is softmax attention, one that weighs nothing linear
// attention over the other blocks.
#include "shaders/attention/attention.h"
#include "shaders/attention/matrix/matrix_match.h"
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/linear_attention/window_attention.h"
#include "shaders/scan/gated/gated_scan.h"
#include "tests/nn/ops/op_run.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>

enum { HEADS = 3, DIM = 5, STATE = 7, CAP = 70, IMAGES = 4 };
static const op_layout layout = { .lengths = { 1, 17, 33, 65 }, .cap_tokens = CAP };

static void run_case(op_run *t, vkc_device *dev, const op_case *oc, uint64_t seed)
{
    assert_ok(op_run_init(t, dev, oc, seed));
    assert_ok(op_run_execute(t, 0));
}

// Largest difference of y (R, heads, dirs, dim), the mean over directions, from map (images heads, CAP, CAP) times the
// heads of v, at columns col0 + h dim of rows of `ld`.
static double distance(const op_run *m, const float *map, const float *v, size_t ld, size_t col0, const float *y,
                       size_t dirs, size_t dim)
{
    const nn_rows *rows = m->call.in_rows[0];
    double most = 0;
    for (size_t b = 0; b < rows->n_images; b++)
        for (size_t h = 0; h < HEADS; h++)
            for (size_t i = rows->offsets[b]; i < rows->offsets[b + 1]; i++)
                for (size_t d = 0; d < dim; d++) {
                    double want = 0, got = 0;
                    for (size_t j = rows->offsets[b]; j < rows->offsets[b + 1]; j++)
                        want += (double) map[((b * HEADS + h) * CAP + i - rows->offsets[b]) * CAP + j -
                                             rows->offsets[b]] * (double) v[j * ld + col0 + h * dim + d];
                    for (size_t dir = 0; dir < dirs; dir++)
                        got += (double) y[((i * HEADS + h) * dirs + dir) * dim + d] / (double) dirs;
                    most = fmax(most, fabs(want - got));
                }
    return most;
}

// A recurrence with decays that forget within the image; `channels`: one a channel.
static void check_scan(vkc_device *dev, uint32_t dirs, uint32_t channels)
{
    const uint32_t W = channels ? STATE : 1, S = HEADS * dirs;
    op_run scan, match;
    const op_input q = { 1, { 2, { 0, S * STATE } }, 0, 0, false }, g = { 1, { 2, { 0, S * W } }, -2, -0.001, false };
    const op_input step = { 1, { channels ? 0 : 2, { 0, S } }, 0.1, 1, false };
    const struct gated_scan_attr a = {
        .heads = HEADS, .dirs = dirs, .dk = STATE, .dv = DIM, .channels = channels, .q_head = dirs * STATE,
        .q_dir = STATE, .k_head = dirs * STATE, .k_dir = STATE, .v_head = DIM, .g_head = dirs * W, .g_dir = W,
        .step_head = dirs, .step_dir = 1, .scale = 0.5f };
    const struct matrix_match_attr b = {
        .heads = HEADS, .dirs = dirs, .dk = STATE, .channels = channels, .q_head = dirs * STATE, .q_dir = STATE,
        .k_head = dirs * STATE, .k_dir = STATE, .g_head = dirs * W, .g_dir = W, .step_head = dirs, .step_dir = 1,
        .scale = 0.5f, .map = 1 };
    run_case(&scan, dev, &(op_case) { .op = "gated_scan", .note = "its matrix", .layout = { layout },
        .in = { q, q, { 1, { 2, { 0, HEADS * DIM } }, 0, 0, false }, g, step }, .attr = &a }, 11);
    assert_ok(op_run_init(&match, dev, &(op_case) { .op = "matrix_match", .note = "its matrix", .layout = { layout },
        .in = { q, q, { 1, { 2, { 0, 3 * HEADS * DIM } }, 0, 0, false }, { 1, { 2, { 0, HEADS } }, 0, 0, false }, g,
                step }, .attr = &b }, 12));
    const size_t R = op_run_live(&scan, &scan.call.out[0], scan.call.out_rows[0]) / (S * DIM);
    for (int i = 0; i < 2; i++)
        memcpy(match.in[i], scan.in[i], R * S * STATE * sizeof(float));
    memcpy(match.in[4], scan.in[3], R * S * W * sizeof(float));
    if (!channels)
        memcpy(match.in[5], scan.in[4], R * S * sizeof(float));
    assert_ok(op_run_execute(&match, 0));
    const double far = distance(&match, match.out[3], scan.in[2], HEADS * DIM, 0, scan.out[0], dirs, DIM);
    if (!(far < 1e-5))
        fail_msg("%u directions, %u decays: the matrix times v is off by %.3g", dirs, W, far);
    op_run_finish(&scan);
    op_run_finish(&match);
}

static void test_scan(void **state)
{
    for (uint32_t dirs = 1; dirs <= 2; dirs++)
        for (uint32_t channels = 0; channels <= 1; channels++)
            check_scan((vkc_device *) *state, dirs, channels);
}

static void test_features(void **state)
{
    op_run linear, match;
    const op_input phi = { 1, { 2, { 0, HEADS * STATE } }, 0.01, 1, false };
    const op_input qkv = { 1, { 2, { 0, 3 * HEADS * DIM } }, 0, 0, false };
    run_case(&linear, (vkc_device *) *state, &(op_case) { .op = "linear_attention", .note = "its matrix",
        .layout = { layout }, .in = { phi, phi, qkv },
        .attr = &(struct linear_attention_attr) { .heads = HEADS, .head_dim = DIM, .v_col0 = 2 * HEADS * DIM } }, 13);
    assert_ok(op_run_init(&match, (vkc_device *) *state, &(op_case) { .op = "matrix_match", .note = "its matrix",
        .layout = { layout }, .in = { phi, phi, qkv, { 1, { 2, { 0, HEADS } }, 0, 0, false } },
        .attr = &(struct matrix_match_attr) { .heads = HEADS, .dirs = 1, .dk = STATE, .q_head = STATE,
                                              .k_head = STATE, .map = 1 } }, 14));
    for (int i = 0; i < 2; i++)
        memcpy(match.in[i], linear.in[i], nn_shape_len(&linear.call.in[i]) * sizeof(float));
    assert_ok(op_run_execute(&match, 0));
    assert_true(distance(&match, match.out[3], linear.in[2], 3 * HEADS * DIM, 2 * HEADS * DIM, linear.out[0], 1, DIM)
                < 1e-5);
    op_run_finish(&linear);
    op_run_finish(&match);
}

static void init_window(op_run *t, vkc_device *dev, uint32_t window)
{
    static struct window_attention_attr attr;           // a run keeps its case
    static const op_input phi = { 1, { 2, { 0, HEADS * STATE } }, 0.01, 1, false };
    static op_case oc;
    attr = (struct window_attention_attr) { .heads = HEADS, .head_dim = DIM, .window = window };
    oc = (op_case) { .op = "window_attention", .note = "limits", .layout = { layout }, .attr = &attr,
        .in = { phi, phi, { 1, { 2, { 0, 3 * HEADS * DIM } }, -2, 2, false },
                { 0, { 1, { HEADS } }, -3, 3, false } } };
    assert_ok(op_run_init(t, dev, &oc, 15));
}

static double largest(const float *x, const float *y, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double) x[i] - (double) y[i]));
    return most;
}

// A window as long as the longest image leaves nothing to the features, whatever mix is: attention, gradients too.
static void test_covering(void **state)
{
    op_run soft, t;
    assert_ok(op_run_init(&soft, (vkc_device *) *state, &(op_case) { .op = "attention", .note = "limits",
        .layout = { layout }, .in = { { 1, { 2, { 0, 3 * HEADS * DIM } }, -2, 2, false } },
        .attr = &(struct attention_attr) { .heads = HEADS } }, 16));
    init_window(&t, (vkc_device *) *state, 65);
    memcpy(soft.in[0], t.in[2], nn_shape_len(&t.call.in[2]) * sizeof(float));
    memcpy(soft.dout, t.dout, nn_shape_len(&t.call.out[0]) * sizeof(float));
    assert_ok(op_run_execute(&soft, 0));
    assert_ok(op_run_execute(&t, 0));
    const size_t n = op_run_live(&t, &t.call.out[0], t.call.out_rows[0]);
    assert_true(largest(soft.out[0], t.out[0], n) < 2e-6);
    assert_true(largest(soft.din[0], t.din[2], 3 * n) < 1e-5);
    for (size_t k = 0; k < n / DIM * STATE; k++)
        assert_true(t.din[0][k] == 0 && t.din[1][k] == 0);
    op_run_finish(&soft);
    op_run_finish(&t);
}

// Where the softmax weighs nothing the linear part alone is left: that of the other blocks, 0 where there is none.
static void test_zeroed(void **state)
{
    enum { WINDOW = 16 };
    op_run t;
    init_window(&t, (vkc_device *) *state, WINDOW);
    for (uint32_t h = 0; h < HEADS; h++)
        t.in[3][h] = -80;
    assert_ok(op_run_execute(&t, 0));
    const nn_rows *rows = t.call.in_rows[0];
    double most = 0;
    for (size_t b = 0; b < rows->n_images; b++)
        for (size_t h = 0; h < HEADS; h++)
            for (size_t i = rows->offsets[b]; i < rows->offsets[b + 1]; i++) {
                double sum = 0, y[DIM] = { 0 };
                for (size_t j = rows->offsets[b]; j < rows->offsets[b + 1]; j++) {
                    double kappa = 0;
                    for (size_t f = 0; f < STATE; f++)
                        kappa += (double) t.in[0][(i * HEADS + h) * STATE + f] *
                                 (double) t.in[1][(j * HEADS + h) * STATE + f];
                    if ((i - rows->offsets[b]) / WINDOW == (j - rows->offsets[b]) / WINDOW)
                        continue;
                    sum += kappa;
                    for (size_t d = 0; d < DIM; d++)
                        y[d] += kappa * (double) t.in[2][((j * 3 + 2) * HEADS + h) * DIM + d];
                }
                for (size_t d = 0; d < DIM; d++)
                    most = fmax(most, fabs((double) t.out[0][(i * HEADS + h) * DIM + d] - (sum > 0 ? y[d] / sum : 0)));
            }
    assert_true(most < 2e-6);
    op_run_finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_covering),
        cmocka_unit_test(test_zeroed),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
