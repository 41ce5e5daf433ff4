// test_dtype.c — what tensors hold: sizes in memory, parameters in fp16, and what is refused where an op has no kernel.
#include "nn/base/half.h"
#include "nn/graph/check.h"
#include "nn/graph/finite.h"
#include "shaders/linear/linear.h"
#include "shaders/loss/cross_entropy.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_sizes(void **state)
{
    (void) state;
    const nn_shape odd = { 2, { 3, 5 } }, none = { 0 };
    assert_int_equal(nn_shape_bytes(&odd, NN_DTYPE_F32), 60);
    assert_int_equal(nn_shape_bytes(&odd, NN_DTYPE_U32), 60);
    assert_int_equal(nn_shape_bytes(&odd, NN_DTYPE_F16), 32);       // 30, in whole words
    for (int t = 0; t < NN_DTYPE_COUNT; t++) {
        assert_int_equal(nn_shape_bytes(&none, (nn_dtype) t), 0);
        assert_true(nn_dtype_size((nn_dtype) t) > 0 && strlen(nn_dtype_name((nn_dtype) t)) > 0);
    }
}

static void test_inputs(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_graph *g;
    assert_ok(nn_graph_create(dev, &g));
    for (int t = 0; t < NN_DTYPE_COUNT; t++) {
        const nn_shape shape = { 2, { 7, 3 } };
        nn_tensor *x = nn_graph_input(g, "x", shape, (nn_dtype) t, NULL);
        assert_int_equal(nn_tensor_dtype(x), t);
        assert_int_equal(nn_tensor_slice(x).size, nn_shape_bytes(&shape, (nn_dtype) t));
        assert_int_equal(nn_tensor_dtype(nn_stop_gradient(g, x)), t);
    }
    nn_graph_destroy(g);
}

#define LEN 5

static void test_params(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    const float w[LEN] = { 1.0f, -2.5f, 1.0f / 3, 70000.0f, 1e-9f }, b[LEN] = { 0.1f, 0.2f, 0.3f, 0.4f, 0.5f };
    float got[LEN];
    nn_params *ps;
    uint32_t iw, ib;
    assert_ok(nn_params_create(dev, &ps));
    assert_ok(nn_params_add(ps, "w", &(nn_shape) { 1, { LEN } }, true, &iw));
    assert_ok(nn_params_add(ps, "b", &(nn_shape) { 1, { LEN } }, true, &ib));
    ps->p[iw].dtype = NN_DTYPE_F16;
    assert_ok(nn_params_alloc(ps, true));
    assert_int_equal(nn_params_value(ps, iw).size, 12);
    assert_int_equal(nn_params_value(ps, ib).size, 20);
    assert_ok(nn_params_write(ps, iw, w));
    assert_ok(nn_params_write(ps, ib, b));
    assert_ok(nn_params_read(ps, iw, got));
    for (int i = 0; i < LEN; i++)
        assert_memory_equal(&got[i], &(float) { nn_half_to_float(nn_half_from_float(w[i])) }, sizeof *got);
    assert_true(isinf(got[3]) && got[4] == 0);
    assert_ok(nn_params_read(ps, ib, got));
    assert_memory_equal(got, b, sizeof b);

    nn_graph *g;                    // only as it is
    assert_ok(nn_graph_create(dev, &g));
    assert_int_equal(nn_tensor_dtype(nn_graph_param(g, ps, iw, false)), NN_DTYPE_F16);
    assert_non_null(nn_graph_param(g, ps, ib, true));
    assert_null(nn_graph_param(g, ps, iw, true));
    assert_status(nn_graph_plan(g), VKC_E_UNSUPPORTED);
    assert_non_null(strstr(vkc_last_error(), "parameter w holds fp16: only fp32 is trained"));
    nn_graph_destroy(g);
    nn_params_destroy(ps);
}

