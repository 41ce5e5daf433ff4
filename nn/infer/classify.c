// classify.c — a model folder as a classifier of pictures: a decoder reads them, the model sees the good ones.
#include "nn/infer/classify.h"

#include "nn/data/decoder.h"
#include "nn/image/image.h"
#include "nn/infer/infer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BATCH 4096
#define AHEAD ((size_t) 16 << 20)   // bytes of decoded pictures, beyond the three batches that there are in any case
#define MAX_SLOTS 64

struct nn_classifier {
    nn_model   *owned;                // NULL when the model is the caller's
    const nn_model *model;
    nn_infer *inf;
    nn_classifier_params p;
    nn_decoder *decoder;
    const nn_decoded *now;          // the pictures of the last run, or NULL
    float    *logits;               // (batch, classes), by place in the run
    float    *scratch;              // (classes)
    const char *const *paths;       // the list that is being decoded
    size_t    n_paths;
};

static size_t get_area(const nn_classifier *c)
{
    return (size_t) c->model->cfg.height * c->model->cfg.width;
}

static uint32_t get_len(void *user, uint64_t batch)
{
    const nn_classifier *c = (const nn_classifier *) user;
    const uint64_t first = batch * c->p.batch, left = first < c->n_paths ? c->n_paths - first : 0;
    return left < c->p.batch ? (uint32_t) left : c->p.batch;
}

static vkc_status read_picture(void *user, uint64_t batch, uint32_t at, uint8_t *scratch, uint8_t *rgb)
{
    const nn_classifier *c = (const nn_classifier *) user;
    const nn_model_config *cfg = &c->model->cfg;
    const char *path = c->paths[batch * c->p.batch + at];
    nn_image im = { 0 };
    (void) scratch;
    vkc_status st = nn_image_load(path, &im);
    if (st == VKC_OK)
        st = nn_preprocess_run(&cfg->preprocess, path, &im, (nn_size) { cfg->height, cfg->width }, rgb);
    nn_image_finish(&im);
    return st;
}

static vkc_status init_decoder(nn_classifier *c)
{
    const nn_model_config *cfg = &c->model->cfg;
    const size_t size = c->p.batch * get_area(c) * (3 + cfg->channels * sizeof(float)), n = AHEAD / size;
    nn_decoder_params p = {
        .source = { get_len, read_picture, c }, .batch = c->p.batch, .threads = c->p.threads,
        .slots = n < 3 ? 3 : n > MAX_SLOTS ? MAX_SLOTS : (uint32_t) n,
        .size = { cfg->height, cfg->width }, .channels = cfg->channels, .rgb = true,
    };
    memcpy(p.mean, cfg->mean, sizeof p.mean);
    memcpy(p.std, cfg->std, sizeof p.std);
    return nn_decoder_create(&p, &c->decoder);
}

static vkc_status init_memory(nn_classifier *c)
{
    const size_t n = c->p.batch, classes = c->model->cfg.classes;
    c->logits = (float *) malloc(n * classes * sizeof *c->logits);
    c->scratch = (float *) malloc(classes * sizeof *c->scratch);
    if (!c->logits || !c->scratch)
        return VKC_FAIL(VKC_E_NOMEM, "classify: no host memory for %u pictures at once", c->p.batch);
    return VKC_OK;
}

vkc_status nn_classifier_create_of(const nn_model *m, const nn_classifier_params *p, nn_classifier **out)
{
    vkc_status st;
    if (p->batch > MAX_BATCH)
        return VKC_FAIL(VKC_E_ARG, "classify: %u pictures at once, want at most %d", p->batch, MAX_BATCH);
    st = nn_model_config_check_pictures(&m->cfg);
    if (st == VKC_OK)
        st = nn_model_config_check_scores(&m->cfg);
    if (st != VKC_OK)
        return st;
    nn_classifier *c = (nn_classifier *) calloc(1, sizeof *c);
    if (!c)
        return VKC_FAIL(VKC_E_NOMEM, "classify: out of host memory");
    c->model = m;
    c->p = *p;
    c->p.batch = p->batch > 0 ? p->batch : 1;
    VKC_TRY(init_memory(c));
    VKC_TRY(init_decoder(c));
    if (p->n_paths > 0)
        nn_classifier_start(c, p->paths, p->n_paths);
    VKC_TRY(nn_infer_create_with(m, &(nn_infer_params) { .cap_images = c->p.batch, .kept = p->kept }, &c->inf));
    *out = c;
    c = NULL;
done:
    nn_classifier_destroy(c);
    return st;
}

vkc_status nn_classifier_create(vkc_device *dev, const char *model_dir, nn_classifier **out)
{
    nn_model *m = NULL;
    vkc_status st = nn_model_load(dev, model_dir, false, &m);
    if (st == VKC_OK)
        st = nn_classifier_create_of(m, &(nn_classifier_params) { .batch = 1 }, out);
    if (st == VKC_OK)
        (*out)->owned = m;
    else
        nn_model_destroy(m);
    return st;
}

