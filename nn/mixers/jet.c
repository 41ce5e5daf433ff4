// jet.c — JetBlock (Gu et al. 2025) in one or two directions: the recurrence of gated_delta, without a convolution of q
// and k, and with one of v whose filters a small network makes from each token. Starts with attention's q, k, v, and
// with filters that are the same for all tokens.
#include "nn/mixers/delta.h"
#include "shaders/conv/dynamic_conv.h"
#include "shaders/linear/linear.h"

enum { OPTION_CHUNK = NN_DIRECTION + 1, OPTION_EXPAND_V };

#define TAPS 4
#define EPS 1e-6f                   // of the squared lengths of q and k
#define REDUCTION 8                 // channels of v in those of the hidden layer that filters are made from

enum { QK_W, QK_B, V_W, V_B, DOWN, UP_W, UP_B, DELTA, N_PARAMS = DELTA + NN_N_DELTA_PARAMS };

static uint32_t expand_of(const nn_mixer_dims *d)
{
    return d->options->number[OPTION_EXPAND_V];
}

// The projection of q and k, and that of v; weight or bias of each.
static void add_projections(const nn_mixer_dims *d, nn_mixer_param *out)
{
    const uint32_t C = d->dim, E = expand_of(d);
    nn_mixer_qkv(d, out);
    out[V_W] = out[0];
    out[V_B] = out[1];
    out[V_W].name = "v.weight";
    out[V_B].name = "v.bias";
    out[QK_W].name = "qk.weight";
    out[QK_B].name = "qk.bias";
    for (uint32_t i = QK_W; i <= QK_B; i++) {
        out[i].shape.dim[0] = 2 * C;
        out[i].copy[0] = (nn_row_copy) { .to = 0, .from = 0, .n = 2 * C };
    }
    for (uint32_t i = V_W; i <= V_B; i++) {
        out[i].shape.dim[0] = E * C;
        nn_copy_values(d, E, 0, out[i].copy);
    }
}

// Filters are up(silu(down(y))) + bias. With `up` at 0 they start as the bias, a convolution like any other; were
// `down` 0 as well, neither would have a gradient.
static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    const uint32_t C = d->dim, V = expand_of(d) * C, hidden = (V - 1) / REDUCTION + 1, dirs = nn_stream_dirs(d);
    add_projections(d, out);
    out[DOWN] = (nn_mixer_param) { .name = "kernel.down.weight", .shape = { 2, { dirs * hidden, C } }, .decay = true,
                                   .init = NN_INIT_UNIFORM };
    out[UP_W] = (nn_mixer_param) { .name = "kernel.up.weight", .shape = { 3, { dirs, V * TAPS, hidden } },
                                   .decay = true };
    out[UP_B] = (nn_mixer_param) { .name = "kernel.up.bias", .shape = { 2, { dirs * V, TAPS } },
                                   .init = NN_INIT_CONV };
    nn_delta_params(d, expand_of(d), out + DELTA);
    return N_PARAMS;
}

static uint32_t carries(const nn_mixer_dims *d, uint32_t images, nn_shape out[NN_MAX_CARRY])
{
    if (nn_stream_dirs(d) != 1)
        return 0;
    out[0] = (nn_shape) { 3, { images, expand_of(d) * d->dim, TAPS - 1 } };
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
    const uint32_t C = d->dim, V = expand_of(d) * C, dirs = nn_stream_dirs(d);
    const struct linear_attr silu = { .act = LINEAR_ACT_SILU };
    nn_tensor *qk = NN_APPLY(g, linear, &silu, NULL, y, p[QK_W], p[QK_B]);
    nn_tensor *v = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[V_W], p[V_B]);
    nn_tensor *hidden = NN_APPLY(g, linear, &silu, NULL, y, p[DOWN], NULL);
    nn_tensor *filters = NN_APPLY(g, linear, &(struct linear_attr) { .groups = dirs }, NULL, hidden, p[UP_W], p[UP_B]);
    struct dynamic_conv_attr conv = { .dirs = dirs, .cols = V, .silu = 1, .carry = taps->carry };
    v = NN_APPLY(g, dynamic_conv, &conv, NULL, v, filters, taps->start[0]);
    taps->last[0] = taps->carry ? nn_output(v, 1) : NULL;
    const nn_delta_inputs in = { .qk = qk, .v = v, .k_col0 = C, .qk_dirs = 1, .v_dir = V,
                                 .eps = EPS / (float) (C / d->heads) };
    return nn_delta_build(g, d, expand_of(d), &in, d->options->number[OPTION_CHUNK], y, p + DELTA, taps);
}

static const nn_mixer_option options[] = {
    [NN_DIRECTION] = NN_OPTION_DIRECTION, [OPTION_CHUNK] = NN_OPTION_CHUNK_64,
    [OPTION_EXPAND_V] = NN_OPTION_EXPAND_V, { NULL, NULL, { NULL } },
};

const nn_mixer nn_mixer_jet = {
    .name = "jet", .about = "JetBlock: gated DeltaNet with a convolution of v that each token makes, linear in tokens",
    .options = options, .params = params, .check = check, .carries = carries, .build = build,
};
