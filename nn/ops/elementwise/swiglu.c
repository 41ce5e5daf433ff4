// swiglu.c — a gated MLP's middle: the first half of the columns gates the second.
//   in:  x (R, 2 H)
//   out: y (R, H) = silu(x[:, :H]) * x[:, H:]
// Source: Shazeer 2020, GLU Variants Improve Transformer; the halves are in DINOv2's order.
#include "nn/graph/rowwise.h"
#include "shaders/elementwise/swiglu.h"
#include "spv/shaders.h"

#include <math.h>

#define TILE_LEN 4096u              // elements a workgroup takes at a time, about

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("swiglu", "x", &c->in[0], 2, 0, 0));
    if (c->in[0].dim[1] % 2)
        return VKC_FAIL(VKC_E_ARG, "swiglu: %u columns are no two halves", c->in[0].dim[1]);
    c->out[0] = (nn_shape) { 2, { c->in[0].dim[0], c->in[0].dim[1] / 2 } };
    c->out_rows[0] = c->in_rows[0];
done:
    return st;
}

static struct swiglu_args make_args(const nn_call *c)
{
    const uint32_t cols = c->out[0].dim[1];
    return (struct swiglu_args) {
        .rows = nn_plain_rows(c), .cols = cols, .tile_rows = cols < TILE_LEN ? TILE_LEN / cols : 1,
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct swiglu_args a = make_args(c);
    return NN_DISPATCH(r, swiglu_fwd, &a, NN_BY_ROWS(c, a.tile_rows), .bind = { IN(0), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct swiglu_args a = make_args(c);
    return NN_DISPATCH(r, swiglu_bwd, &a, NN_BY_ROWS(c, a.tile_rows), .bind = { IN(0), DOUT(0), DIN(0), ROWS_IN(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const size_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], H = c->out[0].dim[1];
    for (size_t i = 0; i < R * H; i++) {
        const double *x = in[0] + i + i / H * H;
        out[0][i] = x[0] / (1 + exp(-x[0])) * x[H];
    }
}

const nn_op nn_op_swiglu = {
    .name = "swiglu", .n_in = 1, .n_out = 1,
    .keep = BIT(IN(0)), .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
