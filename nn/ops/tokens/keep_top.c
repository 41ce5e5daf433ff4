// keep_top.c — which rows of an image have its highest scores; not differentiable.
//   in:  score (R)
//   out: keep (R) uint32: 1 or 0
#include "nn/graph/rowwise.h"
#include "shaders/tokens/keep_top.h"
#include "spv/shaders.h"

#include <math.h>

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    if (!NN_ATTR(c, keep_top))
        return VKC_FAIL(VKC_E_ARG, "keep_top: count and prefix are missing");
    VKC_TRY(nn_want_shape("keep_top", "score", &c->in[0], 1, 0, 0));
    if (!c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "keep_top: score is not packed");
    c->out[0] = c->in[0];
    c->out_rows[0] = c->in_rows[0];
done:
    return st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct keep_top_attr *t = NN_ATTR(c, keep_top);
    const struct keep_top_args a = { t->count, t->prefix };
    const uint32_t images = c->in_rows[0]->cap_images, most = c->dev->max_groups[0];
    const uint32_t wg = nn_choose(c, &(nn_problem) { .op = &nn_op_keep_top }).wg;
    return NN_DISPATCH(r, keep_top_fwd, &a, .wg = wg, .groups = { images < most ? images : most },
        .bind = { ROWS_IN(0), IN(0), OUT(0) });
}

// Does a stand before b, which is in a later row?
static bool is_before(double a, double b)
{
    return isnan(b) || a >= b;
}

// The definition, in double: a row is kept when fewer than `count` stand before it.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct keep_top_attr *t = NN_ATTR(c, keep_top);
    const nn_rows *rows = c->in_rows[0];
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (uint32_t i = rows->offsets[b]; i < rows->offsets[b + 1]; i++) {
            uint32_t before = 0;
            for (uint32_t j = rows->offsets[b]; j < rows->offsets[b + 1]; j++)
                if (j != i && rows->pos[j] >= t->prefix)
                    before += j < i ? is_before(in[0][j], in[0][i]) : !is_before(in[0][i], in[0][j]);
            out[0][i] = rows->pos[i] < t->prefix || before < t->count;
        }
}

const nn_op nn_op_keep_top = {
    .name = "keep_top", .n_in = 1, .n_out = 1, .u32 = BIT(OUT(0)),
    .infer = infer, .fwd = fwd, .ref = ref,
};