void nn_classifier_destroy(nn_classifier *c)
{
    if (!c)
        return;
    nn_decoder_destroy(c->decoder);
    nn_infer_destroy(c->inf);
    nn_model_destroy(c->owned);
    free(c->logits);
    free(c->scratch);
    free(c);
}

uint32_t nn_classifier_classes(const nn_classifier *c)
{
    return c->model->cfg.classes;
}

const uint8_t *nn_classifier_rgb(const nn_classifier *c, uint32_t i)
{
    return c->now->rgb + i * 3 * get_area(c);
}

const float *nn_classifier_pixels(const nn_classifier *c, uint32_t i)
{
    return c->now->pixels + c->now->picture[i].place * c->model->cfg.channels * get_area(c);
}

uint32_t nn_classifier_place(const nn_classifier *c, uint32_t i)
{
    return c->now->picture[i].place;
}

const uint32_t *nn_classifier_kept(const nn_classifier *c, uint32_t l)
{
    return nn_infer_kept(c->inf, l);
}

static bool is_finite(const float *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

void nn_classifier_start(nn_classifier *c, const char *const *paths, size_t n)
{
    nn_decoder_cancel(c->decoder);          // it may be reading the other list
    c->now = NULL;
    c->paths = paths;
    c->n_paths = n;
    nn_decoder_start(c->decoder, 0);
}

vkc_status nn_classifier_next(nn_classifier *c, uint32_t *n)
{
    *n = 0;
    c->now = NULL;
    vkc_status st = nn_decoder_get(c->decoder, &c->now);
    if (st == VKC_OK && c->now != NULL && c->now->good > 0)
        st = nn_infer_run(c->inf, c->now->pixels, c->now->good, c->logits);
    if (st == VKC_OK && c->now != NULL)
        *n = c->now->n;
    return st;
}

vkc_status nn_classifier_run_batch(nn_classifier *c, const char *const *paths, uint32_t n)
{
    if (n > c->p.batch)
        return VKC_FAIL(VKC_E_ARG, "classify: %u pictures at once, this was made for %u", n, c->p.batch);
    nn_classifier_start(c, paths, n);
    return nn_classifier_next(c, &n);
}

void nn_top_read(float *scores, const nn_model_config *cfg, uint32_t k, nn_top *top)
{
    const bool is_alone = nn_model_config_scores(cfg) == NN_SCORES_SIGMOID;
    float most = scores[0];
    double sum = 0.0;
    for (uint32_t i = 1; i < cfg->classes; i++)
        most = scores[i] > most ? scores[i] : most;
    for (uint32_t i = 0; i < cfg->classes; i++)
        sum += exp((double) scores[i] - (double) most);
    for (uint32_t n = 0; n < k; n++) {
        top[n] = (nn_top) { .p = 0.0 };
        if (n >= cfg->classes)
            continue;
        uint32_t best = 0;
        for (uint32_t i = 1; i < cfg->classes; i++)
            if (scores[i] > scores[best])
                best = i;
        top[n].index = best;
        top[n].p = is_alone ? 1 / (1 + exp(-(double) scores[best])) : exp((double) scores[best] - (double) most) / sum;
        if (cfg->labels)
            snprintf(top[n].label, sizeof top[n].label, "%s", cfg->labels[best]);
        else
            snprintf(top[n].label, sizeof top[n].label, "class %u", best);
        scores[best] = -INFINITY;
    }
}

vkc_status nn_classifier_get(const nn_classifier *c, uint32_t i, uint32_t k, nn_top *top)
{
    const nn_decoded_picture *p = &c->now->picture[i];
    const uint32_t classes = c->model->cfg.classes;
    if (p->st != VKC_OK)
        return VKC_FAIL(p->st, "%s", p->text);
    memcpy(c->scratch, c->logits + (size_t) p->place * classes, classes * sizeof *c->scratch);
    if (!is_finite(c->scratch, classes))
        return VKC_FAIL(VKC_E_FORMAT, "the model gives no finite score for %s; are its weights broken?",
                        c->paths[c->now->batch * c->p.batch + i]);
    nn_top_read(c->scratch, &c->model->cfg, k, top);
    return VKC_OK;
}

vkc_status nn_classifier_run(nn_classifier *c, const char *image_path, uint32_t k, nn_top *top)
{
    vkc_status st = nn_classifier_run_batch(c, &image_path, 1);
    return st == VKC_OK ? nn_classifier_get(c, 0, k, top) : st;
}

vkc_status nn_classify_file(const char *model_dir, const char *image_path, uint32_t k, nn_top *top)
{
    vkc_device *dev = NULL;
    nn_classifier *c = NULL;
    vkc_status st;
    VKC_TRY(vkc_device_create(&(vkc_device_params) { .select = NULL }, &dev));
    VKC_TRY(nn_classifier_create(dev, model_dir, &c));
    st = nn_classifier_run(c, image_path, k, top);
done:
    nn_classifier_destroy(c);
    vkc_device_destroy(dev);
    return st;
}
