// sparsity.c — one pass over pictures; the rows' measures come from the device, their means are taken here.
#include "distill/sparsity/sparsity.h"

#include "distill/sparsity/attention_taps.h"
#include "distill/statistics/statistics.h"
#include "nn/models/picture_loader.h"
#include "nn/data/loader.h"
#include "nn/base/names.h"
#include "shaders/attention/attention_stats.h"

#include <math.h>
#include <stdlib.h>

_Static_assert(DISTILL_N_MEASURES == ATTENTION_STATS_MEASURES && DISTILL_N_KEYS == ATTENTION_STATS_SETS,
               "measures come in the order of attention_stats.h");

static const char *const measure_names[DISTILL_N_MEASURES] = {
    "entropy", "effective", "gini", "hoyer", "participation", "below", "top10", "mass90"
};
static const char *const keys_names[DISTILL_N_KEYS] = { "all", "patches" };

const char *distill_measure_name(distill_measure m)
{
    return measure_names[m];
}

vkc_status distill_measure_get(const char *name, distill_measure *out)
{
    uint32_t i;
    const vkc_status st = nn_name_get("measure", name, measure_names, DISTILL_N_MEASURES, &i);
    if (st == VKC_OK)
        *out = (distill_measure) i;
    return st;
}

bool distill_measure_is_high(distill_measure m)
{
    return m == DISTILL_GINI || m == DISTILL_HOYER || m == DISTILL_BELOW || m == DISTILL_TOP10;
}

const char *distill_keys_name(distill_keys k)
{
    return keys_names[k];
}

vkc_status distill_keys_get(const char *name, distill_keys *out)
{
    uint32_t i;
    const vkc_status st = nn_name_get("keys", name, keys_names, DISTILL_N_KEYS, &i);
    if (st == VKC_OK)
        *out = (distill_keys) i;
    return st;
}

// Where the figure of a set of keys, layer, head and measure stands.
static size_t place(const distill_sparsity *s, uint32_t k, uint32_t l, uint32_t h, uint32_t m)
{
    return (((size_t) k * s->depth + l) * s->heads + h) * DISTILL_N_MEASURES + m;
}

static size_t len_of(const distill_sparsity *s)
{
    return (size_t) DISTILL_N_KEYS * s->depth * s->heads * DISTILL_N_MEASURES;
}

// Rows of one layer go into its means and sums of squared deviations, which `std` holds meanwhile (Welford 1962).
static void add_rows(distill_sparsity *s, uint32_t l, const float *stats, uint32_t rows, uint64_t seen[DISTILL_N_KEYS])
{
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t k = 0; k < DISTILL_N_KEYS; k++) {
            const float *row = stats + (size_t) r * s->heads * ATTENTION_STATS_N + k * ATTENTION_STATS_MEASURES;
            if (row[0] == (float) ATTENTION_STATS_NONE)     // too few keys, for all heads alike
                continue;
            const double n = (double) ++seen[k];
            for (uint32_t h = 0; h < s->heads; h++, row += ATTENTION_STATS_N)
                for (uint32_t m = 0; m < DISTILL_N_MEASURES; m++) {
                    const size_t at = place(s, k, l, h, m);
                    const double off = (double) row[m] - s->mean[at];
                    s->mean[at] += off / n;
                    s->std[at] += off * ((double) row[m] - s->mean[at]);
                }
        }
}

static void close_layer(distill_sparsity *s, uint32_t l, const uint64_t seen[DISTILL_N_KEYS])
{
    for (uint32_t k = 0; k < DISTILL_N_KEYS; k++)
        for (uint32_t i = 0; i < s->heads * DISTILL_N_MEASURES; i++) {
            const size_t at = place(s, k, l, 0, 0) + i;
            s->mean[at] = seen[k] ? s->mean[at] : (double) NAN;
            s->std[at] = !seen[k] ? (double) NAN : seen[k] > 1 ? sqrt(s->std[at] / (double) (seen[k] - 1)) : 0.0;
        }
}

