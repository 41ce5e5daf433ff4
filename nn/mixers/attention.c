// attention.c — softmax self-attention, the mixer that the others replace.
#include "nn/mixers/mixer.h"
#include "shaders/attention/attention.h"
#include "shaders/elementwise/clamp.h"
#include "shaders/linear/linear.h"
#include "shaders/norm/rms_norm.h"

// Of a causal language model: as nn_mixer_qkv, with fewer rows for keys and values, and without a bias; then the
// weights of the norms of queries and keys.
static uint32_t params_of_text(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    const nn_text_attention *t = &d->text;
    const uint32_t q = d->heads * t->head_dim, kv = t->kv_heads * t->head_dim;
    uint32_t n = nn_mixer_qkv(d, out);
    out[0].shape.dim[0] = out[1].shape.dim[0] = q + 2 * kv;
    n -= !t->has_bias;
    if (t->qk_norm != NN_QK_NORM_NONE) {
        const bool is_whole = t->qk_norm == NN_QK_NORM_WHOLE;
        const nn_mixer_param norm = { .init = NN_INIT_ONE, .shape = { 1, { is_whole ? q : t->head_dim } } };
        out[n] = out[n + 1] = norm;
        out[n++].name = "q_norm.weight";
        out[n].name = "k_norm.weight";
        out[n++].shape.dim[0] = is_whole ? kv : t->head_dim;
    }
    return n;
}

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    if (d->text.head_dim)
        return params_of_text(d, out);
    uint32_t n = nn_mixer_qkv(d, out);
    if (d->relative.is_own)
        out[n++] = (nn_mixer_param) {
            .name = NN_RELATIVE_TABLE, .init = NN_INIT_ZERO,
            .shape = { 2, { nn_relative_rows(d->relative.grid_h, d->relative.grid_w), d->heads } },
        };
    return n;
}

static vkc_status check(const nn_mixer_dims *d, const vkc_device_info *dev)
{
    (void) dev;
    if (d->text.head_dim > ATTENTION_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "mixer %s: heads of %u channels, it can do at most %u", d->mixer->name,
                        d->text.head_dim, ATTENTION_MAX_DIM);
    return d->text.head_dim ? VKC_OK : nn_mixer_check_width(d, ATTENTION_MAX_DIM);
}

// Queries or keys of qkv, which are columns col0 .. col0 + cols, normed.
static nn_tensor *norm(nn_graph *g, const nn_mixer_dims *d, nn_tensor *qkv, nn_tensor *w, uint32_t col0, uint32_t cols)
{
    const bool is_whole = d->text.qk_norm == NN_QK_NORM_WHOLE;
    const struct rms_norm_attr a = { .eps = (float) d->text.eps, .col0 = col0, .cols = cols,
                                     .groups = is_whole ? 1 : cols / d->text.head_dim };
    return NN_APPLY(g, rms_norm, &a, NULL, qkv, w);
}

static nn_tensor *build_of_text(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p,
                                nn_mixer_taps *taps)
{
    const nn_text_attention *t = &d->text;
    const uint32_t q = d->heads * t->head_dim, kv = t->kv_heads * t->head_dim;
    nn_tensor *const *norms = p + 1 + t->has_bias;
    nn_tensor *qkv = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[0], t->has_bias ? p[1] : NULL);
    if (t->clip > 0)
        qkv = NN_APPLY(g, clamp, &(struct clamp_attr) { (float) t->clip }, NULL, qkv);
    if (t->qk_norm != NN_QK_NORM_NONE)
        qkv = norm(g, d, norm(g, d, qkv, norms[0], 0, q), norms[1], q, kv);
    if (t->rope.base > 0)
        qkv = nn_rope_text_apply(g, &t->rope, d->heads, t->kv_heads, 0, false, qkv);
    const struct attention_attr attr = { .heads = d->heads, .kv_heads = t->kv_heads, .causal = 1 };
    nn_tensor *o = NN_APPLY(g, attention, &attr, NULL, qkv, NULL);
    taps->qkv = qkv;
    taps->lse = nn_output(o, 1);
    return o;
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p,
                        nn_mixer_taps *taps)
{
    if (d->text.head_dim)
        return build_of_text(g, d, y, p, taps);
    nn_tensor *bias = d->no_key_bias ? NN_APPLY0(g, qv_bias, NULL, p[1]) : p[1];
    nn_tensor *qkv = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[0], bias);
    qkv = nn_rope_apply(g, &d->rope, d->heads, qkv);
    nn_tensor *table = nn_relative_build(g, &d->relative, p[2]);
    const struct attention_attr attr = { .heads = d->heads, .grid_w = d->relative.grid_w };
    nn_tensor *o = NN_APPLY(g, attention, &attr, NULL, qkv, table);
    taps->table = table;
    taps->grid_w = attr.grid_w;
    taps->qkv = qkv;
    taps->lse = nn_output(o, 1);
    return o;
}

const nn_mixer nn_mixer_attention = {
    .name = "attention", .about = "softmax self-attention, quadratic in tokens",
    .has_weights = true, .is_replaceable = true, .params = params, .check = check, .build = build,
};
