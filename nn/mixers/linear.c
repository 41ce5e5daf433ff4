// linear.c — non-causal linear attention with learned features, and a depthwise convolution of v on the
// token grid that gives back what is local. Starts as the attention it replaces: its q, k, v; features at
// the identity; the convolution at zero.
//   hedgehog   phi(u) = [softmax(u W), softmax(-u W)]   (Zhang et al. 2024)
//   elu1       phi(u) = elu(u) + 1                      (Katharopoulos et al. 2020)
#include "nn/mixers/mixer.h"
#include "shaders/conv/dwconv.h"
#include "shaders/linear_attention/feature_map.h"
#include "shaders/linear/linear.h"
#include "shaders/linear_attention/linear_attention.h"

#define CONV_SIZE 3

enum { OPTION_FEATURES };
enum { FEATURES_HEDGEHOG };

static bool is_learned(const nn_mixer_dims *d)
{
    return d->options->value[OPTION_FEATURES] == FEATURES_HEDGEHOG;
}

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    const uint32_t C = d->dim, H = d->heads, D = C / H;
    uint32_t n = nn_mixer_qkv(d, out);
    out[n++] = (nn_mixer_param) { .name = "conv.weight", .shape = { 3, { C, CONV_SIZE, CONV_SIZE } } };
    out[n++] = (nn_mixer_param) { .name = "conv.bias", .shape = { 1, { C } } };
    if (is_learned(d)) {
        out[n++] = (nn_mixer_param) { .name = "feature_q", .shape = { 3, { H, D, D } }, .init = NN_INIT_IDENTITY };
        out[n++] = (nn_mixer_param) { .name = "feature_k", .shape = { 3, { H, D, D } }, .init = NN_INIT_IDENTITY };
    }
    return n;
}

static vkc_status check(const nn_mixer_dims *d, const vkc_device_info *dev)
{
    (void) dev;
    return nn_mixer_check_width(d, LINEAR_ATTENTION_MAX_DIM);
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p,
                        nn_mixer_taps *taps)
{
    const uint32_t C = d->dim, D = C / d->heads;
    nn_tensor *qkv = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[0], p[1]);
    struct feature_map_attr f = { .heads = d->heads, .head_dim = D, .kind = is_learned(d) };
    nn_tensor *q = NN_APPLY(g, feature_map, &f, NULL, qkv, is_learned(d) ? p[4] : NULL);
    f.col0 = C;
    nn_tensor *k = NN_APPLY(g, feature_map, &f, NULL, qkv, is_learned(d) ? p[5] : NULL);
    struct linear_attention_attr a = { .heads = d->heads, .head_dim = D, .v_col0 = 2 * C };
    nn_tensor *global = NN_APPLY(g, linear_attention, &a, NULL, q, k, qkv);
    struct dwconv_attr c = { .col0 = 2 * C };
    nn_tensor *local = NN_APPLY(g, dwconv, &c, NULL, qkv, p[2], p[3]);
    taps->qkv = qkv;
    taps->phi_q = is_learned(d) ? q : NULL;
    taps->phi_k = is_learned(d) ? k : NULL;
    return NN_APPLY0(g, add, NULL, global, local);
}

static const nn_mixer_option options[] = {
    [OPTION_FEATURES] = { "features", "feature map of q and k", { [FEATURES_HEDGEHOG] = "hedgehog", "elu1", NULL } },
    { NULL, NULL, { NULL } },
};

const nn_mixer nn_mixer_linear = {
    .name = "linear", .about = "linear attention with hedgehog or elu1 features, and a 3 x 3 depthwise convolution",
    .options = options, .params = params, .check = check, .build = build,
};
