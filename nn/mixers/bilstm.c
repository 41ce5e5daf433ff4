// bilstm.c — a long short-term memory a head, in one or two directions; heads share nothing after pre_proj, which is
// the same as one wide LSTM with block-diagonal weights at 1 / H of the work. Starts with attention's values as input.
// A stream has as many hidden units as a head has channels, or fewer after pruning.
#include "nn/mixers/streams.h"
#include "shaders/linear/linear.h"
#include "shaders/scan/recurrent/lstm.h"

#include <math.h>
#include <string.h>

enum { OPTION_HIDDEN = NN_DIRECTION + 1 };
enum { PRE_W, PRE_B, X_W, X_B, H_W, MERGE_W, MERGE_B, N_PARAMS };
#define GATES 4u                    // i, f, g, o

static uint32_t count_units(const nn_mixer_dims *d)
{
    const uint32_t n = d->options->number[OPTION_HIDDEN];
    return n ? n : d->dim / d->heads;
}

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    const uint32_t C = d->dim, H = d->heads, D = C / H, U = count_units(d), dirs = nn_stream_dirs(d);
    const nn_row_copy values = { .to = 0, .from = 2 * C, .n = C };
    out[PRE_W] = (nn_mixer_param) { .name = "pre_proj.weight", .shape = { 2, { C, C } }, .decay = true,
                                    .init = NN_INIT_NORMAL, .from = "qkv.weight", .copy = { values } };
    out[PRE_B] = (nn_mixer_param) { .name = "pre_proj.bias", .shape = { 1, { C } }, .from = "qkv.bias",
                                    .copy = { values } };
    out[X_W] = (nn_mixer_param) { .name = "x.weight", .shape = { 3, { H, dirs * GATES * U, D } }, .decay = true,
                                  .init = NN_INIT_UNIFORM };
    out[X_B] = (nn_mixer_param) { .name = "x.bias", .shape = { 2, { H * dirs * GATES, U } },
                                  .init = NN_INIT_CHRONO_LSTM };
    out[H_W] = (nn_mixer_param) { .name = "h.weight", .shape = { 3, { H * dirs, GATES * U, U } }, .decay = true,
                                  .init = NN_INIT_UNIFORM };
    out[MERGE_W] = nn_merge_param(d, U);
    out[MERGE_B] = (nn_mixer_param) { .name = "merge.bias", .shape = { 1, { C } } };
    return N_PARAMS;
}

static uint32_t carries(const nn_mixer_dims *d, uint32_t images, nn_shape out[NN_MAX_CARRY])
{
    if (nn_stream_dirs(d) != 1)
        return 0;
    out[0] = (nn_shape) { 3, { images, d->heads, 2 * count_units(d) } };    // h, then c, of each head
    return 1;
}

static vkc_status check(const nn_mixer_dims *d, const vkc_device_info *dev)
{
    (void) dev;
    if (count_units(d) > LSTM_MAX_DIM && d->options->number[OPTION_HIDDEN])
        return VKC_FAIL(VKC_E_ARG, "mixer bilstm: %u hidden units a head, it can do at most %d", count_units(d),
                        LSTM_MAX_DIM);
    return nn_mixer_check_width(d, LSTM_MAX_DIM);
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    nn_tensor *x = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, y, p[PRE_W], p[PRE_B]);
    x = NN_APPLY(g, linear, &(struct linear_attr) { .groups = d->heads }, NULL, x, p[X_W], p[X_B]);
    struct lstm_attr a = {
        .heads = d->heads, .dirs = nn_stream_dirs(d), .dim = count_units(d), .carry = taps->carry,
    };
    nn_tensor *h = NN_APPLY(g, lstm, &a, NULL, x, p[H_W], taps->start[0]);
    taps->last[0] = taps->carry ? nn_output(h, 2) : NULL;
    taps->unit_x = p[X_W];
    taps->unit_h = p[H_W];
    return nn_merge(g, d, h, p[MERGE_W], p[MERGE_B]);
}

static double sum_squares(const float *x, uint32_t n, uint32_t stride)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += (double) x[(size_t) i * stride] * (double) x[(size_t) i * stride];
    return sum;
}

static void get_norms(const nn_mixer_dims *d, const float *const *p, double *norm)
{
    const uint32_t U = count_units(d), D = d->dim / d->heads, S = nn_streams(d);
    for (uint32_t s = 0; s < S; s++) {
        const float *x = p[X_W] + (size_t) s * GATES * U * D, *h = p[H_W] + (size_t) s * GATES * U * U;
        for (uint32_t r = 0; r < U; r++) {
            double sum = sum_squares(h + r, GATES * U, U);
            for (uint32_t row = r; row < GATES * U; row += U)
                sum += sum_squares(x + (size_t) row * D, D, 1) + sum_squares(h + (size_t) row * U, U, 1);
            norm[s * U + r] = sqrt(sum);
        }
    }
}

static void cut(const nn_mixer_dims *from, const nn_mixer_dims *to, const uint32_t *kept, const float *const *p,
                float *const *out)
{
    const uint32_t U = count_units(from), N = count_units(to), C = to->dim, D = C / to->heads, S = nn_streams(to);
    const uint32_t dirs = nn_stream_dirs(to);
    memcpy(out[PRE_W], p[PRE_W], (size_t) C * C * sizeof(float));
    memcpy(out[PRE_B], p[PRE_B], C * sizeof(float));
    memcpy(out[MERGE_B], p[MERGE_B], C * sizeof(float));
    for (uint32_t s = 0; s < S; s++) {
        const uint32_t *unit = kept + (size_t) s * N, head = s / dirs, dir = s % dirs;
        for (uint32_t k = 0; k < GATES * N; k++) {
            const size_t old = ((size_t) s * GATES + k / N) * U + unit[k % N], new = (size_t) s * GATES * N + k;
            memcpy(out[X_W] + new * D, p[X_W] + old * D, D * sizeof(float));
            out[X_B][new] = p[X_B][old];
            for (uint32_t i = 0; i < N; i++)
                out[H_W][new * N + i] = p[H_W][old * U + unit[i]];
        }
        for (uint32_t row = head * D; row < (head + 1) * D; row++)
            for (uint32_t i = 0; i < N; i++)
                out[MERGE_W][((size_t) row * dirs + dir) * N + i] =
                    p[MERGE_W][((size_t) row * dirs + dir) * U + unit[i]];
    }
}

static const nn_mixer_units units = { .key = "hidden", .count = count_units, .norms = get_norms, .cut = cut };

static const nn_mixer_option options[] = {
    [NN_DIRECTION] = NN_OPTION_DIRECTION,
    [OPTION_HIDDEN] = { "hidden", "units a head and direction; auto: the channels of a head",
                        { "auto", NN_ANY_NUMBER, NULL } },
    { NULL, NULL, { NULL } }
};

const nn_mixer nn_mixer_bilstm = {
    .name = "bilstm", .about = "bidirectional LSTM with separate heads, linear in tokens",
    .options = options, .params = params, .check = check, .carries = carries, .build = build, .units = &units,
};
