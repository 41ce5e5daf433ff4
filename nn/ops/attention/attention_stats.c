// attention_stats.c — eight measures of how concentrated attention rows are, over all keys and without the class
// token's; not differentiable.
//   in:  qkv (R, (H + 2 KV) D) columns [q | k | v] as of op attention, and its table of relative positions, optional
//   out: stats (R, H * 16), -1 where there are fewer than two keys: causal, in the first row of each image
#include "nn/graph/choose/choose.h"
#include "nn/ops/attention/attention_bias.h"
#include "nn/ops/attention/attention_heads.h"
#include "shaders/attention/attention_stats.h"
#include "spv/shaders.h"

#include <math.h>
#include <stdlib.h>

static uint32_t kv_heads(const nn_call *c)
{
    const struct attention_stats_attr *t = NN_ATTR(c, attention_stats);
    return nn_kv_heads(t->heads, t->kv_heads);
}

static uint32_t head_dim(const nn_call *c)
{
    return c->in[0].dim[1] / (NN_ATTR(c, attention_stats)->heads + 2 * kv_heads(c));
}

static double scale_of(const nn_call *c)
{
    double s = (double) NN_ATTR(c, attention_stats)->scale;
    return s != 0 ? s : 1 / sqrt((double) head_dim(c));
}

static bool has_class(const nn_call *c)
{
    return c->in_rows[0]->prefix > 0 && !NN_ATTR(c, attention_stats)->no_class;
}

static vkc_status infer(nn_call *c)
{
    const struct attention_stats_attr *t = NN_ATTR(c, attention_stats);
    if (!t || !t->heads || c->in[0].rank != 2 || !c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "attention_stats: qkv is not a packed (R, 3C) of whole heads");
    vkc_status st = nn_kv_check("attention_stats", c->in[0].dim[1], t->heads, t->kv_heads);
    if (st != VKC_OK)
        return st;
    if (c->in_rows[0]->cap_tokens > ATTENTION_STATS_MAX_TOKENS)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "attention_stats: images of %u tokens; it sorts at most %d",
                        c->in_rows[0]->cap_tokens, ATTENTION_STATS_MAX_TOKENS);
    if (t->causal && c->in[1].rank)
        return VKC_FAIL(VKC_E_ARG, "attention_stats: causal, with a table of relative positions; want one of the two");
    st = nn_bias_check("attention_stats", c, 1, 0, t->heads, t->grid_w);
    if (st != VKC_OK)
        return st;
    c->out[0] = (nn_shape) { 2, { c->in[0].dim[0], t->heads * ATTENTION_STATS_N } };
    c->out_rows[0] = c->in_rows[0];
    return VKC_OK;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const nn_rows *rows = c->in_rows[0];
    const struct attention_stats_attr *t = NN_ATTR(c, attention_stats);
    struct attention_stats_args a = {
        .heads = t->heads, .head_dim = head_dim(c), .has_class = has_class(c), .scale = (float) scale_of(c),
        .bias = nn_bias_args(c, 1, 0, t->grid_w), .causal = t->causal, .kv_heads = kv_heads(c),
    };
    uint32_t room = 2;
    while (room < rows->cap_tokens)
        room *= 2;
    const uint32_t wg = nn_choose(c, &(nn_problem) { .op = &nn_op_attention_stats, .cols = room }).wg;
    return NN_DISPATCH(r, attention_stats_fwd, &a, .groups = { rows->cap_tokens, a.heads, rows->cap_images },
        .wg = wg, .spec = { room, [SPEC_ATTENTION_BIAS - 1] = nn_bias_spec(c, 1) },
        .bind = { ROWS_IN(0), IN(0), OUT(0), IN(1) });
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return x < y ? 1 : -(x > y);
}

// The measures of n scores, which are put in order.
static void ref_set(double *s, uint32_t n, double *out)
{
    double z = 0, entropy = 0, squares = 0, mass = 0;
    for (uint32_t k = 0; k < ATTENTION_STATS_MEASURES; k++)
        out[k] = n < 2 ? ATTENTION_STATS_NONE : 0;
    if (n < 2)
        return;
    qsort(s, n, sizeof *s, descending);
    for (uint32_t j = 0; j < n; j++)
        z += exp(s[j] - s[0]);
    for (uint32_t j = 0; j < n; j++) {
        double p = exp(s[j] - s[0]) / z;
        entropy -= p > 0 ? p * log(p) : 0;
        squares += p * p;
        out[2] += p * (n - 1 - 2.0 * j) / n;
        out[5] += n * p < 1 - ATTENTION_STATS_EDGE ? 1.0 / n : 0;
        out[7] += mass < 0.9 - ATTENTION_STATS_EDGE ? 1.0 / n : 0;
        mass += p;
        if (j + 1 == (n + 9) / 10)
            out[6] = mass;
    }
    out[0] = entropy / log((double) n);
    out[1] = exp(entropy) / n;
    out[3] = (sqrt((double) n) - 1 / sqrt(squares)) / (sqrt((double) n) - 1);
    out[4] = 1 / (n * squares);
}

// Of row i and head h, which sees the n rows of its image from `first` on.
static void ref_row(const nn_call *c, const double *const *in, uint32_t first, uint32_t n, uint32_t i, uint32_t h,
                    double *s, double *out)
{
    const nn_rows *rows = c->in_rows[0];
    const uint32_t H = NN_ATTR(c, attention_stats)->heads, KV = kv_heads(c), D = head_dim(c), ld = (H + 2 * KV) * D;
    const struct attention_bias_args bias = nn_bias_args(c, 1, 0, NN_ATTR(c, attention_stats)->grid_w);
    const double *q = in[0] + (size_t) i * ld + h * D, *k0 = in[0] + (size_t) first * ld + (H + h / (H / KV)) * D;
    const bool is_class = has_class(c) && rows->pos[first] == 0;
    for (uint32_t set = 0; set < ATTENTION_STATS_SETS; set++) {
        const uint32_t skip = set && is_class;
        for (uint32_t j = skip; j < n; j++) {
            double dot = 0;
            for (uint32_t d = 0; d < D; d++)
                dot += q[d] * k0[(size_t) j * ld + d];
            s[j - skip] = scale_of(c) * dot +
                          nn_bias_ref(&bias, in[1], H, rows->pos[i], rows->pos[first + j], h);
        }
        ref_set(s, n - skip, out + set * ATTENTION_STATS_MEASURES);
    }
}

static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const nn_rows *rows = c->in_rows[0];
    const uint32_t H = NN_ATTR(c, attention_stats)->heads;
    const bool is_causal = NN_ATTR(c, attention_stats)->causal;
    double *s = (double *) malloc(rows->cap_tokens * sizeof *s);
    for (uint32_t b = 0; s && b < rows->n_images; b++) {
        uint32_t first = rows->offsets[b], n = rows->offsets[b + 1] - first;
        for (uint32_t i = first; i < first + n; i++)
            for (uint32_t h = 0; h < H; h++)
                ref_row(c, in, first, is_causal ? i - first + 1 : n, i, h, s,
                        out[0] + ((size_t) i * H + h) * ATTENTION_STATS_N);
    }
    free(s);
}

const nn_op nn_op_attention_stats = {
    .name = "attention_stats", .n_in = 2, .n_out = 1, .n_opt = 1, .infer = infer, .fwd = fwd, .ref = ref,
};
