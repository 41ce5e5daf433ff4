// measure.c — figures of models: accuracy on a split, and time at several token counts.
#include "apps/cli/distill/measure.h"

#include "apps/cli/bench/bench_time.h"
#include "nn/infer/infer.h"
#include "nn/base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAMED   8u              // broken pictures
#define BAD_SIZE    8u              // pixels a side they are decoded to
#define MIN_REPEATS 3u
#define MAX_REPEATS 25u
#define MAX_SECONDS 1.5             // a model and size, beyond MIN_REPEATS

bool measure_is_checked(const data_args *d, bool usual)
{
    return !d->no_check_finite && (usual || d->check_finite);
}

vkc_status measure_open_data(const data_args *d, nn_dataset **out)
{
    if (!d->data)
        return VKC_FAIL(VKC_E_ARG, "--data is missing: a folder of class folders, or synth:ringed-digit");
    vkc_status st = nn_dataset_create(d->data, out);
    if (st == VKC_OK && !nn_dataset_has_splits(*out))
        warn("%s has no train/, val/ and test/: every split is the whole folder", d->data);
    return st;
}

vkc_status measure_split(const nn_model *v, const nn_dataset *data, nn_split split, const data_args *d,
                         nn_eval_result *out)
{
    *out = (nn_eval_result) { .images = 0 };
    if (nn_dataset_len(data, split) == 0)
        return VKC_OK;
    nn_eval_params p = { .data = data, .split = split, .batch = d->batch, .max_images = d->limit,
                         .threads = d->threads, .check_finite = measure_is_checked(d, false),
                         .progress = console_progress };
    vkc_status st = nn_eval(v, &p, out);
    if (st == VKC_OK)
        measure_name_bad(data, split, out->bad);
    return st;
}

void measure_name_bad(const nn_dataset *data, nn_split split, uint32_t bad)
{
    uint8_t rgb[3 * BAD_SIZE * BAD_SIZE];
    uint32_t named = 0, n = nn_dataset_len(data, split);
    for (uint32_t i = 0; i < n && named < bad && named < MAX_NAMED; i++) {
        vkc_status st = nn_dataset_read(data, split, i, 0, &(nn_preprocess) { 0 }, (nn_size) { BAD_SIZE, BAD_SIZE },
                                        rgb);
        if (st == VKC_E_FORMAT || st == VKC_E_IO) {
            warn_failure();
            named++;
        }
    }
    if (bad > named)
        warn("%u more broken pictures were skipped", bad - named);
}

json_t *measure_json(const nn_eval_result *r)
{
    if (r->images == 0)
        return json_null();
    json_t *keep = r->n_keep ? json_array() : NULL;
    for (uint32_t l = 0; l < r->n_keep; l++)
        json_array_append_new(keep, app_number(r->keep_layer[l]));
    return json_pack("{s:o, s:o, s:o, s:i, s:i, s:o, s:o*, s:o*}", "top1", app_number(r->top1), "top5",
                     app_number(r->top5), "loss", app_number(r->loss), "images", (int) r->images, "bad", (int) r->bad,
                     "images_per_s", app_number(r->images_per_s), "keep", keep ? app_number(r->keep) : NULL,
                     "keep_layer", keep);
}

void measure_print(FILE *f, const char *what, const nn_eval_result *r)
{
    if (r->images == 0) {
        fprintf(f, "%-8s no pictures\n", what);
        return;
    }
    fprintf(f, "%-8s top-1 %.2f %%, top-5 %.2f %%, loss %.4f, %u pictures, %.0f images/s", what, 100.0 * r->top1,
            100.0 * r->top5, r->loss, r->images, r->images_per_s);
    if (r->n_keep > 0)
        fprintf(f, ", %.1f %% of the patches kept", 100.0 * r->keep);
    if (r->bad > 0)
        fprintf(f, ", %u broken ones skipped", r->bad);
    fputc('\n', f);
}

typedef struct contender {
    nn_model   *v;
    nn_infer *inf;
    double    ms[MAX_REPEATS], keep;
} contender;

static void retire(contender *c)
{
    nn_infer_destroy(c->inf);
    nn_model_destroy(c->v);
    *c = (contender) { .v = NULL };
}

