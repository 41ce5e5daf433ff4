// clamp.c — values cut to -most .. most, element by element.
//   in:  x (R, C)
//   out: y (R, C); backward: the gradient where x was not cut
#include "nn/graph/rowwise.h"
#include "shaders/elementwise/clamp.h"
#include "spv/shaders.h"

#include <math.h>

#define TILE_LEN 4096u              // elements a workgroup takes at a time, about

static struct clamp_args make_args(const nn_call *c)
{
    const uint32_t cols = c->in[0].dim[1];
    return (struct clamp_args) {
        .rows = nn_plain_rows(c),
        .cols = cols,
        .tile_rows = cols < TILE_LEN ? TILE_LEN / cols : 1,
        .most = NN_ATTR(c, clamp)->most,
    };
}

static vkc_status infer(nn_call *c)
{
    const struct clamp_attr *t = NN_ATTR(c, clamp);
    const nn_shape *x = &c->in[0];
    if (!t || !(t->most > 0) || !isfinite(t->most))
        return VKC_FAIL(VKC_E_ARG, "clamp: the range is not above 0");
    if (x->rank != 2 || !nn_shape_len(x))
        return VKC_FAIL(VKC_E_ARG, "clamp: in[0] is not (rows, columns)");
    c->out[0] = *x;
    c->out_rows[0] = c->in_rows[0];
    return VKC_OK;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct clamp_args a = make_args(c);
    return NN_DISPATCH(r, clamp_fwd, &a, NN_BY_ROWS(c, a.tile_rows), .bind = { IN(0), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const struct clamp_args a = make_args(c);
    return NN_DISPATCH(r, clamp_bwd, &a, NN_BY_ROWS(c, a.tile_rows), .bind = { IN(0), DOUT(0), DIN(0), ROWS_IN(0) });
}

static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct clamp_args a = make_args(c);
    const size_t rows = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], len = rows * c->in[0].dim[1];
    for (size_t i = 0; i < len; i++)
        out[0][i] = fabs(in[0][i]) > a.most ? copysign(a.most, in[0][i]) : in[0][i];
}

const nn_op nn_op_clamp = {
    .name = "clamp", .n_in = 1, .n_out = 1,
    .keep = BIT(IN(0)), .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
