// mingru.c — the minimal gated recurrent unit (Feng et al. 2024) in one or two directions: gates and candidates from
// the token alone, so the recurrence is linear. Starts with attention's values as candidates.
#include "nn/mixers/streams.h"
#include "shaders/linear/linear.h"
#include "shaders/scan/recurrent/mingru.h"

enum { PROJ_W, PROJ_B, MERGE };

// Rows of a direction: C gates, then C candidates.
static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    const uint32_t C = d->dim, dirs = nn_stream_dirs(d);
    out[PROJ_W] = (nn_mixer_param) { .name = "in_proj.weight", .shape = { 2, { dirs * 2 * C, C } }, .decay = true,
                                     .init = NN_INIT_UNIFORM, .from = "qkv.weight" };
    out[PROJ_B] = (nn_mixer_param) { .name = "in_proj.bias", .shape = { 2, { dirs * 2, C } },
                                     .init = NN_INIT_CHRONO_GRU };
    for (uint32_t i = 0; i < dirs; i++)
        out[PROJ_W].copy[i] = (nn_row_copy) { .to = i * 2 * C + C, .from = 2 * C, .n = C };
    out[MERGE] = nn_merge_param(d, d->dim / d->heads);
    return 3;
}

static uint32_t carries(const nn_mixer_dims *d, uint32_t images, nn_shape out[NN_MAX_CARRY])
{
    if (nn_stream_dirs(d) != 1)
        return 0;
    out[0] = (nn_shape) { 2, { images, d->dim } };
    return 1;
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    nn_tensor *x = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[PROJ_W], p[PROJ_B]);
    struct mingru_attr a = {
        .heads = d->heads, .dirs = nn_stream_dirs(d), .dim = d->dim / d->heads, .carry = taps->carry,
    };
    nn_tensor *h = NN_APPLY(g, mingru, &a, NULL, x, taps->start[0]);
    taps->last[0] = taps->carry ? nn_output(h, 1) : NULL;
    return nn_merge(g, d, h, p[MERGE], NULL);
}

static const nn_mixer_option options[] = { [NN_DIRECTION] = NN_OPTION_DIRECTION, { NULL, NULL, { NULL } } };

const nn_mixer nn_mixer_mingru = {
    .name = "mingru", .about = "minimal gated recurrent unit, linear in tokens",
    .options = options, .params = params, .carries = carries, .build = build,
};