vkc_status distill_sparsity_measure(const nn_model *m, const distill_sparsity_params *params, distill_sparsity *out)
{
    vkc_status st;
    distill_attention_taps t = { 0 };
    nn_loader *l = NULL;
    float *pixels = NULL, *stats = NULL;
    uint64_t seen[NN_MAX_DEPTH][DISTILL_N_KEYS] = { { 0 } };
    const nn_model_config *c = &m->cfg;
    const uint32_t batch = params->batch ? params->batch : 64;
    nn_pace pace = nn_pace_start();
    *out = (distill_sparsity) { .depth = c->depth, .heads = c->heads };
    VKC_TRY(nn_model_config_check_pictures(c));
    nn_loader_params lp = nn_loader_params_of(c, params->data, params->split, batch);
    lp.max_images = params->images ? params->images : 128;
    VKC_TRY(nn_loader_create(&lp, &l));
    VKC_TRY(distill_attention_taps_init(m, batch, DISTILL_TAP_STATS, &t));
    out->mean = (double *) calloc(len_of(out), sizeof *out->mean);
    out->std = (double *) calloc(len_of(out), sizeof *out->std);
    pixels = (float *) malloc((size_t) batch * nn_model_config_pixels(c) * sizeof *pixels);
    stats = (float *) malloc(distill_attention_taps_len(&t) * sizeof *stats);
    if (!out->mean || !out->std || !pixels || !stats) {
        st = VKC_FAIL(VKC_E_NOMEM, "sparsity: out of host memory");
        goto done;
    }
    for (uint32_t k = 0; k < nn_loader_batches(l); k++) {
        uint32_t n, rows;
        VKC_TRY(nn_loader_get(l, pixels, NULL, &n));
        if (n)
            VKC_TRY(distill_attention_taps_run(&t, pixels, n));
        for (uint32_t i = 0; i < c->depth && n; i++)
            if (distill_attention_taps_has(&t, i)) {
                VKC_TRY(distill_attention_taps_read(&t, i, stats, &rows));
                add_rows(out, i, stats, rows, seen[i]);
            }
        out->images += n;
        if (!nn_progress_report(params->progress, params->user, "sparsity", "images", "", &pace, out->images,
                                nn_loader_images(l))) {
            st = VKC_FAIL(VKC_E_STOPPED, "sparsity: stopped after %u images", out->images);
            goto done;
        }
    }
    if (!out->images) {
        st = VKC_FAIL(VKC_E_FORMAT, "no usable image in %s", nn_dataset_spec(params->data));
        goto done;
    }
    for (uint32_t i = 0; i < c->depth; i++)
        close_layer(out, i, seen[i]);
done:
    if (st != VKC_OK)
        distill_sparsity_finish(out);
    distill_attention_taps_finish(&t);
    nn_loader_destroy(l);
    free(pixels);
    free(stats);
    return st;
}

void distill_sparsity_finish(distill_sparsity *s)
{
    free(s->mean);
    free(s->std);
    *s = (distill_sparsity) { 0 };
}

bool distill_sparsity_has(const distill_sparsity *s, uint32_t layer)
{
    return isfinite(s->mean[place(s, DISTILL_KEYS_ALL, layer, 0, 0)]);
}

double distill_sparsity_get(const distill_sparsity *s, distill_keys k, uint32_t layer, uint32_t head, distill_measure m)
{
    return s->mean[place(s, k, layer, head, m)];
}

double distill_sparsity_std(const distill_sparsity *s, distill_keys k, uint32_t layer, uint32_t head, distill_measure m)
{
    return s->std[place(s, k, layer, head, m)];
}

double distill_sparsity_layer(const distill_sparsity *s, distill_keys k, uint32_t layer, distill_measure m)
{
    double sum = 0;
    for (uint32_t h = 0; h < s->heads; h++)
        sum += distill_sparsity_get(s, k, layer, h, m);
    return sum / s->heads;
}

static double turned(double x, distill_measure m)
{
    return distill_measure_is_high(m) ? x : -x;
}

double distill_sparsity_score(const distill_sparsity *s, distill_keys k, uint32_t layer, distill_measure m)
{
    return turned(distill_sparsity_layer(s, k, layer, m), m);
}

vkc_status distill_sparsity_agreement(const distill_sparsity *s, distill_keys k,
                                      double rho[DISTILL_N_MEASURES][DISTILL_N_MEASURES])
{
    const size_t all = (size_t) s->depth * s->heads;
    double *x = (double *) malloc(all * DISTILL_N_MEASURES * sizeof *x);
    uint32_t n = 0;
    if (!x)
        return VKC_FAIL(VKC_E_NOMEM, "sparsity: out of host memory");
    for (size_t i = 0; i < all; i++) {
        const double *value = s->mean + place(s, k, 0, 0, 0) + i * DISTILL_N_MEASURES;
        bool is_whole = true;
        for (int m = 0; m < DISTILL_N_MEASURES; m++) {
            is_whole = is_whole && isfinite(value[m]);
            x[(size_t) m * all + n] = turned(value[m], (distill_measure) m);
        }
        n += is_whole;
    }
    vkc_status st = VKC_OK;
    for (int a = 0; a < DISTILL_N_MEASURES && st == VKC_OK; a++)
        for (int b = 0; b < DISTILL_N_MEASURES && st == VKC_OK; b++)
            st = distill_spearman(x + (size_t) a * all, x + (size_t) b * all, n, &rho[a][b]);
    free(x);
    return st;
}
