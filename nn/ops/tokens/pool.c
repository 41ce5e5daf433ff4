// pool.c — the mean patch of every image, or its first token and that side by side.
//   in:  x (R, C), packed
//   out: (B, C) or, with the token, (B, 2 C), packed by `to`, which has one token an image
#include "nn/graph/rowwise.h"
#include "shaders/tokens/pool.h"
#include "spv/shaders.h"

static vkc_status infer(nn_call *c)
{
    const struct pool_attr *t = NN_ATTR(c, pool);
    vkc_status st;
    if (!t || t->token > 1)
        return VKC_FAIL(VKC_E_ARG, "pool: token is neither 0 nor 1");
    VKC_TRY(nn_want_shape("pool", "x", &c->in[0], 2, 0, 0));
    if (c->in_rows[0] == NULL || c->to == NULL)
        return VKC_FAIL(VKC_E_ARG, "pool: x must be packed, and a layout of images given");
    if (c->to->cap_images != c->in_rows[0]->cap_images)
        return VKC_FAIL(VKC_E_ARG, "pool: x is made for %u images, the layout for %u", c->in_rows[0]->cap_images,
                        c->to->cap_images);
    c->out[0] = (nn_shape) { 2, { nn_rows_cap(c->to), (1 + t->token) * c->in[0].dim[1] } };
    c->out_rows[0] = c->to;
done:
    return st;
}

static struct pool_args make_args(const nn_call *c)
{
    return (struct pool_args) {
        .token = NN_ATTR(c, pool)->token, .prefix = c->in_rows[0]->prefix, .cols = c->in[0].dim[1],
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct pool_args a = make_args(c);
    return NN_DISPATCH(r, pool_fwd, &a, .tile_rows = 1, .rows = ROWS_OUT(0), .wg = NN_ROW_WG,
        .groups = { 0, (a.cols - 1) / NN_ROW_WG + 1 }, .bind = { IN(0), OUT(0), ROWS_IN(0), ROWS_OUT(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct pool_args a = make_args(c);
    const uint32_t lanes = nn_row_lanes(c, a.cols);
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return NN_DISPATCH(r, pool_bwd, &a, .tile_rows = 1, .rows = ROWS_OUT(0), .wg = NN_ROW_WG,
        .groups = { 0, nn_n_partials(c->in_rows[0]->cap_tokens, NN_ROW_WG / lanes) },
        .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.cols },
        .bind = { DOUT(0), DIN(0), ROWS_IN(0), ROWS_OUT(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const nn_rows *rows = c->in_rows[0];
    const size_t C = c->in[0].dim[1], token = NN_ATTR(c, pool)->token;
    for (uint32_t b = 0; b < c->out_rows[0]->n; b++)
        for (size_t j = 0; j < C; j++) {
            double sum = 0, n = 0, *y = out[0] + b * (1 + token) * C + j;
            for (uint32_t row = rows->offsets[b]; row < rows->offsets[b + 1]; row++) {
                sum += rows->pos[row] >= rows->prefix ? in[0][row * C + j] : 0;
                n += rows->pos[row] >= rows->prefix;
            }
            if (token)
                y[0] = rows->offsets[b] < rows->offsets[b + 1] ? in[0][rows->offsets[b] * C + j] : 0;
            y[token * C] = n > 0 ? sum / n : 0;
        }
}

static uint64_t macs(const nn_call *c)
{
    return nn_shape_len(&c->in[0]);
}

const nn_op nn_op_pool = {
    .name = "pool", .n_in = 1, .n_out = 1,
    .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
