// gelu.c — the erf form of GELU, element by element.
//   in:  x (R, C)
//   out: y (R, C) = x * Phi(x)
#include "nn/graph/op.h"
#include "shaders/elementwise/gelu.h"
#include "spv/shaders.h"

#include <math.h>

#define WG 256u
#define TILE_LEN 4096u              // elements a workgroup takes at a time, about

static struct gelu_args make_args(const nn_call *c)
{
    const uint32_t cols = c->in[0].dim[1];
    return (struct gelu_args) {
        .rows = c->in_rows[0] ? 0 : c->in[0].dim[0],
        .cols = cols,
        .tile_rows = cols < TILE_LEN ? TILE_LEN / cols : 1,
    };
}

// Groups along x of a tensor that is not packed.
static uint32_t n_groups(const nn_call *c, const struct gelu_args *a)
{
    uint32_t n = (a->rows + a->tile_rows - 1) / a->tile_rows, max = c->dev->max_groups[0];
    return n < max ? n : max;
}

static vkc_status infer(nn_call *c)
{
    const nn_shape *x = &c->in[0];
    if (x->rank != 2 || !nn_shape_len(x))
        return VKC_FAIL(VKC_E_ARG, "gelu: in[0] is not (rows, columns)");
    c->out[0] = *x;
    c->out_rows[0] = c->in_rows[0];
    return VKC_OK;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct gelu_args a = make_args(c);
    return NN_DISPATCH(r, gelu_fwd, &a, .wg = WG, .groups = { n_groups(c, &a) },
        .tile_rows = c->in_rows[0] ? a.tile_rows : 0, .rows = ROWS_IN(0),
        .bind = { IN(0), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct gelu_args a = make_args(c);
    return NN_DISPATCH(r, gelu_bwd, &a, .wg = WG, .groups = { n_groups(c, &a) },
        .tile_rows = c->in_rows[0] ? a.tile_rows : 0, .rows = ROWS_IN(0),
        .bind = { IN(0), DOUT(0), DIN(0), ROWS_IN(0) });
}

static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const size_t rows = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], len = rows * c->in[0].dim[1];
    for (size_t i = 0; i < len; i++)
        out[0][i] = in[0][i] * 0.5 * erfc(-in[0][i] * sqrt(0.5));
}

const nn_op nn_op_gelu = {
    .name = "gelu", .n_in = 1, .n_out = 1,
    .keep = BIT(IN(0)), .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
