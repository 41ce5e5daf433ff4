// attention.c — softmax self-attention, the mixer that the others replace.
#include "nn/mixers/mixer.h"
#include "shaders/attention/attention.h"
#include "shaders/linear/linear.h"

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
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
    return nn_mixer_check_width(d, ATTENTION_MAX_DIM);
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p,
                        nn_mixer_taps *taps)
{
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
