// drop_path.c — stochastic depth (Huang et al. 2016) on a branch of a residual stream.
//   in:  x (R, C), packed   key (2) uint32
//   out: y (R, C) = 0 in the images that go without the branch, else x / (1 - rate)
// Image b goes without when the uniform number b of the attribute's stream of the key is below the rate.
#include "nn/base/rng.h"
#include "nn/graph/rowwise.h"
#include "shaders/elementwise/drop_path.h"
#include "spv/shaders.h"

#define EACH 1024                   // numbers of an image that are worth a workgroup

static struct drop_path_args make_args(const nn_call *c)
{
    const struct drop_path_attr *t = NN_ATTR(c, drop_path);
    return (struct drop_path_args) {
        .cols = c->in[0].dim[1], .stream = t->stream, .rate = t->rate, .scale = (float) (1 / (1 - (double) t->rate)),
    };
}

static vkc_status infer(nn_call *c)
{
    const struct drop_path_attr *t = NN_ATTR(c, drop_path);
    vkc_status st;
    VKC_TRY(nn_want_shape("drop_path", "x", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("drop_path", "key", &c->in[1], 1, 2, 0));
    if (c->in_rows[0] == NULL || c->in_rows[1] != NULL)
        return VKC_FAIL(VKC_E_ARG, "drop_path: x must be packed, and the key must not");
    if (!t || !(t->rate >= 0 && t->rate < 1))
        return VKC_FAIL(VKC_E_ARG, "drop_path: a rate must be given, from 0 to less than 1");
    c->out[0] = c->in[0];
    c->out_rows[0] = c->in_rows[0];
done:
    return st;
}

// x: images; y: parts of one.
static uint32_t n_groups(const nn_call *c, int axis)
{
    const nn_rows *rows = c->in_rows[0];
    const uint32_t most = c->dev->max_groups[axis];
    const uint32_t n = axis == 0 ? rows->cap_images
                                 : nn_n_partials(rows->cap_tokens, (EACH - 1) / c->in[0].dim[1] + 1);
    return n < most ? n : most;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct drop_path_args a = make_args(c);
    return NN_DISPATCH(r, drop_path_fwd, &a, .groups = { n_groups(c, 0), n_groups(c, 1) }, .wg = NN_ROW_WG,
        .bind = { IN(0), IN(1), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct drop_path_args a = make_args(c);
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return NN_DISPATCH(r, drop_path_bwd, &a, .groups = { n_groups(c, 0), n_groups(c, 1) }, .wg = NN_ROW_WG,
        .bind = { IN(1), DOUT(0), DIN(0), ROWS_IN(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct drop_path_attr *t = NN_ATTR(c, drop_path);
    const nn_rows *rows = c->in_rows[0];
    const size_t C = c->in[0].dim[1];
    const uint64_t key = (uint32_t) in[1][0] | (uint64_t) in[1][1] << 32;
    for (uint32_t b = 0; b < rows->n_images; b++) {
        const bool keeps = nn_rng_uniform(key, t->stream, b) >= t->rate;
        for (size_t i = rows->offsets[b] * C; i < rows->offsets[b + 1] * C; i++)
            out[0][i] = keeps ? in[0][i] / (1 - (double) t->rate) : 0;
    }
}

const nn_op nn_op_drop_path = {
    .name = "drop_path", .n_in = 2, .n_out = 1,
    .keep = BIT(IN(1)), .grad = BIT(IN(0)), .u32 = BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
