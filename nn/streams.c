// streams.c — streams of sequential mixers, and their merge into heads.
#include "nn/streams.h"

#include "shaders/linear.h"

uint32_t nn_streams(const nn_mixer_dims *d)
{
    return d->heads * nn_mixer_dirs(d->layer);
}

nn_mixer_param nn_merge_param(const nn_mixer_dims *d)
{
    const uint32_t D = d->dim / d->heads, dirs = nn_mixer_dirs(d->layer);
    return (nn_mixer_param) { .name = "merge.weight", .shape = { 3, { d->heads, D, dirs * D } }, .decay = true,
                              .init = NN_INIT_IDENTITY };
}

nn_tensor *nn_merge(nn_graph *g, const nn_mixer_dims *d, nn_tensor *x, nn_tensor *weight, nn_tensor *bias)
{
    return NN_APPLY(g, linear, &(struct linear_attr) { .groups = d->heads }, NULL, x, weight, bias);
}
