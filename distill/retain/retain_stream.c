// retain_stream.c — the residual stream of a dense model read back, and the direction fitted to it.
#include "distill/retain/retain_stream.h"

#include "nn/infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_IMAGES 48u
#define MOST_FLOATS ((size_t) 1 << 25)  // of all blocks together
#define MOST_ROWS   16384u          // that a fit looks at
#define RIDGE       1e-2            // of the mean variance of a channel

static float *copy(const float *from, size_t n, vkc_status *st)
{
    float *to = (float *) malloc(n * sizeof *to);
    if (to)
        memcpy(to, from, n * sizeof *to);
    else
        *st = VKC_FAIL(VKC_E_NOMEM, "retention: out of host memory");
    return to;
}

vkc_status distill_stream_read(const nn_model *m, const distill_pictures *s, bool scores, distill_stream *out)
{
    nn_model dense = *m;
    nn_infer *inf = NULL;
    float *logits = NULL;
    vkc_status st;
    dense.cfg.retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
    *out = (distill_stream) { .depth = m->cfg.depth, .dim = m->cfg.dim, .tokens = nn_model_config_tokens(&m->cfg) };
    const size_t fit = MOST_FLOATS / ((size_t) out->depth * out->tokens * out->dim);
    out->n = s->n < MOST_IMAGES ? s->n : MOST_IMAGES;
    out->n = fit < 1 ? 1 : fit < out->n ? (uint32_t) fit : out->n;
    const size_t rows = (size_t) out->n * out->tokens;
    VKC_TRY(nn_infer_create_with(&dense, &(nn_infer_params) { .cap_images = out->n, .scores = scores,
                                                           .capture = { "blocks.*" } }, &inf));
    logits = (float *) malloc((size_t) out->n * m->cfg.classes * sizeof *logits);
    if (!logits)
        st = VKC_FAIL(VKC_E_NOMEM, "retention: out of host memory");
    if (st == VKC_OK)
        st = nn_infer_run(inf, s->pixels, out->n, logits);
    for (uint32_t l = 0; l < out->depth && st == VKC_OK; l++) {
        const float *score = nn_infer_scores(inf, l);
        out->x[l] = copy(nn_infer_captured(inf, "blocks.%u", l), rows * out->dim, &st);
        if (score)
            out->score[l] = copy(score, rows, &st);
    }
done:
    nn_infer_destroy(inf);
    free(logits);
    if (st != VKC_OK)
        distill_stream_finish(out);
    return st;
}

void distill_stream_finish(distill_stream *s)
{
    for (uint32_t l = 0; l < NN_MAX_DEPTH; l++) {
        free(s->x[l]);
        free(s->score[l]);
    }
    *s = (distill_stream) { .n = 0 };
}

static uint32_t count_judged(const distill_stream *s)
{
    return s->depth > 1 ? s->depth - 1 : 1;
}

double distill_stream_spread(const distill_stream *s)
{
    const uint32_t judged = count_judged(s), rows = s->n * s->tokens;
    const double m = (double) rows - s->n;          // patches
    double sum = 0;
    for (uint32_t l = 0; l < judged; l++) {
        double mean = 0, square = 0;
        for (uint32_t r = 0; r < rows; r++)
            mean += r % s->tokens ? (double) s->x[l][(size_t) r * s->dim] / m : 0;
        for (uint32_t r = 0; r < rows; r++) {
            const double x = (double) s->x[l][(size_t) r * s->dim] - mean;
            square += r % s->tokens ? x * x / m : 0;
        }
        sum += square;
    }
    return sqrt(sum / judged);
}

// -log of the mean class attention to row r after block l; false for the class token or without later attention.
static bool get_target(const distill_stream *s, uint32_t l, uint32_t r, double *out)
{
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t k = l + 1; k < s->depth; k++)
        if (s->score[k]) {
            sum += (double) s->score[k][r];
            n++;
        }
    *out = n ? -log(sum / n + 1e-6) : 0;
    return n && r % s->tokens;
}

