// dynamic_conv.c — causal depthwise convolution along the tokens of each image with filters that each token brings
// along, in one or two directions, then SiLU.
//   in:  x (R, W), its channels at columns col0 + dir * dir_stride ..     k (R, N K), filters, N = dirs cols
//        start (cap_images, N, K - 1) or absent: the inputs before the first token, oldest first; no gradient
//   out: y (R, N)     last (cap_images, N, K - 1) when attr.carry: the inputs before a next token
// Two forms of each kernel: four channels an invocation (quads), and one.
#include "nn/graph/rowwise.h"
#include "shaders/conv/dynamic_conv.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

enum { X, FILTERS, START };

static uint32_t channels_of(const nn_call *c)
{
    return NN_ATTR(c, dynamic_conv)->dirs * NN_ATTR(c, dynamic_conv)->cols;
}

static uint32_t taps_of(const nn_call *c)
{
    return c->in[FILTERS].dim[1] / channels_of(c);
}

static nn_choice choose(const nn_call *c)
{
    const size_t x = nn_shape_len(&c->in[X]), k = nn_shape_len(&c->in[FILTERS]);
    return nn_choose(c, &(nn_problem) { .op = &nn_op_dynamic_conv, .len = x > k ? x : k,
                                        .odd = NN_ATTR(c, dynamic_conv)->cols | (uint32_t) (x % 4) });
}

static struct dynamic_conv_args make_args(const nn_call *c)
{
    const struct dynamic_conv_attr *t = NN_ATTR(c, dynamic_conv);
    const uint32_t tile = choose(c).tile;
    return (struct dynamic_conv_args) {
        .dirs = t->dirs, .cols = t->cols,
        .ld = c->in[X].dim[1], .col0 = t->col0, .dir_stride = t->dir_stride,
        .silu = t->silu,
        .has_start = c->in[START].rank ? 1 : 0,
        .tile = tile,
        .tiles = (c->in_rows[X]->cap_tokens - 1) / tile + 1,
        .last_texel = (uint32_t) (nn_shape_len(&c->in[X]) / 4 - 1),
    };
}

// Do the channels lie at whole vec4 in x?
static bool is_shifted(const nn_call *c)
{
    const struct dynamic_conv_attr *t = NN_ATTR(c, dynamic_conv);
    return (c->in[X].dim[1] | t->col0 | t->dir_stride) % 4 != 0;
}

static vkc_status infer(nn_call *c)
{
    const struct dynamic_conv_attr *t = NN_ATTR(c, dynamic_conv);
    const nn_shape *x = &c->in[X], *k = &c->in[FILTERS];
    const nn_rows *rows = c->in_rows[X];
    if (!t || (t->dirs != 1 && t->dirs != 2) || !t->cols)
        return VKC_FAIL(VKC_E_ARG, "dynamic_conv: dirs is not 1 or 2, or there are no channels");
    if (x->rank != 2 || !rows)
        return VKC_FAIL(VKC_E_ARG, "dynamic_conv: x is not a packed (R, W)");
    if ((uint64_t) t->col0 + (uint64_t) (t->dirs - 1) * t->dir_stride + t->cols > x->dim[1])
        return VKC_FAIL(VKC_E_ARG, "dynamic_conv: x has %u columns, want %u from column %u in each direction",
                        x->dim[1], t->cols, t->col0);
    if (t->dirs == 2 && t->dir_stride && t->dir_stride < t->cols)
        return VKC_FAIL(VKC_E_ARG, "dynamic_conv: the directions share some of %u columns, but not all", t->cols);
    const uint32_t N = channels_of(c);
    if (k->rank != 2 || c->in_rows[FILTERS] != rows || k->dim[1] % N || k->dim[1] / N < 1 ||
        k->dim[1] / N > DYNAMIC_CONV_MAX_K)
        return VKC_FAIL(VKC_E_ARG, "dynamic_conv: k is not (R, %u K) packed like x, with K 1 to %d", N,
                        DYNAMIC_CONV_MAX_K);
    const uint32_t K = taps_of(c), state[] = { rows->cap_images, N, K - 1 };
    if (K == 1 && (c->in[START].rank || t->carry))
        return VKC_FAIL(VKC_E_ARG, "dynamic_conv: one tap needs no inputs before the first token");
    if (c->in[START].rank && !nn_shape_is(&c->in[START], 3, state))
        return VKC_FAIL(VKC_E_ARG, "dynamic_conv: start is not (%u, %u, %u)", state[0], state[1], state[2]);
    c->out[0] = (nn_shape) { 2, { x->dim[0], N } };
    c->out_rows[0] = c->in_rows[X];
    if (t->carry)
        c->out[1] = (nn_shape) { 3, { state[0], state[1], state[2] } };
    return VKC_OK;
}

