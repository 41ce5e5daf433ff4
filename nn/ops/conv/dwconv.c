// dwconv.c — depthwise convolution on each image's token grid.
//   in:  x (R, W), its channels at columns col0 .. col0 + C     w (C, k, k), k odd     b (C) or absent
//   out: y (R, C), 0 for tokens off the grid (class token)
// Dropped tokens and places outside the grid count as zero.
// Two forms of each kernel: four channels an invocation (quads), and one.
#include "nn/graph/rowwise.h"
#include "shaders/conv/dwconv.h"
#include "spv/shaders.h"

#include <stdlib.h>
#include <string.h>

// Of a kernel that may take the grid's lines in `splits` parts.
static nn_choice choose(const nn_call *c, uint32_t splits)
{
    const uint32_t channels = c->in[1].dim[0], odd = channels | c->in[0].dim[1] | NN_ATTR(c, dwconv)->col0;
    return nn_choose(c, &(nn_problem) { .op = &nn_op_dwconv, .odd = odd, .len = nn_shape_len(&c->in[0]),
                                        .cols = channels, .copies = splits });
}

// Each kernel takes the grid's lines in at most `splits` parts.
static struct dwconv_args make_args(const nn_call *c, uint32_t splits)
{
    const nn_rows *rows = c->in_rows[0];
    splits = choose(c, splits).parts;
    return (struct dwconv_args) {
        .channels = c->in[1].dim[0],
        .ld = c->in[0].dim[1],
        .col0 = NN_ATTR(c, dwconv)->col0,
        .prefix = rows->prefix, .grid_h = rows->grid_h, .grid_w = rows->grid_w,
        .has_bias = c->in[2].rank ? 1 : 0,
        .splits = rows->grid_h < splits ? rows->grid_h : splits,
    };
}
#define SPLITS_W 4                 // parts of dw an image

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
    c->scratch_bwd[0] = (size_t) rows->cap_images * make_args(c, SPLITS_W).splits * (w->dim[1] * w->dim[1] + 1) * C *
                        sizeof(float);
    return VKC_OK;
}

// A kernel over lines in the form that fits; `more` groups besides those for the lines.
static vkc_status by_line(nn_run *r, const nn_call *c, const struct dwconv_args *a, uint32_t more,
                          const vkc_shader *quads, const vkc_shader *plain, const uint8_t bind[5])
{
    const nn_choice o = choose(c, a->splits);
    nn_kernel_use use = {
        .shader = o.form == NN_FORM_QUADS ? quads : plain, .args = a, .args_size = sizeof *a, .wg = o.wg,
        .spec = { c->in[1].dim[1] },
        .groups = { (a->channels / o.own + o.wg - 1) / o.wg, a->splits + more, c->in_rows[0]->cap_images },
    };
    memcpy(use.bind, bind, 5);
    return nn_dispatch(r, &use);
}
#define BY_LINE(r, c, a, more, name, ...) by_line((r), (c), (a), (more), &vkc_shader_dwconv_quads_##name, \
    &vkc_shader_dwconv_##name, (const uint8_t[5]) { __VA_ARGS__ })

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct dwconv_args a = make_args(c, c->in_rows[0]->grid_h);
    return BY_LINE(r, c, &a, 1, fwd, ROWS_IN(0), IN(0), IN(1), IN(2), OUT(0));
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct dwconv_args a = make_args(c, c->in_rows[0]->grid_h), w = make_args(c, SPLITS_W);
    uint32_t K = c->in[1].dim[1];
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(0)))
        VKC_TRY(BY_LINE(r, c, &a, 0, bwd_x, ROWS_IN(0), IN(1), DOUT(0), DIN(0)));
    if (nn_is_wanted(r, DIN(1)) || nn_is_wanted(r, DIN(2))) {
        VKC_TRY(BY_LINE(r, c, &w, 0, bwd_w, ROWS_IN(0), IN(0), DOUT(0), SCRATCH(0)));
        VKC_TRY(NN_DISPATCH(r, dwconv_sum, &w, .wg = 64, .spec = { K },
            .groups = { (w.channels * (K * K + w.has_bias) + 63) / 64 },
            .bind = { ROWS_IN(0), SCRATCH(0), DIN(1), DIN(2) }));
    }
done:
    return st;
}

// One image of the definition; row_at[] has the row of a grid place, or -1.
static void ref_image(const nn_call *c, const double *const *in, double *y, const int64_t *row_at)
{
    const struct dwconv_args a = make_args(c, 1);
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

// Tokens off the grid have no taps.
static uint64_t macs(const nn_call *c)
{
    const nn_rows *rows = c->in_rows[0];
    return (uint64_t) rows->cap_images * rows->grid_h * rows->grid_w * nn_shape_len(&c->in[1]);
}

const nn_op nn_op_dwconv = {
    .name = "dwconv", .n_in = 3, .n_out = 1, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
