// streams.c — streams of sequential mixers, and their merge into heads.
#include "nn/mixers/streams.h"

#include "shaders/scan/gated/gaps.h"
#include "shaders/norm/gated_norm.h"
#include "shaders/linear/linear.h"

#define EPS 1e-5f

uint32_t nn_stream_dirs(const nn_mixer_dims *d)
{
    return d->options->value[NN_DIRECTION] == 0 ? 2 : 1;
}

uint32_t nn_streams(const nn_mixer_dims *d)
{
    return d->heads * nn_stream_dirs(d);
}

nn_tensor *nn_count_gaps(nn_graph *g, const nn_mixer_dims *d, nn_tensor *decays, uint32_t width)
{
    const struct gaps_attr a = { .width = width, .dirs = nn_stream_dirs(d) };
    return d->gaps == NN_GAPS_COUNT ? NN_APPLY(g, gaps, &a, NULL, decays) : decays;
}

nn_mixer_param nn_merge_param(const nn_mixer_dims *d, uint32_t hidden)
{
    const uint32_t D = d->dim / d->heads, dirs = nn_stream_dirs(d);
    return (nn_mixer_param) { .name = "merge.weight", .shape = { 3, { d->heads, D, dirs * hidden } }, .decay = true,
                              .init = hidden == D ? NN_INIT_IDENTITY : NN_INIT_UNIFORM };
}

nn_mixer_param nn_expanded_merge_param(const nn_mixer_dims *d, uint32_t E)
{
    nn_mixer_param p = nn_merge_param(d, E * (d->dim / d->heads));
    p.init = NN_INIT_IDENTITY;
    return p;
}

void nn_copy_values(const nn_mixer_dims *d, uint32_t E, uint32_t to, nn_row_copy *copy)
{
    const uint32_t D = d->dim / d->heads;
    for (uint32_t e = 0; e < E; e++)
        copy[e] = (nn_row_copy) { .to = to + e * D, .from = 2 * d->dim, .n = D, .more = d->heads - 1, .to_step = E * D,
                                  .from_step = D };
}

uint32_t nn_expanded_qkv(const nn_mixer_dims *d, uint32_t E, nn_mixer_param *out)
{
    const uint32_t C = d->dim, n = nn_mixer_qkv(d, out);
    for (uint32_t i = 0; i < n && E > 1; i++) {
        out[i].shape.dim[0] = (2 + E) * C;
        out[i].copy[0] = (nn_row_copy) { .to = 0, .from = 0, .n = 2 * C };
        nn_copy_values(d, E, 2 * C, out[i].copy + 1);
    }
    return n;
}

nn_mixer_param nn_out_gate_param(const nn_mixer_dims *d, uint32_t E)
{
    return (nn_mixer_param) { .name = "out_gate.weight", .shape = { 2, { E * d->dim, d->dim } }, .decay = true,
                              .init = NN_INIT_UNIFORM };
}

vkc_status nn_check_state(const nn_mixer_dims *d, uint32_t E, uint32_t most)
{
    return nn_mixer_check_width(d, most / E);
}

nn_tensor *nn_norm_and_gate(nn_graph *g, const nn_mixer_dims *d, uint32_t E, nn_tensor *x, nn_tensor *weight,
                            nn_tensor *y, nn_tensor *gate)
{
    const uint32_t D = E * (d->dim / d->heads), dirs = nn_stream_dirs(d);
    nn_tensor *z = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, gate, NULL);
    struct gated_norm_attr a = {
        .heads = d->heads, .dirs = dirs, .dim = D, .x_head = dirs * D, .x_dir = D, .z_head = D, .eps = EPS,
    };
    return NN_APPLY(g, gated_norm, &a, NULL, x, z, weight);
}

nn_tensor *nn_merge(nn_graph *g, const nn_mixer_dims *d, nn_tensor *x, nn_tensor *weight, nn_tensor *bias)
{
    return NN_APPLY(g, linear, &(struct linear_attr) { .groups = d->heads }, NULL, x, weight, bias);
}