// A kernel over `channels` and tiles of tokens in the form that fits.
static vkc_status by_tile(nn_run *r, const nn_call *c, const struct dynamic_conv_args *a, uint32_t channels,
                          const vkc_shader *quads, const vkc_shader *plain, const uint8_t bind[7])
{
    const nn_choice o = choose(c);
    nn_kernel_use use = {
        .shader = o.form == NN_FORM_QUADS ? quads : plain, .args = a, .args_size = sizeof *a, .wg = o.wg,
        .spec = { taps_of(c), is_shifted(c) },
        .groups = { (channels / o.own - 1) / o.wg + 1,
                    a->tiles < c->dev->max_groups[1] ? a->tiles : c->dev->max_groups[1], c->in_rows[X]->cap_images },
    };
    memcpy(use.bind, bind, 7);
    return nn_dispatch(r, &use);
}
#define BY_TILE(r, c, a, channels, name, ...) by_tile((r), (c), (a), (channels), \
    &vkc_shader_dynamic_conv_quads_##name, &vkc_shader_dynamic_conv_##name, (const uint8_t[7]) { __VA_ARGS__ })

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct dynamic_conv_args a = make_args(c);
    const uint32_t N = channels_of(c);
    vkc_status st = BY_TILE(r, c, &a, N, fwd, ROWS_IN(X), IN(X), IN(FILTERS), IN(START), OUT(0));
    if (st != VKC_OK || !NN_ATTR(c, dynamic_conv)->carry)
        return st;
    return NN_DISPATCH(r, dynamic_conv_last, &a, .wg = 64, .spec = { taps_of(c) },
        .groups = { (N - 1) / 64 + 1, 1, c->in_rows[X]->cap_images },
        .bind = { ROWS_IN(X), IN(X), IN(FILTERS), IN(START), OUT(1) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct dynamic_conv_args a = make_args(c);
    a.wants_x = nn_is_wanted(r, DIN(X));
    a.wants_k = nn_is_wanted(r, DIN(FILTERS));
    if (!a.wants_x && !a.wants_k)
        return VKC_OK;
    return BY_TILE(r, c, &a, a.dir_stride ? channels_of(c) : a.cols, bwd, ROWS_IN(X), IN(X), IN(FILTERS), IN(START),
                   DOUT(0), DIN(X), DIN(FILTERS));
}

// Input e of channel n of image b in the order [start, x] of its direction.
static double ref_input(const nn_call *c, const double *const *in, uint32_t b, uint32_t n, size_t e)
{
    const struct dynamic_conv_attr *t = NN_ATTR(c, dynamic_conv);
    const nn_rows *rows = c->in_rows[X];
    const size_t before = taps_of(c) - 1, dir = n / t->cols;
    if (e < before)
        return in[START] ? in[START][((size_t) b * channels_of(c) + n) * before + e] : 0;
    const size_t row = dir ? rows->offsets[b + 1] - 1 - (e - before) : rows->offsets[b] + (e - before);
    return in[X][row * c->in[X].dim[1] + t->col0 + dir * t->dir_stride + n % t->cols];
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct dynamic_conv_attr *a = NN_ATTR(c, dynamic_conv);
    const nn_rows *rows = c->in_rows[X];
    const uint32_t N = channels_of(c), K = taps_of(c);
    for (uint32_t b = 0; b < rows->cap_images; b++)
        for (uint32_t n = 0; n < N; n++) {
            const size_t count = b < rows->n_images ? rows->offsets[b + 1] - rows->offsets[b] : 0;
            for (size_t t = 0; t < count; t++) {
                const size_t row = n / a->cols ? rows->offsets[b + 1] - 1 - t : rows->offsets[b] + t;
                double u = 0;
                for (uint32_t j = 0; j < K; j++)
                    u += in[FILTERS][(row * N + n) * K + j] * ref_input(c, in, b, n, t + j);
                out[0][row * N + n] = a->silu ? u / (1 + exp(-u)) : u;
            }
            for (uint32_t i = 0; out[1] && i + 1 < K; i++)
                out[1][((size_t) b * N + n) * (K - 1) + i] = ref_input(c, in, b, n, count + i);
        }
}

static uint64_t macs(const nn_call *c)
{
    return nn_shape_len(&c->in[FILTERS]);
}

const nn_op nn_op_dynamic_conv = {
    .name = "dynamic_conv", .n_in = 3, .n_out = 2, .n_opt = 1,
    .keep = BIT(IN(X)) | BIT(IN(FILTERS)) | BIT(IN(START)),
    .grad = BIT(IN(X)) | BIT(IN(FILTERS)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