static void expect_refusal(vkc_device *dev, nn_dtype x, nn_dtype labels, const char *text)
{
    nn_graph *g;
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *logits = nn_graph_input(g, "x", (nn_shape) { 2, { 2, 3 } }, x, NULL);
    nn_tensor *y = nn_graph_input(g, "labels", (nn_shape) { 1, { 2 } }, labels, NULL);
    nn_tensor *loss = NN_APPLY(g, cross_entropy, &(struct cross_entropy_attr) { .smoothing = 0 }, NULL, logits, y);
    assert_true((loss == NULL) == (text != NULL));
    nn_graph_keep(g, loss);
    assert_status(nn_graph_plan(g), text ? VKC_E_UNSUPPORTED : VKC_OK);
    if (text && !strstr(vkc_last_error(), text))
        fail_msg("%s", vkc_last_error());
    nn_graph_destroy(g);
}

static void test_refusals(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    expect_refusal(dev, NN_DTYPE_F32, NN_DTYPE_U32, NULL);
    expect_refusal(dev, NN_DTYPE_F16, NN_DTYPE_U32,
                   "cross_entropy: in[0] holds fp16, there are kernels for fp32 only");
    expect_refusal(dev, NN_DTYPE_F32, NN_DTYPE_F32,
                   "cross_entropy: in[1] holds fp32, there are kernels for uint32 only");
    expect_refusal(dev, NN_DTYPE_F32, NN_DTYPE_F16,
                   "cross_entropy: in[1] holds fp16, there are kernels for uint32 only");
    expect_refusal(dev, NN_DTYPE_U32, NN_DTYPE_U32,
                   "cross_entropy: in[0] holds uint32, there are kernels for fp32 only");
}

// ---- the one op that takes fp16

typedef struct chain {              // y = linear(linear(x)) in fp16, R rows, K, N, M columns
    vkc_device *dev;
    nn_params *ps;
    uint32_t w1, b1, w2;
    nn_graph *g;
    nn_tensor *x, *h, *y;
    vkc_recording *rec;
} chain;

enum { R = 3, K = 7, N = 5, M = 9 };

static float sample(uint32_t i)
{
    return (float) ((int) (i * 37 % 64) - 32) / 16;
}

static void write_param(chain *t, uint32_t index, float scale)
{
    float v[128];
    const uint32_t len = (uint32_t) nn_shape_len(&t->ps->p[index].shape);
    for (uint32_t i = 0; i < len; i++)
        v[i] = scale * sample(i + 11 * index);
    assert_ok(nn_params_write(t->ps, index, v));
}

static void open_chain(vkc_device *dev, chain *t)
{
    *t = (chain) { .dev = dev };
    assert_ok(nn_params_create(dev, &t->ps));
    assert_ok(nn_params_add(t->ps, "w1", &(nn_shape) { 2, { N, K } }, true, &t->w1));
    assert_ok(nn_params_add(t->ps, "b1", &(nn_shape) { 1, { N } }, false, &t->b1));
    assert_ok(nn_params_add(t->ps, "w2", &(nn_shape) { 2, { M, N } }, true, &t->w2));
    t->ps->p[t->w1].dtype = t->ps->p[t->w2].dtype = NN_DTYPE_F16;
    assert_ok(nn_params_alloc(t->ps, false));
    write_param(t, t->w1, 0.7f);
    write_param(t, t->b1, 0.1f);
    write_param(t, t->w2, 0.3f);
    assert_ok(nn_graph_create(dev, &t->g));
    t->x = nn_graph_input(t->g, "x", (nn_shape) { 2, { R, K } }, NN_DTYPE_F16, NULL);
    nn_graph_scope(t->g, "first");
    t->h = NN_APPLY(t->g, linear, &(struct linear_attr) { .act = LINEAR_ACT_GELU }, NULL, t->x,
                    nn_graph_param(t->g, t->ps, t->w1, false), nn_graph_param(t->g, t->ps, t->b1, false));
    nn_graph_scope(t->g, "second");
    t->y = NN_APPLY(t->g, linear, &(struct linear_attr) { 0 }, NULL, t->h,
                    nn_graph_param(t->g, t->ps, t->w2, false));
    assert_int_equal(nn_tensor_dtype(t->y), NN_DTYPE_F16);
    assert_null(nn_output(t->h, 1));            // what stands before the activation: no backward pass follows
    nn_finite_watch(t->g, t->h, "h");
    nn_finite_watch(t->g, t->y, "y");
    nn_graph_keep(t->g, t->y);
    assert_ok(nn_graph_plan(t->g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "chain" }, &t->rec));
    assert_ok(nn_graph_record(t->g, t->rec));
}

