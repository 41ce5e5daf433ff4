// gated_delta.c — gated DeltaNet (Yang et al. 2025) in one or two directions: each token first takes out of the state
// what its key reads, then writes. Short convolution of q, k, v; q and k of length 1; norm a stream, then an output
// gate. Starts with attention's q, k, v.
#include "nn/mixers/streams.h"
#include "shaders/conv/conv1d.h"
#include "shaders/scan/gated/decay.h"
#include "shaders/scan/delta/delta_scan.h"
#include "shaders/norm/gated_norm.h"
#include "shaders/linear/linear.h"

#include <math.h>

enum { OPTION_CHUNK = NN_DIRECTION + 1 };

#define TAPS 4
#define EPS_LENGTH 1e-6f            // of the norms of q and k

enum { QKV_W, QKV_B, CONV_W, BETA, DT, DT_BIAS, A_LOG, OUT_GATE, NORM, MERGE, N_PARAMS };

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    const uint32_t C = d->dim, S = nn_streams(d), dirs = nn_stream_dirs(d);
    nn_mixer_qkv(d, out);
    out[CONV_W] = (nn_mixer_param) { .name = "conv.weight", .shape = { 2, { dirs * 3 * C, TAPS } },
                                     .init = NN_INIT_CONV };
    out[BETA] = (nn_mixer_param) { .name = "beta.weight", .shape = { 2, { S, C } }, .decay = true,
                                   .init = NN_INIT_UNIFORM };
    out[DT] = (nn_mixer_param) { .name = "dt.weight", .shape = { 2, { S, C } }, .decay = true,
                                 .init = NN_INIT_UNIFORM };
    out[DT_BIAS] = (nn_mixer_param) { .name = "dt_bias", .shape = { 1, { S } }, .init = NN_INIT_DT_BIAS };
    out[A_LOG] = (nn_mixer_param) { .name = "A_log", .shape = { 1, { S } }, .init = NN_INIT_A_LOG };
    out[OUT_GATE] = nn_out_gate_param(d);
    out[NORM] = (nn_mixer_param) { .name = "norm.weight", .shape = { 1, { dirs * C } }, .init = NN_INIT_ONE };
    out[MERGE] = nn_merge_param(d, d->dim / d->heads);
    return N_PARAMS;
}

static uint32_t carries(const nn_mixer_dims *d, uint32_t images, nn_shape out[NN_MAX_CARRY])
{
    const uint32_t D = d->dim / d->heads;
    if (nn_stream_dirs(d) != 1)
        return 0;
    out[0] = (nn_shape) { 3, { images, 3 * d->dim, TAPS - 1 } };
    out[1] = (nn_shape) { 3, { images * d->heads, D, D } };
    return 2;
}

// The columns from col0 of every stream, made vectors of length 1: (R, H dirs D).
static nn_tensor *unit(nn_graph *g, const nn_mixer_dims *d, nn_tensor *qkv, uint32_t col0)
{
    const uint32_t D = d->dim / d->heads;
    struct gated_norm_attr a = {
        .heads = d->heads, .dirs = nn_stream_dirs(d), .dim = D, .x_col0 = col0, .x_head = D,
        .x_dir = 3 * d->dim, .eps = EPS_LENGTH, .scale = 1.0f / sqrtf((float) D),
    };
    return NN_APPLY(g, gated_norm, &a, NULL, qkv, NULL, NULL);
}

static vkc_status check(const nn_mixer_dims *d, const vkc_device_info *dev)
{
    (void) dev;
    return nn_mixer_check_width(d, DELTA_SCAN_MAX_DIM);
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    const uint32_t C = d->dim, H = d->heads, D = C / H, dirs = nn_stream_dirs(d);
    const struct linear_attr plain = { 0 };
    taps->qkv = NN_APPLY(g, linear, &plain, NULL, y, p[QKV_W], p[QKV_B]);
    struct conv1d_attr conv = { .dirs = dirs, .cols = 3 * C, .silu = 1, .carry = taps->carry };
    nn_tensor *qkv = NN_APPLY(g, conv1d, &conv, NULL, taps->qkv, p[CONV_W], NULL, taps->start[0]);
    nn_tensor *beta = NN_APPLY(g, linear, &plain, NULL, y, p[BETA], NULL);
    struct decay_attr gate = { .kind = DECAY_SIGMOID, .heads = H, .dirs = dirs, .width = 1, .head = dirs,
                               .dir_stride = 1 };
    beta = NN_APPLY(g, decay, &gate, NULL, beta, NULL, NULL);
    nn_tensor *dt = NN_APPLY(g, linear, &plain, NULL, y, p[DT], NULL);
    gate.kind = DECAY_STEP;
    dt = nn_count_gaps(g, d, NN_APPLY(g, decay, &gate, NULL, dt, p[DT_BIAS], p[A_LOG]), 1);
    struct delta_scan_attr scan = {
        .heads = H, .dirs = dirs, .dk = D, .dv = D,
        .q_head = dirs * D, .q_dir = D, .k_head = dirs * D, .k_dir = D,
        .v_col0 = 2 * C, .v_head = D, .v_dir = 3 * C,
        .g_head = dirs, .g_dir = 1, .beta_head = dirs, .beta_dir = 1,
        .scale = 1.0f / sqrtf((float) D), .chunk = d->options->number[OPTION_CHUNK], .carry = taps->carry,
    };
    nn_tensor *q = unit(g, d, qkv, 0), *k = unit(g, d, qkv, C);
    nn_tensor *o = NN_APPLY(g, delta_scan, &scan, NULL, q, k, qkv, dt, beta, taps->start[1]);
    if (taps->carry) {
        taps->last[0] = nn_output(qkv, 1);
        taps->last[1] = nn_output(o, 1);
    }
    o = nn_norm_and_gate(g, d, o, p[NORM], y, p[OUT_GATE]);
    return nn_merge(g, d, o, p[MERGE], NULL);
}

static const nn_mixer_option options[] = {
    [NN_DIRECTION] = NN_OPTION_DIRECTION, [OPTION_CHUNK] = NN_OPTION_CHUNK_64, { NULL, NULL, { NULL } },
};

const nn_mixer nn_mixer_gated_delta = {
    .name = "gated_delta", .about = "gated DeltaNet: a delta rule with decay, linear in tokens",
    .options = options, .params = params, .check = check, .carries = carries, .build = build,
};
