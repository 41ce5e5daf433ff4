// ssd.c — Mamba-2 (Dao & Gu 2024) in one or two directions: a decay a head, a short convolution, a direct path, and
// a gate before the norm. Two mixers with weights of their own, merged head by head. Starts with attention's values
// as inputs, its keys as B and its queries as C, as many as fit.
#include "nn/mixers/streams.h"
#include "shaders/conv/conv1d.h"
#include "shaders/scan/gated/decay.h"
#include "shaders/norm/gated_norm.h"
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/linear/linear.h"
#include "shaders/scan/gated/skip.h"

enum { OPTION_STATE = NN_DIRECTION + 1, OPTION_CHUNK };

#define TAPS 4
#define EPS 1e-5f

enum { IN_PROJ, CONV_W, CONV_B, DT, DT_BIAS, A_LOG, SKIP_D, NORM, MERGE, N_PARAMS };

// Columns of a direction's projection and of its convolution. The time steps have a projection of their own: with
// their H columns among the others, rows would no longer come in fours.
typedef struct columns {
    uint32_t N;                     // state
    uint32_t z, x, b, c, all;       // where each part begins; x, B, C go through the convolution
    uint32_t conv;                  // C + 2 N
} columns;

static columns columns_of(const nn_mixer_dims *d)
{
    const uint32_t C = d->dim, N = d->options->number[OPTION_STATE];
    return (columns) { N, 0, C, 2 * C, 2 * C + N, 2 * C + 2 * N, C + 2 * N };
}

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    const columns at = columns_of(d);
    const uint32_t C = d->dim, S = nn_streams(d), dirs = nn_stream_dirs(d), fit = at.N < C ? at.N : C;
    out[IN_PROJ] = (nn_mixer_param) { .name = "in_proj.weight", .shape = { 2, { dirs * at.all, C } }, .decay = true,
                                      .init = NN_INIT_UNIFORM, .from = "qkv.weight" };
    for (uint32_t i = 0; i < dirs; i++) {
        nn_row_copy *copy = out[IN_PROJ].copy + 3 * i;
        copy[0] = (nn_row_copy) { .to = i * at.all + at.x, .from = 2 * C, .n = C };
        copy[1] = (nn_row_copy) { .to = i * at.all + at.b, .from = C, .n = fit };
        copy[2] = (nn_row_copy) { .to = i * at.all + at.c, .from = 0, .n = fit };
    }
    out[CONV_W] = (nn_mixer_param) { .name = "conv.weight", .shape = { 2, { dirs * at.conv, TAPS } },
                                     .init = NN_INIT_CONV };
    out[CONV_B] = (nn_mixer_param) { .name = "conv.bias", .shape = { 1, { dirs * at.conv } } };
    out[DT] = (nn_mixer_param) { .name = "dt.weight", .shape = { 2, { S, C } }, .decay = true,
                                 .init = NN_INIT_UNIFORM };
    out[DT_BIAS] = (nn_mixer_param) { .name = "dt_bias", .shape = { 1, { S } }, .init = NN_INIT_DT_BIAS };
    out[A_LOG] = (nn_mixer_param) { .name = "A_log", .shape = { 1, { S } }, .init = NN_INIT_A_LOG };
    out[SKIP_D] = (nn_mixer_param) { .name = "D", .shape = { 1, { S } }, .init = NN_INIT_ONE };
    out[NORM] = (nn_mixer_param) { .name = "norm.weight", .shape = { 1, { dirs * C } }, .init = NN_INIT_ONE };
    out[MERGE] = nn_merge_param(d, d->dim / d->heads);
    return N_PARAMS;
}

static uint32_t carries(const nn_mixer_dims *d, uint32_t images, nn_shape out[NN_MAX_CARRY])
{
    const columns at = columns_of(d);
    if (nn_stream_dirs(d) != 1)
        return 0;
    out[0] = (nn_shape) { 3, { images, at.conv, TAPS - 1 } };
    out[1] = (nn_shape) { 3, { images * d->heads, at.N, d->dim / d->heads } };
    return 2;
}

static vkc_status check(const nn_mixer_dims *d, const vkc_device_info *dev)
{
    (void) dev;
    return nn_mixer_check_width(d, GATED_SCAN_MAX_DIM);
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    const columns at = columns_of(d);
    const uint32_t H = d->heads, D = d->dim / H, S = nn_streams(d), dirs = nn_stream_dirs(d);
    nn_tensor *all = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[IN_PROJ], NULL);
    struct conv1d_attr conv = {
        .dirs = dirs, .cols = at.conv, .col0 = at.x, .dir_stride = at.all, .silu = 1, .carry = taps->carry,
    };
    nn_tensor *xbc = NN_APPLY(g, conv1d, &conv, NULL, all, p[CONV_W], p[CONV_B], taps->start[0]);
    struct decay_attr step = {
        .kind = DECAY_STEP, .heads = H, .dirs = dirs, .width = 1, .head = dirs, .dir_stride = 1,
    };
    nn_tensor *dt = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[DT], NULL);
    dt = NN_APPLY(g, decay, &step, NULL, dt, p[DT_BIAS], p[A_LOG]);
    struct gated_scan_attr scan = {
        .heads = H, .dirs = dirs, .dk = at.N, .dv = D,
        .v_head = D, .v_dir = at.conv,
        .k_col0 = at.b - at.x, .k_dir = at.conv,            // B and C are the same for all heads
        .q_col0 = at.c - at.x, .q_dir = at.conv,
        .g_head = dirs, .g_dir = 1,
        .step_col0 = S, .step_head = dirs, .step_dir = 1,
        .chunk = d->options->number[OPTION_CHUNK], .carry = taps->carry,
    };
    nn_tensor *o = NN_APPLY(g, gated_scan, &scan, NULL, xbc, xbc, xbc, nn_count_gaps(g, d, dt, 1), dt,
                            taps->start[1]);
    if (taps->carry) {
        taps->last[0] = nn_output(xbc, 1);
        taps->last[1] = nn_output(o, 1);
    }
    struct skip_attr skip = { .heads = H, .dirs = dirs, .dim = D, .x_head = D, .x_dir = at.conv };
    o = NN_APPLY(g, skip, &skip, NULL, o, xbc, p[SKIP_D]);
    struct gated_norm_attr norm = {
        .heads = H, .dirs = dirs, .dim = D, .x_head = dirs * D, .x_dir = D,
        .z_col0 = at.z, .z_head = D, .z_dir = at.all, .whole = 1, .gate_first = 1, .eps = EPS,
    };
    o = NN_APPLY(g, gated_norm, &norm, NULL, o, all, p[NORM]);
    return nn_merge(g, d, o, p[MERGE], NULL);
}

static const nn_mixer_option options[] = {
    [NN_DIRECTION] = NN_OPTION_DIRECTION, [OPTION_STATE] = NN_OPTION_STATE, [OPTION_CHUNK] = NN_OPTION_CHUNK,
    { NULL, NULL, { NULL } },
};

const nn_mixer nn_mixer_ssd = {
    .name = "ssd", .about = "Mamba-2: state space duality, a decay a head, linear in tokens",
    .options = options, .params = params, .check = check, .carries = carries, .build = build,
};