// a x = b for a symmetric positive definite a (n, n), which is overwritten; x replaces b. Cholesky.
static void solve(double *a, double *b, uint32_t n)
{
    for (uint32_t j = 0; j < n; j++) {
        for (uint32_t i = j; i < n; i++) {
            double sum = a[(size_t) i * n + j];
            for (uint32_t k = 0; k < j; k++)
                sum -= a[(size_t) i * n + k] * a[(size_t) j * n + k];
            a[(size_t) i * n + j] = i == j ? sqrt(sum) : sum / a[(size_t) j * n + j];
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < i; k++)
            b[i] -= a[(size_t) i * n + k] * b[k];
        b[i] /= a[(size_t) i * n + i];
    }
    for (uint32_t i = n; i-- > 0;) {
        for (uint32_t k = i + 1; k < n; k++)
            b[i] -= a[(size_t) k * n + i] * b[k];
        b[i] /= a[(size_t) i * n + i];
    }
}

// Sums over every step-th row after block l: targets less their mean there, channels less `mean`.
static void add_block(const distill_stream *s, uint32_t l, uint32_t step, const double *mean, double *a, double *b)
{
    const uint32_t rows = s->n * s->tokens, n = s->dim;
    double t, middle = 0, count = 0, *x = (double *) malloc(n * sizeof *x);
    for (uint32_t r = 0; r < rows; r += step)
        if (get_target(s, l, r, &t)) {
            middle += t;
            count++;
        }
    for (uint32_t r = 0; r < rows && x && count > 0; r += step) {
        if (!get_target(s, l, r, &t))
            continue;
        for (uint32_t i = 0; i < n; i++)
            x[i] = (double) s->x[l][(size_t) r * n + i] - mean[i];
        for (uint32_t i = 0; i < n; i++) {
            b[i] += x[i] * (t - middle / count);
            for (uint32_t k = 0; k <= i; k++)
                a[(size_t) i * n + k] += x[i] * x[k];
        }
    }
    free(x);
}

// The next step that comes by all places of an image.
static uint32_t find_step(uint32_t step, uint32_t tokens)
{
    for (;; step++) {
        uint32_t a = step, b = tokens;
        while (b) {
            const uint32_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1)
            return step;
    }
}

// The targets have a mean of 0 after every block, so that the fit explains differences between tokens, not blocks.
bool distill_fit_direction(const distill_stream *s, double *direction)
{
    const uint32_t n = s->dim, judged = count_judged(s), rows = s->n * s->tokens;
    const uint32_t step = find_step((uint32_t) ((uint64_t) rows * judged / MOST_ROWS) + 1, s->tokens);
    double *a = (double *) calloc((size_t) n * n + n, sizeof *a), *mean = a + (size_t) n * n;
    double trace = 0, sum = 0, length = 0;
    bool is_fit = a != NULL;
    memset(direction, 0, n * sizeof *direction);
    for (uint32_t l = 0; l < judged && a; l++)
        for (uint32_t r = 0; r < rows; r++)
            for (uint32_t i = 0; i < n; i++)
                mean[i] += (double) s->x[l][(size_t) r * n + i] / ((double) rows * judged);
    for (uint32_t l = 0; l < judged && a; l++)
        add_block(s, l, step, mean, a, direction);
    for (uint32_t i = 0; i < n && a; i++)
        trace += a[(size_t) i * n + i];
    for (uint32_t i = 0; i < n && a; i++)
        a[(size_t) i * n + i] += RIDGE * trace / n;
    if (trace > 0 && isfinite(trace))
        solve(a, direction, n);
    free(a);
    for (uint32_t i = 0; i < n; i++)
        sum += direction[i];
    for (uint32_t i = 0; i < n; i++) {
        direction[i] -= sum / n;
        length += direction[i] * direction[i];
    }
    is_fit = is_fit && n > 1 && length > 0 && isfinite(length);
    for (uint32_t i = 0; i < n; i++)
        direction[i] = 1.0 / n + direction[i] * sqrt((1 - 1.0 / n) / length);
    return is_fit;
}
