// attention_stats.c — entropy, 90 % mass and top 10 % of every attention row; not differentiable.
//   in:  qkv (R, 3C)   lse (R, H) of the attention over it
//   out: stats (R, H * 3)
#include "nn/op.h"
#include "shaders/attention_stats.h"
#include "spv/shaders.h"

#include <math.h>
#include <stdlib.h>

static uint32_t head_dim(const nn_call *c)
{
    return c->in[0].dim[1] / 3 / NN_ATTR(c, attention_stats)->heads;
}

static double scale_of(const nn_call *c)
{
    double s = (double) NN_ATTR(c, attention_stats)->scale;
    return s != 0 ? s : 1 / sqrt((double) head_dim(c));
}

static vkc_status infer(nn_call *c)
{
    const struct attention_stats_attr *t = NN_ATTR(c, attention_stats);
    if (!t || !t->heads || c->in[0].rank != 2 || !c->in_rows[0] || c->in[0].dim[1] % (3 * t->heads))
        return VKC_FAIL(VKC_E_ARG, "attention_stats: qkv is not a packed (R, 3C) of whole heads");
    if (c->in_rows[1] != c->in_rows[0] || c->in[1].rank != 2 || c->in[1].dim[1] != t->heads)
        return VKC_FAIL(VKC_E_ARG, "attention_stats: lse is not (R, %u) over the rows of qkv", t->heads);
    if (c->in_rows[0]->cap_tokens > ATTENTION_STATS_MAX_TOKENS)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "attention_stats: images of %u tokens; it sorts at most %d",
                        c->in_rows[0]->cap_tokens, ATTENTION_STATS_MAX_TOKENS);
    c->out[0] = (nn_shape) { 2, { c->in[0].dim[0], t->heads * ATTENTION_STATS_N } };
    c->out_rows[0] = c->in_rows[0];
    return VKC_OK;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const nn_rows *rows = c->in_rows[0];
    struct attention_stats_args a = {
        .heads = NN_ATTR(c, attention_stats)->heads, .head_dim = head_dim(c), .scale = (float) scale_of(c),
    };
    uint32_t room = 2;
    while (room < rows->cap_tokens)
        room *= 2;
    // On a CPU every barrier is a switch between invocations: few of them, one vector's worth.
    uint32_t wg = c->dev->type == VKC_TYPE_SOFTWARE ? 8 : room >= 256 ? 128 : 32;
    return NN_DISPATCH(r, attention_stats_fwd, &a, .groups = { rows->cap_tokens, a.heads, rows->cap_images },
        .wg = wg, .spec = { room }, .bind = { ROWS_IN(0), IN(0), IN(1), OUT(0) });
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return x < y ? 1 : -(x > y);
}

static void ref_row(const double *q, const double *k0, uint32_t ld, uint32_t D, uint32_t n, double scale,
                    double lse, double *p, double *out)
{
    double mass = 0;
    for (uint32_t j = 0; j < n; j++) {
        double s = 0;
        for (uint32_t d = 0; d < D; d++)
            s += q[d] * k0[(size_t) j * ld + d];
        p[j] = exp(scale * s - lse);
    }
    qsort(p, n, sizeof *p, descending);
    out[0] = out[1] = out[2] = 0;
    for (uint32_t j = 0; j < n; j++) {
        out[1] += mass < 0.9 ? 1.0 / n : 0;
        mass += p[j];
        out[0] -= p[j] > 0 && n > 1 ? p[j] * log(p[j]) / log((double) n) : 0;
        if (j + 1 == (n + 9) / 10)
            out[2] = mass;
    }
}

static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const nn_rows *rows = c->in_rows[0];
    const uint32_t H = NN_ATTR(c, attention_stats)->heads, D = head_dim(c), ld = 3 * H * D;
    double *p = (double *) malloc(rows->cap_tokens * sizeof *p);
    for (uint32_t b = 0; p && b < rows->n_images; b++) {
        uint32_t first = rows->offsets[b], n = rows->offsets[b + 1] - first;
        for (uint32_t i = first; i < first + n; i++)
            for (uint32_t h = 0; h < H; h++)
                ref_row(in[0] + (size_t) i * ld + h * D, in[0] + (size_t) first * ld + H * D + h * D, ld, D, n,
                        scale_of(c), in[1][(size_t) i * H + h], p,
                        out[0] + ((size_t) i * H + h) * ATTENTION_STATS_N);
    }
    free(p);
}

const nn_op nn_op_attention_stats = {
    .name = "attention_stats", .n_in = 2, .n_out = 1, .infer = infer, .fwd = fwd, .ref = ref,
};
