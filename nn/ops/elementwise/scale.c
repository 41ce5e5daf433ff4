// scale.c — columns scaled by one number each (LayerScale), or all by one factor.
//   in:  x (R, C)   gamma (C), optional
//   out: y (R, C) = factor * gamma * x
// Source: Touvron et al. 2021, Going deeper with Image Transformers (gamma).
#include "nn/graph/rowwise.h"
#include "shaders/elementwise/scale.h"
#include "spv/shaders.h"

#include <math.h>

#define TILE_LEN 4096u              // elements a workgroup takes at a time, about

static vkc_status infer(nn_call *c)
{
    const struct scale_attr *t = NN_ATTR(c, scale);
    vkc_status st;
    if (!t || !isfinite(t->factor))
        return VKC_FAIL(VKC_E_ARG, "scale: the factor is missing or not finite");
    VKC_TRY(nn_want_shape("scale", "x", &c->in[0], 2, 0, 0));
    if (c->in[1].rank)
        VKC_TRY(nn_want_shape("scale", "gamma", &c->in[1], 1, c->in[0].dim[1], 0));
    c->out[0] = c->in[0];
    c->out_rows[0] = c->in_rows[0];
    c->scratch_bwd[0] = (size_t) nn_n_partials(c->in[0].dim[0], NN_ROWS_EACH) * c->in[0].dim[1] * sizeof(float);
done:
    return st;
}

static struct scale_args make_args(const nn_call *c)
{
    const uint32_t cols = c->in[0].dim[1];
    return (struct scale_args) {
        .factor = NN_ATTR(c, scale)->factor,
        .rows = nn_plain_rows(c),
        .cols = cols,
        .tile_rows = cols < TILE_LEN ? TILE_LEN / cols : 1,
        .has_gamma = c->in[1].rank != 0,
        .blocks = nn_n_partials(c->in[0].dim[0], NN_ROWS_EACH),
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct scale_args a = make_args(c);
    return NN_DISPATCH(r, scale_fwd, &a, NN_BY_ROWS(c, a.tile_rows), .bind = { IN(0), IN(1), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct scale_args a = make_args(c);
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(0)))
        VKC_TRY(NN_DISPATCH(r, scale_bwd_x, &a, NN_BY_ROWS(c, a.tile_rows),
            .bind = { IN(1), DOUT(0), DIN(0), ROWS_IN(0) }));
    if (a.has_gamma && nn_is_wanted(r, DIN(1))) {
        VKC_TRY(NN_DISPATCH(r, scale_bwd_w, &a, .groups = { a.blocks, (a.cols - 1) / NN_ROW_WG + 1 }, .wg = NN_ROW_WG,
            .bind = { IN(0), DOUT(0), SCRATCH(0), ROWS_IN(0) }));
        VKC_TRY(nn_add_parts(r, c, SCRATCH(0), DIN(1), a.cols, a.blocks));
    }
done:
    return st;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const size_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], C = c->in[0].dim[1];
    for (size_t i = 0; i < R * C; i++)
        out[0][i] = (double) NN_ATTR(c, scale)->factor * (in[1] ? in[1][i % C] : 1) * in[0][i];
}

const nn_op nn_op_scale = {
    .name = "scale", .n_in = 2, .n_out = 1, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
