// causal_conv.c — a short causal convolution of each channel along the tokens, on the values of the attention that it
// replaces. A control for what a recurrence adds to its neighbourhood, and it needs no grid: token sequences have none.
#include "nn/mixers/mixer.h"
#include "shaders/conv/conv1d.h"
#include "shaders/linear/linear.h"

enum { PROJ_W, PROJ_B, CONV_W, CONV_B, N_PARAMS };
enum { OPTION_KERNEL };

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    const uint32_t C = d->dim, K = d->options->number[OPTION_KERNEL];
    out[PROJ_W] = (nn_mixer_param) { .name = "in_proj.weight", .shape = { 2, { C, C } }, .decay = true,
                                     .init = NN_INIT_UNIFORM, .from = "qkv.weight",
                                     .copy = { { .to = 0, .from = 2 * C, .n = C } } };
    out[PROJ_B] = (nn_mixer_param) { .name = "in_proj.bias", .shape = { 1, { C } }, .from = "qkv.bias",
                                     .copy = { { .to = 0, .from = 2 * C, .n = C } } };
    out[CONV_W] = (nn_mixer_param) { .name = "conv.weight", .shape = { 2, { C, K } }, .init = NN_INIT_CONV };
    out[CONV_B] = (nn_mixer_param) { .name = "conv.bias", .shape = { 1, { C } } };
    return N_PARAMS;
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    const struct conv1d_attr a = { .dirs = 1, .cols = d->dim };
    (void) taps;
    nn_tensor *x = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[PROJ_W], p[PROJ_B]);
    return NN_APPLY(g, conv1d, &a, NULL, x, p[CONV_W], p[CONV_B], NULL);
}

static const nn_mixer_option options[] = {
    [OPTION_KERNEL] = { "kernel", "tokens that it sees, itself among them", { "4", "2", "8", NULL } },
    { NULL, NULL, { NULL } },
};

const nn_mixer nn_mixer_causal_conv = {
    .name = "causal_conv", .about = "short causal depthwise convolution along the tokens (a control)",
    .options = options, .params = params, .build = build,
};
