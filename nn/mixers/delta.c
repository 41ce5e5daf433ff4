// delta.c — the gated delta rule of a mixer: write strengths and decays a stream, q and k of length 1, the scan, norm a
// stream, then an output gate.
#include "nn/mixers/delta.h"
#include "shaders/linear/linear.h"
#include "shaders/norm/gated_norm.h"
#include "shaders/scan/delta/delta_scan.h"
#include "shaders/scan/gated/decay.h"

#include <math.h>

void nn_delta_params(const nn_mixer_dims *d, uint32_t E, nn_mixer_param *out)
{
    const uint32_t C = d->dim, S = nn_streams(d), dirs = nn_stream_dirs(d);
    out[NN_DELTA_BETA] = (nn_mixer_param) { .name = "beta.weight", .shape = { 2, { S, C } }, .decay = true,
                                            .init = NN_INIT_UNIFORM };
    out[NN_DELTA_DT] = (nn_mixer_param) { .name = "dt.weight", .shape = { 2, { S, C } }, .decay = true,
                                          .init = NN_INIT_UNIFORM };
    out[NN_DELTA_DT_BIAS] = (nn_mixer_param) { .name = "dt_bias", .shape = { 1, { S } }, .init = NN_INIT_DT_BIAS };
    out[NN_DELTA_A_LOG] = (nn_mixer_param) { .name = "A_log", .shape = { 1, { S } }, .init = NN_INIT_A_LOG };
    out[NN_DELTA_OUT_GATE] = nn_out_gate_param(d, E);
    out[NN_DELTA_NORM] = (nn_mixer_param) { .name = "norm.weight", .shape = { 1, { dirs * E * C } },
                                            .init = NN_INIT_ONE };
    out[NN_DELTA_MERGE] = nn_expanded_merge_param(d, E);
}

nn_shape nn_delta_state(const nn_mixer_dims *d, uint32_t E, uint32_t images)
{
    const uint32_t D = d->dim / d->heads;
    return (nn_shape) { 3, { images * d->heads, D, E * D } };
}

vkc_status nn_delta_check(const nn_mixer_dims *d, uint32_t E)
{
    return nn_check_state(d, E, DELTA_SCAN_MAX_DIM);
}

// The columns from col0 of every stream, made vectors of length 1: (R, H qk_dirs D).
static nn_tensor *unit(nn_graph *g, const nn_mixer_dims *d, const nn_delta_inputs *in, uint32_t col0)
{
    const uint32_t D = d->dim / d->heads;
    struct gated_norm_attr a = {
        .heads = d->heads, .dirs = in->qk_dirs, .dim = D, .x_col0 = col0, .x_head = D, .x_dir = in->qk_dir,
        .eps = in->eps, .scale = 1.0f / sqrtf((float) D),
    };
    return NN_APPLY(g, gated_norm, &a, NULL, in->qk, NULL, NULL);
}

nn_tensor *nn_delta_build(nn_graph *g, const nn_mixer_dims *d, uint32_t E, const nn_delta_inputs *in, uint32_t chunk,
                          nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    const uint32_t H = d->heads, D = d->dim / H, dirs = nn_stream_dirs(d);
    const uint32_t unit_head = in->qk_dirs * D, unit_dir = in->qk_dirs > 1 ? D : 0;
    const struct linear_attr plain = { 0 };
    nn_tensor *beta = NN_APPLY(g, linear, &plain, NULL, y, p[NN_DELTA_BETA], NULL);
    struct decay_attr gate = { .kind = DECAY_SIGMOID, .heads = H, .dirs = dirs, .width = 1, .head = dirs,
                               .dir_stride = 1 };
    beta = NN_APPLY(g, decay, &gate, NULL, beta, NULL, NULL);
    nn_tensor *dt = NN_APPLY(g, linear, &plain, NULL, y, p[NN_DELTA_DT], NULL);
    gate.kind = DECAY_STEP;
    dt = nn_count_gaps(g, d, NN_APPLY(g, decay, &gate, NULL, dt, p[NN_DELTA_DT_BIAS], p[NN_DELTA_A_LOG]), 1);
    struct delta_scan_attr scan = {
        .heads = H, .dirs = dirs, .dk = D, .dv = E * D,
        .q_head = unit_head, .q_dir = unit_dir, .k_head = unit_head, .k_dir = unit_dir,
        .v_col0 = in->v_col0, .v_head = E * D, .v_dir = in->v_dir,
        .g_head = dirs, .g_dir = 1, .beta_head = dirs, .beta_dir = 1,
        .scale = 1.0f / sqrtf((float) D), .chunk = chunk, .carry = taps->carry,
    };
    nn_tensor *q = unit(g, d, in, in->q_col0), *k = unit(g, d, in, in->k_col0);
    nn_tensor *o = NN_APPLY(g, delta_scan, &scan, NULL, q, k, in->v, dt, beta, taps->start[1]);
    taps->last[1] = taps->carry ? nn_output(o, 1) : NULL;
    o = nn_norm_and_gate(g, d, E, o, p[NN_DELTA_NORM], y, p[NN_DELTA_OUT_GATE]);
    return nn_merge(g, d, o, p[NN_DELTA_MERGE], NULL);
}
