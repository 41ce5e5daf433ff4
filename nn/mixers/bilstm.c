// bilstm.c — a long short-term memory a head, in one or two directions; heads share nothing after pre_proj, which is
// the same as one wide LSTM with block-diagonal weights at 1 / H of the work. Starts with attention's values as input.
#include "nn/streams.h"
#include "shaders/linear.h"
#include "shaders/lstm.h"

enum { PRE_W, PRE_B, X_W, X_B, H_W, MERGE_W, MERGE_B, N_PARAMS };

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    const uint32_t C = d->dim, H = d->heads, D = C / H, dirs = nn_mixer_dirs(d->layer);
    const nn_row_copy values = { .to = 0, .from = 2 * C, .n = C };
    out[PRE_W] = (nn_mixer_param) { .name = "pre_proj.weight", .shape = { 2, { C, C } }, .decay = true,
                                    .init = NN_INIT_NORMAL, .from = "qkv.weight", .copy = { values } };
    out[PRE_B] = (nn_mixer_param) { .name = "pre_proj.bias", .shape = { 1, { C } }, .from = "qkv.bias",
                                    .copy = { values } };
    out[X_W] = (nn_mixer_param) { .name = "x.weight", .shape = { 3, { H, dirs * 4 * D, D } }, .decay = true,
                                  .init = NN_INIT_UNIFORM };
    out[X_B] = (nn_mixer_param) { .name = "x.bias", .shape = { 2, { H * dirs * 4, D } }, .init = NN_INIT_CHRONO_LSTM };
    out[H_W] = (nn_mixer_param) { .name = "h.weight", .shape = { 3, { H * dirs, 4 * D, D } }, .decay = true,
                                  .init = NN_INIT_UNIFORM };
    out[MERGE_W] = nn_merge_param(d);
    out[MERGE_B] = (nn_mixer_param) { .name = "merge.bias", .shape = { 1, { C } } };
    return N_PARAMS;
}

static uint32_t carries(const nn_mixer_dims *d, uint32_t images, nn_shape out[NN_MAX_CARRY])
{
    if (nn_mixer_dirs(d->layer) != 1)
        return 0;
    out[0] = (nn_shape) { 3, { images, d->heads, 2 * d->dim / d->heads } };    // h, then c, of each head
    return 1;
}

static vkc_status check(const nn_mixer_dims *d, const vkc_device_info *dev)
{
    (void) dev;
    return nn_mixer_check_width(d, LSTM_MAX_DIM);
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    nn_tensor *x = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[PRE_W], p[PRE_B]);
    x = NN_APPLY(g, linear, &(struct linear_attr) { .groups = d->heads }, NULL, x, p[X_W], p[X_B]);
    struct lstm_attr a = {
        .heads = d->heads, .dirs = nn_mixer_dirs(d->layer), .dim = d->dim / d->heads, .carry = taps->carry,
    };
    nn_tensor *h = NN_APPLY(g, lstm, &a, NULL, x, p[H_W], taps->start[0]);
    taps->last[0] = taps->carry ? nn_output(h, 2) : NULL;
    return nn_merge(g, d, h, p[MERGE_W], p[MERGE_B]);
}

static const nn_mixer_option options[] = { NN_OPTION_DIRECTION, { NULL, NULL, { NULL } } };

const nn_mixer nn_mixer_bilstm = {
    .name = "bilstm", .about = "bidirectional LSTM with separate heads, linear in tokens",
    .options = options, .params = params, .check = check, .carries = carries, .build = build,
};
