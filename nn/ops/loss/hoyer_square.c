// hoyer_square.c — group Hoyer-square of the hidden units of recurrent streams; small where few units have the weight.
//   in:  w_x (H, dirs 4 D, I)   w_h (S, 4 D, D), S = H dirs
//   out: loss (1)   norms of the units (S, D)   their sum and sum of squares (S, 2)
#include "nn/graph/rowwise.h"
#include "shaders/loss/hoyer_square.h"
#include "spv/shaders.h"

#include <math.h>

static struct hoyer_square_args make_args(const nn_call *c)
{
    return (struct hoyer_square_args) { .streams = c->in[1].dim[0], .units = c->in[1].dim[2],
                                        .inputs = c->in[0].dim[2] };
}

static vkc_status infer(nn_call *c)
{
    const nn_shape *x = &c->in[0], *h = &c->in[1];
    if (h->rank != 3 || !h->dim[0] || !h->dim[2] || h->dim[1] != 4 * h->dim[2])
        return VKC_FAIL(VKC_E_ARG, "hoyer_square: w_h is not (streams, 4 units, units)");
    if (x->rank != 3 || !x->dim[2] || (uint64_t) x->dim[0] * x->dim[1] != (uint64_t) h->dim[0] * h->dim[1])
        return VKC_FAIL(VKC_E_ARG, "hoyer_square: w_x has not the %u x %u gate rows of w_h", h->dim[0], h->dim[1]);
    c->out[0] = (nn_shape) { 1, { 1 } };
    c->out[1] = (nn_shape) { 2, { h->dim[0], h->dim[2] } };
    c->out[2] = (nn_shape) { 2, { h->dim[0], 2 } };
    return VKC_OK;
}

// Kernels stride: more invocations than this gain nothing.
static uint32_t n_groups(size_t len)
{
    const size_t groups = (len + NN_ROW_WG - 1) / NN_ROW_WG;
    return groups < 1024 ? (uint32_t) groups : 1024;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct hoyer_square_args a = make_args(c);
    vkc_status st = NN_DISPATCH(r, hoyer_square_norms, &a, .groups = { n_groups((size_t) a.streams * a.units) },
        .wg = NN_ROW_WG, .bind = { IN(0), IN(1), OUT(1) });
    if (st != VKC_OK)
        return st;
    return NN_DISPATCH(r, hoyer_square_fwd, &a, .wg = NN_ROW_WG, .bind = { OUT(1), OUT(2), OUT(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct hoyer_square_args a = make_args(c);
    vkc_status st = VKC_OK;
    for (int i = 0; i < 2 && st == VKC_OK; i++) {
        a.inputs = c->in[i].dim[2];
        a.recurrent = i == 1;
        if (nn_is_wanted(r, DIN(i)))
            st = NN_DISPATCH(r, hoyer_square_bwd, &a, .groups = { n_groups(nn_shape_len(&c->in[i])) }, .wg = NN_ROW_WG,
                .bind = { (uint8_t) IN(i), OUT(1), OUT(2), DOUT(0), (uint8_t) DIN(i) });
    }
    return st;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const uint32_t S = c->in[1].dim[0], D = c->in[1].dim[2], I = c->in[0].dim[2];
    out[0][0] = 0;
    for (uint32_t s = 0; s < S; s++) {
        double *sum = out[2] + 2 * s;
        sum[0] = sum[1] = 0;
        for (uint32_t r = 0; r < D; r++) {
            double n = 0;
            for (uint32_t row = s * 4 * D + r; row < (s + 1) * 4 * D; row += D) {
                for (uint32_t i = 0; i < I; i++)
                    n += in[0][(size_t) row * I + i] * in[0][(size_t) row * I + i];
                for (uint32_t i = 0; i < D; i++)
                    n += in[1][(size_t) row * D + i] * in[1][(size_t) row * D + i];
            }
            for (uint32_t row = s * 4 * D; row < (s + 1) * 4 * D; row++)
                n += in[1][(size_t) row * D + r] * in[1][(size_t) row * D + r];
            out[1][s * D + r] = sqrt(n);
            sum[0] += sqrt(n);
            sum[1] += n;
        }
        out[0][0] += sum[1] > 0 ? sum[0] * sum[0] / sum[1] : 0;
    }
}

const nn_op nn_op_hoyer_square = {
    .name = "hoyer_square", .n_in = 2, .n_out = 3,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(1)) | BIT(OUT(2)),
    .grad = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
