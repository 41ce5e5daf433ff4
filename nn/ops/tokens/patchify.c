// patchify.c — cut pictures into square patches, one row a patch.
//   in:  pixels (B, channels * height * width), packed, one row an image
//   out: y (R, channels * patch * patch), packed by `to`, whose places are the grid of the whole patches that there are
//        room for, line by line; pixels to the right of them and below are left out:
//        column c * patch^2 + dy * patch + dx, as a convolution's weight (D, channels, patch, patch) lies
#include "nn/graph/rowwise.h"
#include "shaders/tokens/patchify.h"
#include "spv/shaders.h"

static vkc_status infer(nn_call *c)
{
    const struct patchify_attr *t = NN_ATTR(c, patchify);
    vkc_status st;
    if (t == NULL || t->patch_size == 0 || t->channels == 0 || t->height < t->patch_size ||
        t->width < t->patch_size)
        return VKC_FAIL(VKC_E_ARG, "patchify: pictures are smaller than a patch");
    if (t->height > 16384 || t->width > 16384 || t->channels > 16)
        return VKC_FAIL(VKC_E_ARG, "patchify: %u channels of %u x %u are more than 16 of 16384 x 16384",
                        t->channels, t->height, t->width);
    if (c->in_rows[0] == NULL || c->to == NULL)
        return VKC_FAIL(VKC_E_ARG, "patchify: pixels must be packed, and a layout of patches given");
    VKC_TRY(nn_want_shape("patchify", "pixels", &c->in[0], 2, 0, t->channels * t->height * t->width));
    const uint32_t grid_h = t->height / t->patch_size, grid_w = t->width / t->patch_size;
    if (c->to->prefix != 0 || c->to->cap_tokens != grid_h * grid_w)
        return VKC_FAIL(VKC_E_ARG, "patchify: the layout has %u places after %u, want the %u x %u patches",
                        c->to->cap_tokens, c->to->prefix, grid_h, grid_w);
    c->out[0] = (nn_shape) { 2, { nn_rows_cap(c->to), t->channels * t->patch_size * t->patch_size } };
    c->out_rows[0] = c->to;
done:
    return st;
}

static struct patchify_args make_args(const nn_call *c)
{
    const struct patchify_attr *t = NN_ATTR(c, patchify);
    return (struct patchify_args) { .channels = t->channels, .height = t->height, .width = t->width };
}

// One image a workgroup (x), its lines split over y, about eight rounds each.
#define LINES_OF(c) (NN_ATTR(c, patchify)->channels * NN_ATTR(c, patchify)->patch_size)
#define BY_IMAGES(c)                                                                                  \
    .groups = { (c)->out_rows[0]->cap_images,                                                         \
                ((c)->out_rows[0]->cap_tokens * LINES_OF(c) - 1) / (8 * NN_ROW_WG) + 1 },             \
    .wg = NN_ROW_WG,                                                                                  \
    .spec = { [SPEC_PATCH - 1] = NN_ATTR(c, patchify)->patch_size, [SPEC_LINES - 1] = LINES_OF(c),         \
              [SPEC_GRID_W - 1] = NN_ATTR(c, patchify)->width / NN_ATTR(c, patchify)->patch_size }

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct patchify_args a = make_args(c);
    return NN_DISPATCH(r, patchify_fwd, &a, BY_IMAGES(c),
        .bind = { IN(0), OUT(0), ROWS_IN(0), ROWS_OUT(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct patchify_args a = make_args(c);
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return NN_DISPATCH(r, patchify_bwd, &a, BY_IMAGES(c),
        .bind = { DOUT(0), DIN(0), ROWS_IN(0), ROWS_OUT(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct patchify_attr *t = NN_ATTR(c, patchify);
    const nn_rows *to = c->out_rows[0];
    const uint32_t P = t->patch_size, grid_w = t->width / P;
    for (uint32_t b = 0; b < to->n_images; b++)
        for (uint32_t r = to->offsets[b]; r < to->offsets[b + 1]; r++) {
            uint32_t gy = to->pos[r] / grid_w, gx = to->pos[r] % grid_w;
            const double *picture = in[0] + (size_t) c->in_rows[0]->offsets[b] * c->in[0].dim[1];
            double *row = out[0] + (size_t) r * c->out[0].dim[1];
            for (uint32_t ch = 0; ch < t->channels; ch++)
                for (uint32_t dy = 0; dy < P; dy++)
                    for (uint32_t dx = 0; dx < P; dx++)
                        row[(ch * P + dy) * P + dx] =
                            picture[((size_t) ch * t->height + gy * P + dy) * t->width + gx * P + dx];
        }
}

const nn_op nn_op_patchify = {
    .name = "patchify", .n_in = 1, .n_out = 1,
    .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
