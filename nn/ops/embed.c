// embed.c — tokens from patches: class token before, positions added.
//   in:  patches (Rp, C), packed   cls (C)   pos (T, C)
//   out: y (R, C), packed by `to` (T tokens an image, `prefix` of them before the patches):
//        the token at place p is pos[p] + (p < prefix ? cls : patch p - prefix of its image)
#include "nn/rowwise.h"
#include "shaders/embed.h"
#include "spv/shaders.h"

static vkc_status infer(nn_call *c)
{
    const nn_rows *from = c->in_rows[0], *to = c->to;
    vkc_status st;
    VKC_TRY(nn_want_shape("embed", "patches", &c->in[0], 2, 0, 0));
    if (from == NULL || to == NULL)
        return VKC_FAIL(VKC_E_ARG, "embed: patches must be packed, and a layout of tokens given");
    if (to->cap_tokens != from->cap_tokens + to->prefix || to->cap_images != from->cap_images)
        return VKC_FAIL(VKC_E_ARG, "embed: %u tokens of %u images from %u patches of %u images, %u before",
                        to->cap_tokens, to->cap_images, from->cap_tokens, from->cap_images, to->prefix);
    VKC_TRY(nn_want_shape("embed", "cls", &c->in[1], 1, c->in[0].dim[1], 0));
    VKC_TRY(nn_want_shape("embed", "pos", &c->in[2], 2, to->cap_tokens, c->in[0].dim[1]));
    c->out[0] = (nn_shape) { 2, { nn_rows_cap(to), c->in[0].dim[1] } };
    c->out_rows[0] = c->to;
done:
    return st;
}

static struct embed_args make_args(const nn_call *c)
{
    return (struct embed_args) { .cols = c->in[0].dim[1], .prefix = c->out_rows[0]->prefix };
}

// Workgroups that share an image: about four rounds each.
static uint32_t split(uint32_t tokens, uint32_t lanes)
{
    return (tokens - 1) / (4 * NN_ROW_WG / lanes) + 1;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct embed_args a = make_args(c);
    const nn_rows *to = c->out_rows[0];
    uint32_t lanes = nn_row_lanes(c, a.cols);
    return NN_DISPATCH(r, embed_fwd, &a, .groups = { to->cap_images, split(to->cap_tokens, lanes) },
        .wg = NN_ROW_WG, .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.cols },
        .bind = { IN(0), IN(1), IN(2), OUT(0), ROWS_IN(0), ROWS_OUT(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct embed_args a = make_args(c);
    const nn_rows *from = c->in_rows[0], *to = c->out_rows[0];
    uint32_t lanes = nn_row_lanes(c, a.cols), tiles = (a.cols - 1) / NN_ROW_WG + 1;
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(0)))
        VKC_TRY(NN_DISPATCH(r, embed_bwd_patches, &a, .wg = NN_ROW_WG,
            .groups = { from->cap_images, split(from->cap_tokens, lanes) },
            .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.cols }, .bind = { DOUT(0), DIN(0), ROWS_IN(0), ROWS_OUT(0) }));
    if (nn_is_wanted(r, DIN(1))) {
        a.sum_tokens = a.prefix;
        VKC_TRY(NN_DISPATCH(r, embed_bwd_sum, &a, .groups = { 1, tiles }, .wg = NN_ROW_WG,
            .bind = { DOUT(0), DIN(1), ROWS_OUT(0) }));
    }
    if (nn_is_wanted(r, DIN(2))) {
        a.sum_tokens = 1;
        VKC_TRY(NN_DISPATCH(r, embed_bwd_sum, &a, .groups = { to->cap_tokens, tiles }, .wg = NN_ROW_WG,
            .bind = { DOUT(0), DIN(2), ROWS_OUT(0) }));
    }
done:
    return st;
}

// Row of the patch at place p of image b; -1 when it was dropped.
static int64_t find_patch(const nn_rows *rows, uint32_t b, uint32_t p)
{
    for (uint32_t q = rows->offsets[b]; q < rows->offsets[b + 1]; q++)
        if (rows->pos[q] == p)
            return q;
    return -1;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const nn_rows *to = c->out_rows[0];
    const size_t C = c->in[0].dim[1];
    for (uint32_t b = 0; b < to->n_images; b++)
        for (uint32_t r = to->offsets[b]; r < to->offsets[b + 1]; r++) {
            uint32_t p = to->pos[r];
            int64_t q = p < to->prefix ? -1 : find_patch(c->in_rows[0], b, p - to->prefix);
            const double *src = p < to->prefix ? in[1] : q >= 0 ? in[0] + (size_t) q * C : NULL;
            for (size_t j = 0; j < C; j++)
                out[0][r * C + j] = in[2][p * C + j] + (src ? src[j] : 0);
        }
}

const nn_op nn_op_embed = {
    .name = "embed", .n_in = 3, .n_out = 1,
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
