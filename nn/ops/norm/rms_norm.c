// rms_norm.c — normalise by the root of the mean square, over all columns or over each of G groups of D of them.
//   in:  x (R, ld)   w (D), optional: ones, and then without the offset
//   out: y (R, ld): of columns col0 .. col0 + G D each group x * rstd * (offset + w), all others as they are
//        rstd (R, G)
// So the queries in a tensor of queries, keys and values are normed head by head, or whole, where they lie.
// Two forms of each kernel over rows: four columns at a time (quads), and one.
// Source: Zhang and Sennrich 2019, Root mean square layer normalization.
#include "nn/graph/rowwise.h"
#include "shaders/norm/rms_norm.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

#define TILE_LEN 4096u              // elements that a workgroup of rms_norm_rest_* takes at a time, about

static struct rms_norm_args make_args(const nn_call *c)
{
    const struct rms_norm_attr *t = NN_ATTR(c, rms_norm);
    const uint32_t ld = c->in[0].dim[1], groups = t->groups ? t->groups : 1, cols = t->cols ? t->cols : ld - t->col0;
    return (struct rms_norm_args) {
        .rows = nn_plain_rows(c), .ld = ld, .col0 = t->col0, .dim = cols / groups, .groups = groups, .eps = t->eps,
        .offset = t->offset, .blocks = nn_n_partials(c->in[0].dim[0], NN_ROWS_EACH),
        .tile_rows = ld < TILE_LEN ? TILE_LEN / ld : 1,
    };
}

static vkc_status infer(nn_call *c)
{
    const struct rms_norm_attr *t = NN_ATTR(c, rms_norm);
    const uint32_t ld = c->in[0].dim[1];
    vkc_status st;
    VKC_TRY(nn_want_shape("rms_norm", "x", &c->in[0], 2, 0, 0));
    if (!t || !(t->eps >= 0) || !isfinite(t->offset))
        return VKC_FAIL(VKC_E_ARG, "rms_norm: eps must be given and not negative, and offset a number");
    if (t->col0 >= ld || t->cols > ld - t->col0)
        return VKC_FAIL(VKC_E_ARG, "rms_norm: x has %u columns, want %u from column %u on", ld, t->cols ? t->cols : 1,
                        t->col0);
    const struct rms_norm_args a = make_args(c);
    const uint32_t cols = t->cols ? t->cols : ld - t->col0;
    if (cols % a.groups || a.groups > 65535)        // groups lie along an axis of a launch
        return VKC_FAIL(VKC_E_ARG, "rms_norm: %u columns are no %u groups", cols, a.groups);
    if (c->in[1].rank)
        VKC_TRY(nn_want_shape("rms_norm", "w", &c->in[1], 1, a.dim, 0));
    c->out[0] = c->in[0];
    c->out[1] = (nn_shape) { 2, { c->in[0].dim[0], a.groups } };
    c->out_rows[0] = c->out_rows[1] = c->in_rows[0];
    c->scratch_bwd[0] = c->in[1].rank ? (size_t) a.blocks * cols * sizeof(float) : 0;
done:
    return st;
}

static nn_choice choose(const nn_call *c, const struct rms_norm_args *a)
{
    return nn_choose(c, &(nn_problem) { .op = &nn_op_rms_norm, .odd = a->ld | a->col0 | a->dim, .cols = a->dim,
                                        .len = nn_shape_len(&c->in[0]) });
}

