// test_dtype.c — what tensors hold: sizes in memory, parameters in fp16, and what is refused where an op has no kernel.
#include "nn/base/half.h"
#include "nn/graph/graph.h"
#include "shaders/loss/cross_entropy.h"
#include "tests/vk/vk_test.h"

#include <math.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes), cmocka_unit_test(test_inputs), cmocka_unit_test(test_params),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