// Reads y and the counters of values that are not finite.
static vkc_status run_chain(chain *t, float first, float *y)
{
    float x[R * K];
    uint16_t halves[R * K + 1] = { 0 };
    vkc_buffer *counters;
    for (uint32_t i = 0; i < R * K; i++)
        x[i] = i == 0 ? first : sample(i);
    nn_half_narrow(halves, x, R * K);
    assert_ok(vkc_buffer_create(t->dev, VKC_MEM_READBACK, nn_finite_size(t->g), "counters", &counters));
    assert_ok(nn_finite_record(t->g, t->rec, (vkc_slice) { counters, 0, nn_finite_size(t->g) }));
    assert_ok(vkc_recording_finish(t->rec));
    assert_ok(vkc_write(t->dev, nn_tensor_slice(t->x), halves));
    assert_ok(nn_check_before(t->g));
    assert_ok(vkc_submit(t->rec, NULL));
    assert_ok(vkc_wait(t->dev, 0));
    assert_int_equal(nn_tensor_slice(t->y).size, (R * M * 2 + 3) / 4 * 4);
    assert_ok(vkc_read(t->dev, nn_tensor_slice(t->y), y));
    nn_half_widen(y, R * M);
    vkc_status st = nn_check_after(t->g, "once");
    if (st == VKC_OK)
        st = nn_finite_check(t->g, vkc_buffer_map(counters), "once");
    vkc_recording_destroy(t->rec);
    vkc_buffer_destroy(counters);
    nn_graph_destroy(t->g);
    nn_params_destroy(t->ps);
    return st;
}

static double half_of(double v)
{
    return (double) nn_half_to_float(nn_half_from_float((float) v));
}

// Against a calculation in double that rounds where tensors are stored.
static void test_chain(void **state)
{
    chain t;
    float y[R * M + 1];
    open_chain((vkc_device *) *state, &t);
    assert_ok(run_chain(&t, sample(0), y));
    for (uint32_t r = 0; r < R; r++) {
        double h[N];
        for (uint32_t n = 0; n < N; n++) {
            double v = (double) (0.1f * sample(n + 11 * t.b1));
            for (uint32_t k = 0; k < K; k++)
                v += half_of((double) sample(r * K + k)) * half_of((double) (0.7f * sample(n * K + k + 11 * t.w1)));
            h[n] = half_of(v * 0.5 * erfc(-v * sqrt(0.5)));
        }
        for (uint32_t m = 0; m < M; m++) {
            double v = 0;
            for (uint32_t n = 0; n < N; n++)
                v += h[n] * half_of((double) (0.3f * sample(m * N + n + 11 * t.w2)));
            // One more rounding, and one of an h that fell on the other side of a tie.
            assert_true(fabs((double) y[r * M + m] - v) <= 2e-3 * (1 + fabs(v)));
        }
    }
}

static void expect_failure(vkc_device *dev, float first, const char *text)
{
    chain t;
    float y[R * M + 1];
    open_chain(dev, &t);
    assert_status(run_chain(&t, first, y), VKC_E_CHECK);
    if (!strstr(vkc_last_error(), text))
        fail_msg("%s", vkc_last_error());
}

// The first column of w1 is 0.7 times -2, -1.81, -1.63, -1.44, -1.25: three values of h are beyond 65520.
static void test_finite(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    expect_failure(dev, -60000, "h has 3 values that are not finite once");
    expect_failure(dev, -INFINITY, "h has 5 values that are not finite once");
}