// A kernel over rows in either form; ROWS_IN(0) is the last of its `n` slots.
static vkc_status by_rows(nn_run *r, const nn_call *c, const vkc_shader *shader, const uint8_t *bind, size_t n)
{
    const struct rms_norm_args a = make_args(c);
    const nn_choice o = choose(c, &a);
    nn_kernel_use use = { .shader = shader, .args = &a, .args_size = sizeof a, NN_BY_ROWS(c, o.tile),
        .spec = { [SPEC_LANES - 1] = o.lanes, [SPEC_COLS - 1] = o.form == NN_FORM_QUADS ? a.dim / 4 : a.dim,
                  [SPEC_ONCE - 1] = nn_row_once(c, c->in[0].dim[0], o.tile), [SPEC_PARTS - 1] = o.parts,
                  [SPEC_RMS_NORM_NO_WEIGHT - 1] = !c->in[1].rank } };
    use.groups[1] = a.groups;
    memcpy(use.bind, bind, n);
    return nn_dispatch(r, &use);
}
#define BY_ROWS(r, c, name, ...) by_rows((r), (c), &vkc_shader_rms_norm_##name, (const uint8_t[]) { __VA_ARGS__ }, \
                                         sizeof((const uint8_t[]) { __VA_ARGS__ }))

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct rms_norm_args a = make_args(c);
    vkc_status st;
    if (choose(c, &a).form == NN_FORM_QUADS)
        VKC_TRY(BY_ROWS(r, c, quads_fwd, IN(0), IN(1), OUT(0), OUT(1), ROWS_IN(0)));
    else
        VKC_TRY(BY_ROWS(r, c, fwd, IN(0), IN(1), OUT(0), OUT(1), ROWS_IN(0)));
    if (a.groups * a.dim < a.ld)
        VKC_TRY(NN_DISPATCH(r, rms_norm_rest_fwd, &a, NN_BY_ROWS(c, a.tile_rows),
            .bind = { IN(0), OUT(0), ROWS_IN(0) }));
done:
    return st;
}

static vkc_status bwd_x(nn_run *r, const nn_call *c, const struct rms_norm_args *a)
{
    vkc_status st;
    if (choose(c, a).form == NN_FORM_QUADS)
        VKC_TRY(BY_ROWS(r, c, quads_bwd_x, IN(0), IN(1), OUT(1), DOUT(0), DIN(0), DIN(0), ROWS_IN(0)));
    else
        VKC_TRY(BY_ROWS(r, c, bwd_x, IN(0), IN(1), OUT(1), DOUT(0), DIN(0), ROWS_IN(0)));
    if (a->groups * a->dim < a->ld)
        VKC_TRY(NN_DISPATCH(r, rms_norm_rest_bwd, a, NN_BY_ROWS(c, a->tile_rows),
            .bind = { DOUT(0), DIN(0), ROWS_IN(0) }));
done:
    return st;
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const struct rms_norm_args a = make_args(c);
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(0)))
        VKC_TRY(bwd_x(r, c, &a));
    if (c->in[1].rank && nn_is_wanted(r, DIN(1))) {
        VKC_TRY(NN_DISPATCH(r, rms_norm_bwd_w, &a, .wg = NN_ROW_WG,
            .groups = { a.blocks, (a.dim - 1) / NN_ROW_WG + 1, a.groups },
            .bind = { IN(0), OUT(1), DOUT(0), SCRATCH(0), ROWS_IN(0) }));
        VKC_TRY(nn_add_parts(r, c, SCRATCH(0), DIN(1), a.dim, a.blocks * a.groups));
    }
done:
    return st;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct rms_norm_args a = make_args(c);
    const uint32_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0];
    memcpy(out[0], in[0], (size_t) R * a.ld * sizeof(double));
    for (size_t i = 0; i < (size_t) R * a.groups; i++) {
        const size_t at = i / a.groups * a.ld + a.col0 + i % a.groups * a.dim;
        double square = 0;
        for (uint32_t j = 0; j < a.dim; j++)
            square += in[0][at + j] * in[0][at + j] / a.dim;
        out[1][i] = 1 / sqrt(square + (double) a.eps);
        for (uint32_t j = 0; j < a.dim; j++)
            out[0][at + j] = in[0][at + j] * out[1][i] * (in[1] ? (double) a.offset + in[1][j] : 1);
    }
}

const nn_op nn_op_rms_norm = {
    .name = "rms_norm", .n_in = 2, .n_out = 2, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)), .skip = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
