// mse.c — mean squared difference over the live rows and all columns.
//   in:  a (R, C)   b (R, C), the same layout
//   out: loss (1)
#include "nn/graph/rowwise.h"
#include "shaders/loss/loss_mean.h"
#include "shaders/loss/mse.h"
#include "spv/shaders.h"

static struct mse_args make_args(const nn_call *c)
{
    return (struct mse_args) { .rows = nn_plain_rows(c), .cols = c->in[0].dim[1] };
}

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("mse", "a", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("mse", "b", &c->in[1], 2, c->in[0].dim[0], c->in[0].dim[1]));
    if (c->in_rows[0] != c->in_rows[1])
        return VKC_FAIL(VKC_E_ARG, "mse: a and b are packed by different layouts");
    c->out[0] = (nn_shape) { 1, { 1 } };
    c->out_rows[0] = NULL;
    c->scratch_fwd[0] = NN_MAX_PARTIALS * sizeof(float);
done:
    return st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct mse_args a = make_args(c);
    struct loss_mean_args m = {
        .rows = a.rows, .n_partials = nn_n_partials(c->in[0].dim[0], MSE_TILE),
        .scale = 1.0f / (float) a.cols,
    };
    vkc_status st = NN_DISPATCH(r, mse_fwd, &a, .groups = { m.n_partials }, .wg = NN_ROW_WG,
        .bind = { IN(0), IN(1), SCRATCH(0), ROWS_IN(0) });
    if (st != VKC_OK)
        return st;
    return NN_DISPATCH(r, loss_mean, &m, .wg = NN_ROW_WG, .bind = { SCRATCH(0), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct mse_args a = make_args(c);
    vkc_status st = VKC_OK;
    for (int i = 0; i < 2 && st == VKC_OK; i++) {
        a.sign = i == 0 ? 1.0f : -1.0f;
        if (nn_is_wanted(r, DIN(i)))
            st = NN_DISPATCH(r, mse_bwd, &a, NN_BY_ROWS(c, MSE_TILE),
                .bind = { IN(0), IN(1), DOUT(0), (uint8_t) DIN(i), ROWS_IN(0) });
    }
    return st;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const uint32_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0];
    const size_t n = (size_t) R * c->in[0].dim[1];
    out[0][0] = 0;
    for (size_t i = 0; i < n; i++)
        out[0][0] += (in[0][i] - in[1][i]) * (in[0][i] - in[1][i]) / (double) n;
}

const nn_op nn_op_mse = {
    .name = "mse", .n_in = 2, .n_out = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
