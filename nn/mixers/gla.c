// gla.c — gated linear attention (Yang et al. 2024) in one or two directions: a decay a channel of the keys from a
// low-rank gate, norm a stream, then an output gate. Starts with attention's q, k, v; both directions share them.
#include "nn/mixers/streams.h"
#include "shaders/scan/gated/decay.h"
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/linear/linear.h"

#include <math.h>

enum { OPTION_CHUNK = NN_DIRECTION + 1, OPTION_EXPAND_V };

#define RANK 16
#define GATE_SCALE (1.0f / 16.0f)   // of log sigmoid: decays start near 1

enum { QKV_W, QKV_B, DOWN, UP_W, UP_B, OUT_GATE, NORM, MERGE, N_PARAMS };

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    const uint32_t C = d->dim, E = d->options->number[OPTION_EXPAND_V], all = nn_streams(d) * (C / d->heads);
    nn_expanded_qkv(d, E, out);
    out[QKV_B].init = E == 1 ? NN_INIT_ALIKE : NN_INIT_ALIKE_WIDE;
    out[DOWN] = (nn_mixer_param) { .name = "gate.down.weight", .shape = { 2, { RANK, C } }, .decay = true,
                                   .init = NN_INIT_UNIFORM };
    out[UP_W] = (nn_mixer_param) { .name = "gate.up.weight", .shape = { 2, { all, RANK } }, .decay = true,
                                   .init = NN_INIT_UNIFORM };
    out[UP_B] = (nn_mixer_param) { .name = "gate.up.bias", .shape = { 1, { all } } };
    out[OUT_GATE] = nn_out_gate_param(d, E);
    out[NORM] = (nn_mixer_param) { .name = "norm.weight", .shape = { 1, { E * all } }, .init = NN_INIT_ONE };
    out[MERGE] = nn_expanded_merge_param(d, E);
    return N_PARAMS;
}

static uint32_t carries(const nn_mixer_dims *d, uint32_t images, nn_shape out[NN_MAX_CARRY])
{
    const uint32_t D = d->dim / d->heads;
    if (nn_stream_dirs(d) != 1)
        return 0;
    out[0] = (nn_shape) { 3, { images * d->heads, D, d->options->number[OPTION_EXPAND_V] * D } };
    return 1;
}

static vkc_status check(const nn_mixer_dims *d, const vkc_device_info *dev)
{
    (void) dev;
    return nn_check_state(d, d->options->number[OPTION_EXPAND_V], GATED_SCAN_MAX_DIM);
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    const uint32_t C = d->dim, H = d->heads, D = C / H, dirs = nn_stream_dirs(d);
    const uint32_t E = d->options->number[OPTION_EXPAND_V];
    const struct linear_attr plain = { 0 };
    nn_tensor *qkv = NN_APPLY(g, linear, &plain, NULL, y, p[QKV_W], p[QKV_B]);
    nn_tensor *gate = NN_APPLY(g, linear, &plain, NULL, y, p[DOWN], NULL);
    gate = NN_APPLY(g, linear, &plain, NULL, gate, p[UP_W], p[UP_B]);
    struct decay_attr decay = {
        .kind = DECAY_LOGSIGMOID, .heads = H, .dirs = dirs, .width = D, .head = dirs * D, .dir_stride = D,
        .scale = GATE_SCALE,
    };
    gate = nn_count_gaps(g, d, NN_APPLY(g, decay, &decay, NULL, gate, NULL, NULL), D);
    struct gated_scan_attr scan = {
        .heads = H, .dirs = dirs, .dk = D, .dv = E * D, .channels = 1,
        .q_head = D, .k_col0 = C, .k_head = D, .v_col0 = 2 * C, .v_head = E * D,
        .g_head = dirs * D, .g_dir = D,
        .scale = 1.0f / sqrtf((float) D), .chunk = d->options->number[OPTION_CHUNK], .carry = taps->carry,
    };
    nn_tensor *o = NN_APPLY(g, gated_scan, &scan, NULL, qkv, qkv, qkv, gate, NULL, taps->start[0]);
    taps->qkv = qkv;
    taps->last[0] = taps->carry ? nn_output(o, 1) : NULL;
    o = nn_norm_and_gate(g, d, E, o, p[NORM], y, p[OUT_GATE]);
    return nn_merge(g, d, o, p[MERGE], NULL);
}

static const nn_mixer_option options[] = {
    [NN_DIRECTION] = NN_OPTION_DIRECTION, [OPTION_CHUNK] = NN_OPTION_CHUNK,
    [OPTION_EXPAND_V] = NN_OPTION_EXPAND_V, { NULL, NULL, { NULL } },
};

const nn_mixer nn_mixer_gla = {
    .name = "gla", .about = "gated linear attention, a decay a channel, linear in tokens",
    .options = options, .params = params, .check = check, .carries = carries, .build = build,
};