static void test_check(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    chain t;
    float y[R * M + 1];
    nn_check *check;
    assert_ok(nn_check_create(dev, &(nn_check_params) { .threads = 1 }, &check));
    open_chain(dev, &t);
    assert_ok(run_chain(&t, sample(0), y));
    assert_int_equal(setenv("PARE_FAULT", "linear@second", 1), 0);
    expect_failure(dev, sample(0), "second (op linear): differs by");
    assert_true(nn_check_first(check)->value == 8.0);
    assert_int_equal(unsetenv("PARE_FAULT"), 0);
    nn_check_destroy(check);
}

static void test_both_types(void **state)
{
    nn_graph *g;
    assert_ok(nn_graph_create((vkc_device *) *state, &g));
    nn_tensor *x = nn_graph_input(g, "x", (nn_shape) { 2, { R, K } }, NN_DTYPE_F16, NULL);
    nn_tensor *w = nn_graph_input(g, "w", (nn_shape) { 2, { N, K } }, NN_DTYPE_F32, NULL);
    assert_null(NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, x, w));
    assert_status(nn_graph_plan(g), VKC_E_UNSUPPORTED);
    assert_non_null(strstr(vkc_last_error(), "linear: in[1] holds fp32 and in[0] fp16: there are no kernels for both"));
    nn_graph_destroy(g);
}

// ---- rounding on the device: y = 0 x + b in every form, b around every half and every tie

#define B_COLS (2u * 3u * 0x7c00u)

static void test_rounding(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_graph *g;
    vkc_recording *rec;
    float *b = (float *) malloc(B_COLS * sizeof *b), *y = (float *) malloc((B_COLS + 1) * sizeof *y);
    assert_true(b && y);
    for (uint32_t i = 0; i < B_COLS; i++) {     // a half, the middle to the next, just below: the signs in turn
        const uint32_t h = i / 6;
        const double low = (double) nn_half_to_float((uint16_t) h);
        const double high = h + 1 < 0x7c00u ? (double) nn_half_to_float((uint16_t) (h + 1)) : 65536;
        const float at = i / 2 % 3 == 0 ? (float) low : (float) ((low + high) / 2);
        b[i] = (i % 2 ? -1.0f : 1.0f) * (i / 2 % 3 == 2 ? nextafterf(at, 0) : at);
    }
    b[0] = NAN;
    b[1] = INFINITY;
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *x = nn_graph_input(g, "x", (nn_shape) { 2, { 1, 1 } }, NN_DTYPE_F16, NULL);
    nn_tensor *w = nn_graph_input(g, "w", (nn_shape) { 2, { B_COLS, 1 } }, NN_DTYPE_F16, NULL);
    nn_tensor *bias = nn_graph_input(g, "b", (nn_shape) { 1, { B_COLS } }, NN_DTYPE_F32, NULL);
    nn_tensor *t = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, x, w, bias);
    nn_graph_keep(g, t);
    assert_ok(nn_graph_plan(g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "rounding" }, &rec));
    assert_ok(nn_graph_record(g, rec));
    assert_ok(vkc_recording_finish(rec));
    assert_ok(vkc_write(dev, nn_tensor_slice(bias), b));
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    assert_ok(vkc_read(dev, nn_tensor_slice(t), y));
    nn_half_widen(y, B_COLS);
    assert_true(isnan(y[0]) && isinf(y[1]));
    for (uint32_t i = 2; i < B_COLS; i++) {
        const float want = nn_half_to_float(nn_half_from_float(b[i]));
        if (y[i] != want)
            fail_msg("%.9g became %.9g, want %.9g", (double) b[i], (double) y[i], (double) want);
    }
    vkc_recording_destroy(rec);
    nn_graph_destroy(g);
    free(b);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes), cmocka_unit_test(test_inputs), cmocka_unit_test(test_params),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_chain), cmocka_unit_test(test_finite),
        cmocka_unit_test(test_check), cmocka_unit_test(test_both_types), cmocka_unit_test(test_rounding),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