// The mean share of its patches that a picture enters a block with, of the run that is over.
static double get_keep(const contender *c, uint32_t n)
{
    const nn_model_config *cfg = &c->v->cfg;
    double share[NN_MAX_DEPTH] = { 0 }, sum = 0.0;
    nn_infer_add_shares(c->inf, n, share);
    for (uint32_t l = 0; l < cfg->depth; l++)
        sum += share[l];
    return sum / n / cfg->depth;
}

// A model of this config at another image size, with random values and a random batch behind it. The first replays
// are not timed: recordings are cut by what those took.
static vkc_status prepare(contender *c, vkc_device *dev, const nn_model_config *like, uint32_t image, uint32_t batch,
                          uint64_t seed)
{
    vkc_status st;
    nn_model_config cfg = { 0 };
    float *pixels = NULL, *logits = NULL;
    VKC_TRY(nn_model_config_copy(like, &cfg));
    cfg.height = cfg.width = image;
    VKC_TRY(nn_model_config_check(&cfg, VKC_E_ARG, "timing"));
    VKC_TRY(nn_model_create(dev, &cfg, false, &c->v));
    VKC_TRY(nn_model_init(c->v, seed));
    VKC_TRY(nn_infer_create_with(c->v, &(nn_infer_params) { .cap_images = batch, .kept = true }, &c->inf));
    size_t len = (size_t) batch * nn_model_config_pixels(&cfg);
    pixels = (float *) malloc(len * sizeof *pixels);
    logits = (float *) malloc((size_t) batch * cfg.classes * sizeof *logits);
    if (!pixels || !logits) {
        st = VKC_FAIL(VKC_E_NOMEM, "timing: out of host memory");
        goto done;
    }
    for (size_t i = 0; i < len; i++)
        pixels[i] = 2.0f * nn_rng_uniform(seed, 1, (uint32_t) i) - 1.0f;
    VKC_TRY(nn_infer_run(c->inf, pixels, batch, logits));
    c->keep = get_keep(c, batch);
    double unused;
    st = nn_infer_repeat(c->inf, &unused);
done:
    free(pixels);
    free(logits);
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status compete(contender *c, uint32_t n, measure_time *out)
{
    double spent = 0.0;
    uint32_t r = 0;
    for (; r < MAX_REPEATS && (r < MIN_REPEATS || spent < MAX_SECONDS * n); r++) {
        for (uint32_t m = 0; m < n; m++) {
            double seconds = 0.0;
            vkc_status st = nn_infer_repeat(c[m].inf, &seconds);
            if (st == VKC_OK && console_is_stopped())
                st = VKC_FAIL(VKC_E_STOPPED, "stopped while timing");
            if (st != VKC_OK)
                return st;
            c[m].ms[r] = 1e3 * seconds;
            spent += seconds;
        }
    }
    for (uint32_t m = 0; m < n; m++) {
        out->ms[m] = bench_median(c[m].ms, r);
        out->keep[m] = c[m].keep;
    }
    out->repeats = r;
    return VKC_OK;
}

uint32_t measure_sizes(const nn_model_config *c, uint32_t more, uint32_t image[MEASURE_SIZES + 1])
{
    bool is_there = more == 0;
    for (uint32_t s = 0; s < MEASURE_SIZES; s++) {
        image[s] = (s + 1) * c->height;
        is_there = is_there || image[s] == more;
    }
    image[MEASURE_SIZES] = more;
    return MEASURE_SIZES + !is_there;
}

vkc_status measure_times(vkc_device *dev, const nn_model_config *const *cfg, uint32_t n, uint32_t batch, uint64_t seed,
                         const uint32_t *image, uint32_t n_sizes, measure_time *out)
{
    vkc_status st = VKC_OK;
    for (uint32_t s = 0; s < n_sizes && st == VKC_OK; s++) {
        contender c[MEASURE_MODELS] = { { .v = NULL } };
        const uint32_t side = image[s] / cfg[0]->patch;
        out[s] = (measure_time) { .image = image[s] };
        for (uint32_t m = 0; m < n && st == VKC_OK; m++)
            st = prepare(&c[m], dev, cfg[m], image[s], batch, seed);
        if (st == VKC_OK)
            st = compete(c, n, &out[s]);
        if (st == VKC_OK)
            out[s].tokens = side * side + 1;
        if (st == VKC_E_DEVMEM || st == VKC_E_UNSUPPORTED) {
            warn_failure();
            warn("pictures of %u x %u are not timed", image[s], image[s]);
            st = VKC_OK;
        }
        for (uint32_t m = 0; m < n; m++)
            retire(&c[m]);
    }
    return st;
}
