// cosine.c — cosine distance of two tensors along the tokens of an image: mean of 1 - cos over images and channels.
//   in:  a (R, C), packed   b (R, C), the same layout
//   out: loss (1)   count (1): what it is the mean of, channels of the images that have a token
#include "nn/graph/rowwise.h"
#include "shaders/loss/cosine.h"
#include "spv/shaders.h"

#include <math.h>

static uint32_t groups_of(const nn_call *c, int axis)
{
    const uint32_t images = c->in_rows[0]->cap_images;
    if (axis == 1)
        return (c->in[0].dim[1] - 1) / NN_ROW_WG + 1;
    return images < NN_MAX_PARTIALS ? images : NN_MAX_PARTIALS;
}

static struct cosine_args make_args(const nn_call *c)
{
    return (struct cosine_args) { .cols = c->in[0].dim[1], .n_partials = groups_of(c, 0) * groups_of(c, 1) };
}

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("cosine", "a", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("cosine", "b", &c->in[1], 2, c->in[0].dim[0], c->in[0].dim[1]));
    if (c->in_rows[0] == NULL)
        return VKC_FAIL(VKC_E_ARG, "cosine: a and b must be packed");
    if (c->in_rows[0] != c->in_rows[1])
        return VKC_FAIL(VKC_E_ARG, "cosine: a and b are packed by different layouts");
    c->out[0] = c->out[1] = (nn_shape) { 1, { 1 } };
    c->out_rows[0] = c->out_rows[1] = NULL;
    c->scratch_fwd[0] = make_args(c).n_partials * sizeof(float);
done:
    return st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct cosine_args a = make_args(c);
    vkc_status st = NN_DISPATCH(r, cosine_fwd, &a, .groups = { groups_of(c, 0), groups_of(c, 1) }, .wg = NN_ROW_WG,
        .bind = { IN(0), IN(1), SCRATCH(0), ROWS_IN(0) });
    if (st != VKC_OK)
        return st;
    return NN_DISPATCH(r, cosine_mean, &a, .wg = NN_ROW_WG, .bind = { SCRATCH(0), OUT(0), OUT(1), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct cosine_args a = make_args(c);
    vkc_status st = VKC_OK;
    for (int i = 0; i < 2 && st == VKC_OK; i++)
        if (nn_is_wanted(r, DIN(i)))
            st = NN_DISPATCH(r, cosine_bwd, &a, .groups = { groups_of(c, 0), groups_of(c, 1) }, .wg = NN_ROW_WG,
                .bind = { (uint8_t) IN(i), (uint8_t) IN(1 - i), OUT(1), DOUT(0), (uint8_t) DIN(i), ROWS_IN(0) });
    return st;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const nn_rows *rows = c->in_rows[0];
    const size_t C = c->in[0].dim[1];
    const double eps = (double) COSINE_EPS;
    out[0][0] = out[1][0] = 0;
    for (uint32_t b = 0; b < rows->n_images; b++) {
        const size_t first = rows->offsets[b], end = rows->offsets[b + 1];
        for (size_t j = 0; j < C && first < end; j++) {
            double aa = 0, bb = 0, ab = 0;
            for (size_t i = first * C + j; i < end * C; i += C) {
                aa += in[0][i] * in[0][i];
                bb += in[1][i] * in[1][i];
                ab += in[0][i] * in[1][i];
            }
            out[0][0] += 1 - ab / sqrt((aa + eps) * (bb + eps));
            out[1][0]++;
        }
    }
    out[0][0] /= fmax(out[1][0], 1);
}

static uint64_t macs(const nn_call *c)
{
    return 3ull * c->in[0].dim[0] * c->in[0].dim[1];
}

const nn_op nn_op_cosine = {
    .name = "cosine", .n_in = 2, .n_out = 2,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
