// vit_tokens.c — tokens from patches: class token and others before, positions added.
//   in:  patches (Rp, C), packed   pos (T, C), or (T - prefix, C): of patches alone; optional
//        cls (C), optional where no token is before the patches or all of those are rows of `more`
//        more (prefix - 1, C), or (prefix, C) without cls, optional
//   out: y (R, C), packed by `to` (T tokens an image, `prefix` of them before the patches): the token at place p is
//        its position, if it has one,
//        + (p >= prefix ? patch p - prefix of its image : p >= m ? more[p - m] : cls)
//        with m = 1 after cls, 0 without one, prefix without `more`
#include "nn/graph/rowwise.h"
#include "shaders/tokens/vit_tokens.h"
#include "spv/shaders.h"

static vkc_status infer(nn_call *c)
{
    const nn_rows *from = c->in_rows[0], *to = c->to;
    vkc_status st;
    VKC_TRY(nn_want_shape("vit_tokens", "patches", &c->in[0], 2, 0, 0));
    if (from == NULL || to == NULL)
        return VKC_FAIL(VKC_E_ARG, "vit_tokens: patches must be packed, and a layout of tokens given");
    if (to->cap_tokens != from->cap_tokens + to->prefix || to->cap_images != from->cap_images)
        return VKC_FAIL(VKC_E_ARG, "vit_tokens: %u tokens of %u images from %u patches of %u images, %u before",
                        to->cap_tokens, to->cap_images, from->cap_tokens, from->cap_images, to->prefix);
    const bool is_bare = to->prefix && c->in[1].dim[0] == from->cap_tokens, has_cls = c->in[2].rank != 0;
    if (c->in[1].rank)
        VKC_TRY(nn_want_shape("vit_tokens", "pos", &c->in[1], 2, is_bare ? from->cap_tokens : to->cap_tokens,
                              c->in[0].dim[1]));
    if (has_cls ? to->prefix == 0 : to->prefix > 0 && !c->in[3].rank)
        return VKC_FAIL(VKC_E_ARG, "vit_tokens: %u tokens before the patches, %s a class token, and no more",
                        to->prefix, has_cls ? "with" : "without");
    if (has_cls)
        VKC_TRY(nn_want_shape("vit_tokens", "cls", &c->in[2], 1, c->in[0].dim[1], 0));
    if (c->in[3].rank)
        VKC_TRY(nn_want_shape("vit_tokens", "more", &c->in[3], 2, to->prefix - has_cls, c->in[0].dim[1]));
    c->out[0] = (nn_shape) { 2, { nn_rows_cap(to), c->in[0].dim[1] } };
    c->out_rows[0] = c->to;
done:
    return st;
}

static struct vit_tokens_args make_args(const nn_call *c)
{
    const nn_rows *to = c->out_rows[0];
    return (struct vit_tokens_args) {
        .cols = c->in[0].dim[1], .prefix = to->prefix, .more_from = c->in[3].rank ? c->in[2].rank != 0 : to->prefix,
        .pos_from = to->cap_tokens - c->in[1].dim[0],
    };
}

// Workgroups that share an image: about four rounds each.
static uint32_t split(uint32_t tokens, uint32_t lanes)
{
    return (tokens - 1) / (4 * NN_ROW_WG / lanes) + 1;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct vit_tokens_args a = make_args(c);
    const nn_rows *to = c->out_rows[0];
    uint32_t lanes = nn_row_lanes(c, a.cols);
    return NN_DISPATCH(r, vit_tokens_fwd, &a, .groups = { to->cap_images, split(to->cap_tokens, lanes) },
        .wg = NN_ROW_WG, .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.cols },
        .bind = { IN(0), IN(1), IN(2), IN(3), OUT(0), ROWS_IN(0), ROWS_OUT(0) });
}

// Gradient of `n` rows, each the sum over `each` token indices from `first` on.
static vkc_status add_up(nn_run *r, struct vit_tokens_args a, uint32_t first, uint32_t each, uint32_t n, uint8_t grad)
{
    a.first_token = first;
    a.sum_tokens = each;
    return NN_DISPATCH(r, vit_tokens_bwd_sum, &a, .groups = { n, (a.cols - 1) / NN_ROW_WG + 1 }, .wg = NN_ROW_WG,
        .bind = { DOUT(0), grad, ROWS_OUT(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct vit_tokens_args a = make_args(c);
    const nn_rows *from = c->in_rows[0], *to = c->out_rows[0];
    uint32_t lanes = nn_row_lanes(c, a.cols);
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(0)))
        VKC_TRY(NN_DISPATCH(r, vit_tokens_bwd_patches, &a, .wg = NN_ROW_WG,
            .groups = { from->cap_images, split(from->cap_tokens, lanes) },
            .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.cols },
            .bind = { DOUT(0), DIN(0), ROWS_IN(0), ROWS_OUT(0) }));
    if (nn_is_wanted(r, DIN(1)))
        VKC_TRY(add_up(r, a, a.pos_from, 1, to->cap_tokens - a.pos_from, DIN(1)));
    if (a.more_from > 0 && nn_is_wanted(r, DIN(2)))
        VKC_TRY(add_up(r, a, 0, a.more_from, 1, DIN(2)));
    if (a.more_from < a.prefix && nn_is_wanted(r, DIN(3)))
        VKC_TRY(add_up(r, a, a.more_from, 1, a.prefix - a.more_from, DIN(3)));
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
    const struct vit_tokens_args a = make_args(c);
    const size_t C = c->in[0].dim[1], from = a.pos_from;
    for (uint32_t b = 0; b < to->n_images; b++)
        for (uint32_t r = to->offsets[b]; r < to->offsets[b + 1]; r++) {
            uint32_t p = to->pos[r];
            int64_t q = p < to->prefix ? -1 : find_patch(c->in_rows[0], b, p - to->prefix);
            const double *first = p >= a.more_from && in[3] ? in[3] + (p - a.more_from) * C : in[2];
            const double *src = p < to->prefix ? first : q >= 0 ? in[0] + (size_t) q * C : NULL;
            for (size_t j = 0; j < C; j++)
                out[0][r * C + j] = (p < from ? 0 : in[1][(p - from) * C + j]) + (src ? src[j] : 0);
        }
}

const nn_op nn_op_vit_tokens = {
    .name = "vit_tokens", .n_in = 4, .n_out = 1, .n_opt = 3,
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)) | BIT(IN(3)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
