// conv.c — a depthwise convolution on the token grid and nothing else. A control: what a model reaches when tokens
// see their neighbours only. Tokens off the grid (the class token) get zero.
#include "nn/mixers/mixer.h"
#include "shaders/conv/dwconv.h"

#define SIZE 3

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    out[0] = (nn_mixer_param) { .name = "conv.weight", .shape = { 3, { d->dim, SIZE, SIZE } },
                                .init = NN_INIT_CONV };
    out[1] = (nn_mixer_param) { .name = "conv.bias", .shape = { 1, { d->dim } } };
    return 2;
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    (void) d;
    (void) taps;
    return NN_APPLY(g, dwconv, &(struct dwconv_attr) { 0 }, NULL, y, p[0], p[1]);
}

const nn_mixer nn_mixer_conv = {
    .name = "conv", .about = "3 x 3 depthwise convolution on the token grid, nothing else (a control)",
    .params = params, .build = build,
};
