// dwconv.c — depthwise convolution on each image's token grid.
//   in:  x (R, W), its channels at columns col0 .. col0 + C     w (C, k, k), k odd     b (C) or absent
//   out: y (R, C), 0 for tokens off the grid (class token)
// Dropped tokens and places outside the grid count as zero.
#include "nn/op.h"
#include "shaders/dwconv.h"
#include "spv/shaders.h"

#include <stdlib.h>
#include <string.h>

static struct dwconv_args make_args(const nn_call *c)
{
    const nn_rows *rows = c->in_rows[0];
    return (struct dwconv_args) {
        .channels = c->in[1].dim[0],
        .ld = c->in[0].dim[1],
        .col0 = NN_ATTR(c, dwconv)->col0,
        .prefix = rows->prefix, .grid_h = rows->grid_h, .grid_w = rows->grid_w,
        .has_bias = c->in[2].rank ? 1 : 0,
        .splits = rows->grid_h < 4 ? rows->grid_h : 4,
    };
}

static vkc_status infer(nn_call *c)
{
    const nn_shape *x = &c->in[0], *w = &c->in[1];
    const nn_rows *rows = c->in_rows[0];
    if (x->rank != 2 || !rows)
        return VKC_FAIL(VKC_E_ARG, "dwconv: x is not a packed (R, W)");
    if (!c->attr)
        return VKC_FAIL(VKC_E_ARG, "dwconv: col0 is missing");
    if (!rows->grid_h || !rows->grid_w ||
        (uint64_t) rows->grid_h * rows->grid_w + rows->prefix > rows->cap_tokens)
        return VKC_FAIL(VKC_E_ARG, "dwconv: the tokens of x lie on no grid");
    if (w->rank != 3 || w->dim[1] != w->dim[2] || w->dim[1] % 2 == 0 || w->dim[1] > DWCONV_MAX_K)
        return VKC_FAIL(VKC_E_ARG, "dwconv: w is not (C, k, k) with k odd and at most %d", DWCONV_MAX_K);
    uint32_t C = w->dim[0];
    if (!C || (uint64_t) NN_ATTR(c, dwconv)->col0 + C > x->dim[1])
        return VKC_FAIL(VKC_E_ARG, "dwconv: x has %u columns, want %u from column %u", x->dim[1], C,
                        NN_ATTR(c, dwconv)->col0);
    if (c->in[2].rank && !nn_shape_is(&c->in[2], 1, &C))
        return VKC_FAIL(VKC_E_ARG, "dwconv: b is not (%u)", C);
    c->out[0] = (nn_shape) { 2, { x->dim[0], C } };
    c->out_rows[0] = c->in_rows[0];
    c->scratch_bwd[0] = (size_t) rows->cap_images * make_args(c).splits * (w->dim[1] * w->dim[1] + 1) * C *
                        sizeof(float);
    return VKC_OK;
}

// 32 lanes where the last 64 would be half empty.
static uint32_t wg_of(uint32_t channels)
{
    return channels % 64 && channels % 64 <= 32 ? 32 : 64;
}

#define BY_LINE(c, a, lines) .wg = wg_of((a).channels), .spec = { (c)->in[1].dim[1] }, .groups = { \
    ((a).channels + wg_of((a).channels) - 1) / wg_of((a).channels), (lines), (c)->in_rows[0]->cap_images }

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct dwconv_args a = make_args(c);
    return NN_DISPATCH(r, dwconv_fwd, &a, BY_LINE(c, a, a.grid_h + 1),
        .bind = { ROWS_IN(0), IN(0), IN(1), IN(2), OUT(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct dwconv_args a = make_args(c);
    uint32_t K = c->in[1].dim[1];
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(0)))
        VKC_TRY(NN_DISPATCH(r, dwconv_bwd_x, &a, BY_LINE(c, a, a.grid_h),
            .bind = { ROWS_IN(0), IN(1), DOUT(0), DIN(0) }));
    if (nn_is_wanted(r, DIN(1)) || nn_is_wanted(r, DIN(2))) {
        VKC_TRY(NN_DISPATCH(r, dwconv_bwd_w, &a, BY_LINE(c, a, a.splits),
            .bind = { ROWS_IN(0), IN(0), DOUT(0), SCRATCH(0) }));
        VKC_TRY(NN_DISPATCH(r, dwconv_sum, &a, .wg = 64, .spec = { K },
            .groups = { (a.channels * (K * K + a.has_bias) + 63) / 64 },
            .bind = { ROWS_IN(0), SCRATCH(0), DIN(1), DIN(2) }));
    }
done:
    return st;
}

// One image of the definition; row_at[] has the row of a grid place, or -1.
static void ref_image(const nn_call *c, const double *const *in, double *y, const int64_t *row_at)
{
    const struct dwconv_args a = make_args(c);
    const int64_t K = c->in[1].dim[1], H = a.grid_h, W = a.grid_w;
    for (int64_t p = 0; p < H * W; p++)
        for (int64_t ch = 0; ch < a.channels && row_at[p] >= 0; ch++) {
            double s = in[2] ? in[2][ch] : 0;
            for (int64_t k = 0; k < K * K; k++) {
                int64_t i = p / W + k / K - K / 2, j = p % W + k % K - K / 2;
                if (i >= 0 && i < H && j >= 0 && j < W && row_at[i * W + j] >= 0)
                    s += in[1][ch * K * K + k] * in[0][row_at[i * W + j] * a.ld + a.col0 + ch];
            }
            y[row_at[p] * a.channels + ch] = s;
        }
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const nn_rows *rows = c->in_rows[0];
    const uint32_t C = c->in[1].dim[0], n = rows->grid_h * rows->grid_w;
    int64_t *row_at = malloc(n * sizeof *row_at);
    for (uint32_t b = 0; row_at && b < rows->n_images; b++) {
        for (uint32_t p = 0; p < n; p++)
            row_at[p] = -1;
        for (uint32_t i = rows->offsets[b]; i < rows->offsets[b + 1]; i++) {
            memset(out[0] + (size_t) i * C, 0, C * sizeof(double));
            uint32_t p = rows->pos[i] - rows->prefix;      // wraps for tokens before the grid
            if (p < n)
                row_at[p] = i;
        }
        ref_image(c, in, out[0], row_at);
    }
    free(row_at);
}

static uint64_t macs(const nn_call *c)
{
    return (uint64_t) c->in[0].dim[0] * nn_shape_len(&c->in[1]);
}

const nn_op nn_op_dwconv = {
    .name = "dwconv", .n_in = 3, .n_out = 1, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
