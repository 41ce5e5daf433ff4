// linear.c — non-causal linear attention with learned features, and a depthwise convolution of v on the
// token grid that gives back what is local. Starts as the attention it replaces: its q, k, v; features at
// the identity; the convolution at zero.
//   hedgehog   phi(u) = [softmax(u W), softmax(-u W)]                          (Zhang et al. 2024)
//   elu1       phi(u) = elu(u) + 1                                             (Katharopoulos et al. 2020)
//   t2r        phi(u) = max(u W + b, 1e-12)                                    (Kasai et al. 2021)
//   exp        phi(u) = [exp(u W - max u W), exp(min u W - u W)]               (Zhang et al. 2024, LoLCATs)
// With a window, tokens of one block of the sequence attend to each other by softmax and to all others by their
// features (shaders/linear_attention/window_attention.h).
#include "nn/mixers/mixer.h"
#include "shaders/conv/dwconv.h"
#include "shaders/linear_attention/feature_map.h"
#include "shaders/linear/linear.h"
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/linear_attention/window_attention.h"

#define CONV_SIZE 3

enum { OPTION_FEATURES, OPTION_WINDOW };
enum { FEATURES_HEDGEHOG, FEATURES_ELU1, FEATURES_T2R, FEATURES_EXP };

static const uint32_t kinds[] = {
    [FEATURES_HEDGEHOG] = FEATURE_MAP_HEDGEHOG, [FEATURES_ELU1] = FEATURE_MAP_ELU,
    [FEATURES_T2R] = FEATURE_MAP_T2R, [FEATURES_EXP] = FEATURE_MAP_EXP,
};

static uint32_t kind_of(const nn_mixer_dims *d)
{
    return kinds[d->options->value[OPTION_FEATURES]];
}

// Where each parameter is; those that a mixer of these options lacks have the place NONE.
#define NONE NN_MAX_MIXER_PARAMS
typedef struct places { uint32_t conv_w, conv_b, w[2], b[2], mix, n; } places;     // w, b: of q and of k

static places places_of(const nn_mixer_dims *d)
{
    const uint32_t kind = kind_of(d);
    places at = { .conv_w = 2, .conv_b = 3, .w = { NONE, NONE }, .b = { NONE, NONE }, .mix = NONE, .n = 4 };
    for (int i = 0; i < 2 && kind != FEATURE_MAP_ELU; i++)
        at.w[i] = at.n++;
    for (int i = 0; i < 2 && kind == FEATURE_MAP_T2R; i++)
        at.b[i] = at.n++;
    if (d->options->number[OPTION_WINDOW])
        at.mix = at.n++;
    return at;
}

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    static const char *const w_name[] = { "feature_q", "feature_k" };
    static const char *const b_name[] = { "feature_q_bias", "feature_k_bias" };
    const uint32_t C = d->dim, H = d->heads, D = C / H;
    const places at = places_of(d);
    nn_mixer_qkv(d, out);
    out[at.conv_w] = (nn_mixer_param) { .name = "conv.weight", .shape = { 3, { C, CONV_SIZE, CONV_SIZE } } };
    out[at.conv_b] = (nn_mixer_param) { .name = "conv.bias", .shape = { 1, { C } } };
    for (int i = 0; i < 2; i++) {
        if (at.w[i] != NONE)
            out[at.w[i]] = (nn_mixer_param) { .name = w_name[i], .shape = { 3, { H, D, D } },
                                              .init = NN_INIT_IDENTITY };
        if (at.b[i] != NONE)
            out[at.b[i]] = (nn_mixer_param) { .name = b_name[i], .shape = { 2, { H, D } } };
    }
    if (at.mix != NONE)
        out[at.mix] = (nn_mixer_param) { .name = "window_mix", .shape = { 1, { H } }, .init = NN_INIT_TENTH };
    return at.n;
}

static vkc_status check(const nn_mixer_dims *d, const vkc_device_info *dev)
{
    (void) dev;
    return nn_mixer_check_width(d, LINEAR_ATTENTION_MAX_DIM);
}

// The features of the heads from column `col0` of qkv; i = 0: of q, 1: of k.
static nn_tensor *features(nn_graph *g, const nn_mixer_dims *d, nn_tensor *qkv, nn_tensor *const *p, int i)
{
    const places at = places_of(d);
    const struct feature_map_attr f = { .heads = d->heads, .head_dim = d->dim / d->heads,
                                        .col0 = (uint32_t) i * d->dim, .kind = kind_of(d) };
    return NN_APPLY(g, feature_map, &f, NULL, qkv, at.w[i] != NONE ? p[at.w[i]] : NULL,
                    at.b[i] != NONE ? p[at.b[i]] : NULL);
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p,
                        nn_mixer_taps *taps)
{
    const uint32_t C = d->dim, D = C / d->heads;
    const places at = places_of(d);
    nn_tensor *qkv = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[0], p[1]), *global;
    nn_tensor *q = features(g, d, qkv, p, 0), *k = features(g, d, qkv, p, 1);
    if (at.mix != NONE) {
        struct window_attention_attr a = { .heads = d->heads, .head_dim = D,
                                           .window = d->options->number[OPTION_WINDOW] };
        global = NN_APPLY(g, window_attention, &a, NULL, q, k, qkv, p[at.mix]);
    } else {
        struct linear_attention_attr a = { .heads = d->heads, .head_dim = D, .v_col0 = 2 * C };
        global = NN_APPLY(g, linear_attention, &a, NULL, q, k, qkv);
    }
    struct dwconv_attr c = { .col0 = 2 * C };
    nn_tensor *local = NN_APPLY(g, dwconv, &c, NULL, qkv, p[at.conv_w], p[at.conv_b]);
    taps->qkv = qkv;
    taps->phi_q = at.w[0] != NONE ? q : NULL;
    taps->phi_k = at.w[1] != NONE ? k : NULL;
    return NN_APPLY0(g, add, NULL, global, local);
}

static const nn_mixer_option options[] = {
    [OPTION_FEATURES] = { "features", "feature map of q and k",
        { [FEATURES_HEDGEHOG] = "hedgehog", [FEATURES_ELU1] = "elu1", [FEATURES_T2R] = "t2r", [FEATURES_EXP] = "exp",
          NULL } },
    [OPTION_WINDOW] = { "window", "tokens of a block that attend to each other by softmax", { "none", NN_ANY_NUMBER } },
    { NULL, NULL, { NULL } },
};

const nn_mixer nn_mixer_linear = {
    .name = "linear", .about = "linear attention with learned features, a softmax window if wanted, and a 3 x 3 "
                               "depthwise convolution",
    .options = options, .params = params, .check = check, .build = build,
};
