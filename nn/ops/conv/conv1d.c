// conv1d.c — causal depthwise convolution along the tokens of each image, in one or two directions, then SiLU.
//   in:  x (R, W), its channels at columns col0 + dir * dir_stride ..     w (N, K), N = dirs cols     b (N) or absent
//        start (cap_images, N, K - 1) or absent: the inputs before the first token, oldest first; no gradient
//   out: y (R, N)     last (cap_images, N, K - 1) when attr.carry: the inputs before a next token
// Two forms of each kernel: four channels an invocation (quads), and one.
#include "nn/graph/rowwise.h"
#include "shaders/conv/conv1d.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

#define WANT_PARTS 512u            // of dw and db: about as many where images are long or many

static nn_choice choose(const nn_call *c)
{
    const size_t x = nn_shape_len(&c->in[0]), y = nn_shape_len(&c->out[0]);
    return nn_choose(c, &(nn_problem) { .op = &nn_op_conv1d, .odd = NN_ATTR(c, conv1d)->cols | (uint32_t) (x % 4),
                                        .len = x > y ? x : y });
}

static struct conv1d_args make_args(const nn_call *c)
{
    const struct conv1d_attr *t = NN_ATTR(c, conv1d);
    const uint32_t least = choose(c).tile, each = (c->in[0].dim[0] - 1) / WANT_PARTS + 1;
    const uint32_t tile = each > least ? each : least;
    return (struct conv1d_args) {
        .dirs = t->dirs, .cols = t->cols,
        .ld = c->in[0].dim[1], .col0 = t->col0, .dir_stride = t->dir_stride,
        .silu = t->silu,
        .has_bias = c->in[2].rank ? 1 : 0,
        .has_start = c->in[3].rank ? 1 : 0,
        .tile = tile,
        .tiles = (c->in_rows[0]->cap_tokens - 1) / tile + 1,
        .last_texel = (uint32_t) (nn_shape_len(&c->in[0]) / 4 - 1),
    };
}

// Do the channels lie at whole vec4 in x?
static bool is_shifted(const nn_call *c)
{
    const struct conv1d_attr *t = NN_ATTR(c, conv1d);
    return (c->in[0].dim[1] | t->col0 | t->dir_stride) % 4 != 0;
}

static vkc_status infer(nn_call *c)
{
    const struct conv1d_attr *t = NN_ATTR(c, conv1d);
    const nn_shape *x = &c->in[0], *w = &c->in[1];
    const nn_rows *rows = c->in_rows[0];
    if (!t || (t->dirs != 1 && t->dirs != 2) || !t->cols)
        return VKC_FAIL(VKC_E_ARG, "conv1d: dirs is not 1 or 2, or there are no channels");
    if (x->rank != 2 || !rows)
        return VKC_FAIL(VKC_E_ARG, "conv1d: x is not a packed (R, W)");
    if ((uint64_t) t->col0 + (uint64_t) (t->dirs - 1) * t->dir_stride + t->cols > x->dim[1])
        return VKC_FAIL(VKC_E_ARG, "conv1d: x has %u columns, want %u from column %u in each direction", x->dim[1],
                        t->cols, t->col0);
    if (t->dirs == 2 && t->dir_stride && t->dir_stride < t->cols)
        return VKC_FAIL(VKC_E_ARG, "conv1d: the directions share some of %u columns, but not all", t->cols);
    const uint32_t N = t->dirs * t->cols, K = w->rank == 2 ? w->dim[1] : 0;
    if (w->rank != 2 || w->dim[0] != N || !K || K > CONV1D_MAX_K)
        return VKC_FAIL(VKC_E_ARG, "conv1d: w is not (%u, K) with K 1 to %d", N, CONV1D_MAX_K);
    if (c->in[2].rank && !nn_shape_is(&c->in[2], 1, &N))
        return VKC_FAIL(VKC_E_ARG, "conv1d: b is not (%u)", N);
    const uint32_t state[] = { rows->cap_images, N, K - 1 };
    if (K == 1 && (c->in[3].rank || t->carry))
        return VKC_FAIL(VKC_E_ARG, "conv1d: one tap needs no inputs before the first token");
    if (c->in[3].rank && !nn_shape_is(&c->in[3], 3, state))
        return VKC_FAIL(VKC_E_ARG, "conv1d: start is not (%u, %u, %u)", state[0], state[1], state[2]);
    c->out[0] = (nn_shape) { 2, { x->dim[0], N } };
    c->out_rows[0] = c->in_rows[0];
    if (t->carry)
        c->out[1] = (nn_shape) { 3, { state[0], state[1], state[2] } };
    const size_t parts = (size_t) rows->cap_images * make_args(c).tiles * N * sizeof(float);
    c->scratch_bwd[0] = parts * K;
    c->scratch_bwd[1] = parts;
    return VKC_OK;
}

