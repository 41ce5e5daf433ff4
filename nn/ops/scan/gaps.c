// gaps.c — log decays times the distance to the token before, so that a decay counts dropped tokens.
//   in:  x (R, W)
//   out: y (R, W)
// Two forms of each kernel: four columns an invocation (quads), and one.
#include "nn/graph/rowwise.h"
#include "shaders/scan/gated/gaps.h"
#include "spv/shaders.h"

static vkc_status infer(nn_call *c)
{
    const struct gaps_attr *t = NN_ATTR(c, gaps);
    vkc_status st;
    if (!t || !t->width || !t->dirs || t->dirs > 2)
        return VKC_FAIL(VKC_E_ARG, "gaps: width is 0, or dirs is not 1 or 2");
    VKC_TRY(nn_want_shape("gaps", "x", &c->in[0], 2, 0, 0));
    if (!c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "gaps: x is not packed");
    if (c->in[0].dim[1] % ((uint64_t) t->width * t->dirs))
        return VKC_FAIL(VKC_E_ARG, "gaps: %u columns are no streams of %u in %u directions", c->in[0].dim[1], t->width,
                        t->dirs);
    c->out[0] = c->in[0];
    c->out_rows[0] = c->in_rows[0];
done:
    return st;
}

static vkc_status by_column(nn_run *r, const nn_call *c, const vkc_shader *quads, const vkc_shader *plain, uint8_t from,
                            uint8_t to)
{
    const struct gaps_attr *t = NN_ATTR(c, gaps);
    const nn_rows *rows = c->in_rows[0];
    const nn_choice o = nn_choose(c, &(nn_problem) { .op = &nn_op_gaps, .odd = c->in[0].dim[1],
                                                     .len = nn_shape_len(&c->in[0]) });
    const struct gaps_args a = {
        .width = t->width, .dirs = t->dirs, .cols = c->in[0].dim[1], .tile = o.tile,
    };
    const uint64_t groups = ((uint64_t) (a.cols / o.own) * ((rows->cap_tokens - 1) / a.tile + 1) - 1) / o.wg + 1;
    return nn_dispatch(r, &(nn_kernel_use) {
        .shader = o.form == NN_FORM_QUADS ? quads : plain, .args = &a, .args_size = sizeof a, .wg = o.wg,
        .groups = { groups < c->dev->max_groups[0] ? (uint32_t) groups : c->dev->max_groups[0], 1, rows->cap_images },
        .bind = { ROWS_IN(0), from, to } });
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    return by_column(r, c, &vkc_shader_gaps_quads_fwd, &vkc_shader_gaps_fwd, IN(0), OUT(0));
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return by_column(r, c, &vkc_shader_gaps_quads_bwd, &vkc_shader_gaps_bwd, DOUT(0), DIN(0));
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct gaps_attr *t = NN_ATTR(c, gaps);
    const nn_rows *rows = c->in_rows[0];
    const size_t W = c->in[0].dim[1];
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (uint32_t first = rows->offsets[b], end = rows->offsets[b + 1], r = first; r < end; r++) {
            const double place = rows->pos[r];
            const double steps[2] = { r > first ? place - rows->pos[r - 1] : 1,
                                      r + 1 < end ? rows->pos[r + 1] - place : 1 };
            for (size_t j = 0; j < W; j++)
                out[0][r * W + j] = in[0][r * W + j] * steps[j / t->width % t->dirs];
        }
}

const nn_op nn_op_gaps = {
    .name = "gaps", .n_in = 1, .n_out = 1, .grad = BIT(IN(0)), .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
