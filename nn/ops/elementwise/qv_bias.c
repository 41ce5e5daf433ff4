// qv_bias.c — the bias of q, k and v where k has none: whatever the middle third holds, it counts as zeros, and its
// gradient is zero.
//   in:  b (3C), plain
//   out: y (3C) = b, but 0 in C .. 2C
#include "nn/graph/rowwise.h"
#include "shaders/elementwise/qv_bias.h"
#include "spv/shaders.h"

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("qv_bias", "b", &c->in[0], 1, 0, 0));
    if (c->in_rows[0] || c->in[0].dim[0] % 3)
        return VKC_FAIL(VKC_E_ARG, "qv_bias: b has %u numbers, want 3 times the width, plain", c->in[0].dim[0]);
    c->out[0] = c->in[0];
done:
    return st;
}

static vkc_status dispatch(nn_run *r, const nn_call *c, bool backward)
{
    const struct qv_bias_args a = { c->in[0].dim[0] / 3 };
    const uint32_t groups = (c->in[0].dim[0] - 1) / NN_ROW_WG + 1;
    if (backward)
        return NN_DISPATCH(r, qv_bias_bwd, &a, .wg = NN_ROW_WG, .groups = { groups }, .bind = { DOUT(0), DIN(0) });
    return NN_DISPATCH(r, qv_bias_fwd, &a, .wg = NN_ROW_WG, .groups = { groups }, .bind = { IN(0), OUT(0) });
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    return dispatch(r, c, false);
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    return dispatch(r, c, true);
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const size_t n = c->in[0].dim[0];
    for (size_t i = 0; i < n; i++)
        out[0][i] = i / (n / 3) == 1 ? 0 : in[0][i];
}

const nn_op nn_op_qv_bias = {
    .name = "qv_bias", .n_in = 1, .n_out = 1,
    .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