// A kernel over `channels` and tiles of tokens in the form that fits.
static vkc_status by_tile(nn_run *r, const nn_call *c, uint32_t channels, const vkc_shader *quads,
                          const vkc_shader *plain, const uint8_t bind[9])
{
    const struct conv1d_args a = make_args(c);
    const nn_choice o = choose(c);
    nn_kernel_use use = {
        .shader = o.form == NN_FORM_QUADS ? quads : plain, .args = &a, .args_size = sizeof a, .wg = o.wg,
        .spec = { c->in[1].dim[1], is_shifted(c) },
        .groups = { (channels / o.own - 1) / o.wg + 1,
                    a.tiles < c->dev->max_groups[1] ? a.tiles : c->dev->max_groups[1], c->in_rows[0]->cap_images },
    };
    memcpy(use.bind, bind, 9);
    return nn_dispatch(r, &use);
}
#define BY_TILE(r, c, channels, name, ...) by_tile((r), (c), (channels), &vkc_shader_conv1d_quads_##name, \
    &vkc_shader_conv1d_##name, (const uint8_t[9]) { __VA_ARGS__ })

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct conv1d_args a = make_args(c);
    const uint32_t N = a.dirs * a.cols;
    vkc_status st = BY_TILE(r, c, N, fwd, ROWS_IN(0), IN(0), IN(1), IN(2), IN(3), OUT(0));
    if (st != VKC_OK || !NN_ATTR(c, conv1d)->carry)
        return st;
    return NN_DISPATCH(r, conv1d_last, &a, .wg = 64, .spec = { c->in[1].dim[1] },
        .groups = { (N - 1) / 64 + 1, 1, c->in_rows[0]->cap_images },
        .bind = { ROWS_IN(0), IN(0), IN(1), IN(2), IN(3), OUT(1) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const struct conv1d_args a = make_args(c);
    const uint32_t N = a.dirs * a.cols, K = c->in[1].dim[1], parts = c->in_rows[0]->cap_images * a.tiles;
    vkc_status st;
    VKC_TRY(BY_TILE(r, c, a.dir_stride ? N : a.cols, bwd, ROWS_IN(0), IN(0), IN(1), IN(2), IN(3), DOUT(0), DIN(0),
                    SCRATCH(0), SCRATCH(1)));
    if (nn_is_wanted(r, DIN(1)))
        VKC_TRY(nn_add_parts(r, c, SCRATCH(0), DIN(1), N * K, parts));
    if (nn_is_wanted(r, DIN(2)))
        VKC_TRY(nn_add_parts(r, c, SCRATCH(1), DIN(2), N, parts));
done:
    return st;
}

// Input e of channel n of image b in the order [start, x] of its direction.
static double ref_input(const nn_call *c, const struct conv1d_args *a, const double *const *in, uint32_t b,
                        uint32_t n, size_t e)
{
    const nn_rows *rows = c->in_rows[0];
    const size_t before = c->in[1].dim[1] - 1, dir = n / a->cols;
    if (e < before)
        return in[3] ? in[3][((size_t) b * a->dirs * a->cols + n) * before + e] : 0;
    const size_t row = dir ? rows->offsets[b + 1] - 1 - (e - before) : rows->offsets[b] + (e - before);
    return in[0][row * a->ld + a->col0 + dir * a->dir_stride + n % a->cols];
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct conv1d_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const uint32_t N = a.dirs * a.cols, K = c->in[1].dim[1];
    for (uint32_t b = 0; b < rows->cap_images; b++)
        for (uint32_t n = 0; n < N; n++) {
            const size_t count = b < rows->n_images ? rows->offsets[b + 1] - rows->offsets[b] : 0;
            for (size_t t = 0; t < count; t++) {
                double u = in[2] ? in[2][n] : 0;
                for (uint32_t j = 0; j < K; j++)
                    u += in[1][(size_t) n * K + j] * ref_input(c, &a, in, b, n, t + j);
                const size_t row = n / a.cols ? rows->offsets[b + 1] - 1 - t : rows->offsets[b] + t;
                out[0][row * N + n] = a.silu ? u / (1 + exp(-u)) : u;
            }
            for (uint32_t i = 0; out[1] && i + 1 < K; i++)
                out[1][((size_t) b * N + n) * (K - 1) + i] = ref_input(c, &a, in, b, n, count + i);
        }
}

static uint64_t macs(const nn_call *c)
{
    return (uint64_t) c->in[0].dim[0] * nn_shape_len(&c->in[1]);
}

const nn_op nn_op_conv1d = {
    .name = "conv1d", .n_in = 4, .n_out = 2, .n_opt = 2,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)) | BIT(IN(3)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
