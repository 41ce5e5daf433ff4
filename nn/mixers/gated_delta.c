// gated_delta.c — gated DeltaNet (Yang et al. 2025) in one or two directions: each token first takes out of the state
// what its key reads, then writes. Short convolution of q, k, v; q and k of length 1; norm a stream, then an output
// gate. Starts with attention's q, k, v.
#include "nn/mixers/delta.h"
#include "shaders/conv/conv1d.h"
#include "shaders/linear/linear.h"

enum { OPTION_CHUNK = NN_DIRECTION + 1, OPTION_EXPAND_V };

#define TAPS 4
#define EPS 1e-6f                   // of the lengths of q and k

enum { QKV_W, QKV_B, CONV_W, DELTA, N_PARAMS = DELTA + NN_N_DELTA_PARAMS };

static uint32_t expand_of(const nn_mixer_dims *d)
{
    return d->options->number[OPTION_EXPAND_V];
}

// Columns of q, k and v of a direction.
static uint32_t columns_of(const nn_mixer_dims *d)
{
    return (2 + expand_of(d)) * d->dim;
}

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    nn_expanded_qkv(d, expand_of(d), out);
    out[CONV_W] = (nn_mixer_param) { .name = "conv.weight", .shape = { 2, { nn_stream_dirs(d) * columns_of(d), TAPS } },
                                     .init = NN_INIT_CONV };
    nn_delta_params(d, expand_of(d), out + DELTA);
    return N_PARAMS;
}

static uint32_t carries(const nn_mixer_dims *d, uint32_t images, nn_shape out[NN_MAX_CARRY])
{
    if (nn_stream_dirs(d) != 1)
        return 0;
    out[0] = (nn_shape) { 3, { images, columns_of(d), TAPS - 1 } };
    out[1] = nn_delta_state(d, expand_of(d), images);
    return 2;
}

static vkc_status check(const nn_mixer_dims *d, const vkc_device_info *dev)
{
    (void) dev;
    return nn_delta_check(d, expand_of(d));
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    const uint32_t C = d->dim, dirs = nn_stream_dirs(d), columns = columns_of(d);
    taps->qkv = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[QKV_W], p[QKV_B]);
    struct conv1d_attr conv = { .dirs = dirs, .cols = columns, .silu = 1, .carry = taps->carry };
    nn_tensor *qkv = NN_APPLY(g, conv1d, &conv, NULL, taps->qkv, p[CONV_W], NULL, taps->start[0]);
    taps->last[0] = taps->carry ? nn_output(qkv, 1) : NULL;
    const nn_delta_inputs in = { .qk = qkv, .v = qkv, .k_col0 = C, .qk_dirs = dirs, .qk_dir = columns, .v_col0 = 2 * C,
                                 .v_dir = columns, .eps = EPS };
    return nn_delta_build(g, d, expand_of(d), &in, d->options->number[OPTION_CHUNK], y, p + DELTA, taps);
}

static const nn_mixer_option options[] = {
    [NN_DIRECTION] = NN_OPTION_DIRECTION, [OPTION_CHUNK] = NN_OPTION_CHUNK_64,
    [OPTION_EXPAND_V] = NN_OPTION_EXPAND_V, { NULL, NULL, { NULL } },
};

const nn_mixer nn_mixer_gated_delta = {
    .name = "gated_delta", .about = "gated DeltaNet: a delta rule with decay, linear in tokens",
    .options = options, .params = params, .check = check, .carries = carries, .build = build,
};
