// classify.c — a model folder as a classifier of pictures: threads decode a batch, the model sees its good pictures.
#include "nn/infer/classify.h"

#include "nn/base/files.h"
#include "nn/image/image.h"
#include "nn/infer/infer.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_BATCH 4096
#define MAX_THREADS 64
#define MAX_TEXT (NN_PATH_MAX + 256)

typedef struct picture {
    vkc_status st;
    char     text[MAX_TEXT];        // what is wrong with it
    uint32_t place;                 // in the run
} picture;

struct nn_classifier {
    nn_model   *owned;                // NULL when the model is the caller's
    const nn_model *v;
    nn_infer *inf;
    nn_classifier_params p;
    picture  *pictures;             // (batch)
    uint8_t  *rgb;                  // (batch, height, width, 3), by place in the batch
    float    *pixels, *logits;      // (batch, channels, height, width), (batch, classes), by place in the run
    float    *scratch;              // (classes)
    // of the run that is being decoded
    const char *const *paths;
    uint32_t n;
    atomic_uint next;
};

static vkc_status init_memory(nn_classifier *c)
{
    const nn_model_config *cfg = &c->v->cfg;
    const size_t n = c->p.batch, area = (size_t) cfg->height * cfg->width;
    c->pictures = (picture *) calloc(n, sizeof *c->pictures);
    c->rgb = (uint8_t *) malloc(n * 3 * area);
    c->pixels = (float *) malloc(n * cfg->channels * area * sizeof *c->pixels);
    c->logits = (float *) malloc(n * cfg->classes * sizeof *c->logits);
    c->scratch = (float *) malloc(cfg->classes * sizeof *c->scratch);
    if (!c->pictures || !c->rgb || !c->pixels || !c->logits || !c->scratch)
        return VKC_FAIL(VKC_E_NOMEM, "classify: no host memory for %u pictures at once", c->p.batch);
    return VKC_OK;
}

vkc_status nn_classifier_create_of(const nn_model *v, const nn_classifier_params *p, nn_classifier **out)
{
    vkc_status st;
    if (p->batch > MAX_BATCH)
        return VKC_FAIL(VKC_E_ARG, "classify: %u pictures at once, want at most %d", p->batch, MAX_BATCH);
    st = nn_model_config_check_scores(&v->cfg);
    if (st != VKC_OK)
        return st;
    nn_classifier *c = (nn_classifier *) calloc(1, sizeof *c);
    if (!c)
        return VKC_FAIL(VKC_E_NOMEM, "classify: out of host memory");
    c->v = v;
    c->p = *p;
    c->p.batch = p->batch > 0 ? p->batch : 1;
    long cores = p->threads > 0 ? (long) p->threads : sysconf(_SC_NPROCESSORS_ONLN);
    c->p.threads = cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (uint32_t) cores;
    VKC_TRY(init_memory(c));
    VKC_TRY(nn_infer_create_with(v, &(nn_infer_params) { .cap_images = c->p.batch, .kept = p->kept }, &c->inf));
    *out = c;
    c = NULL;
done:
    nn_classifier_destroy(c);
    return st;
}

vkc_status nn_classifier_create(vkc_device *dev, const char *model_dir, nn_classifier **out)
{
    nn_model *v = NULL;
    vkc_status st = nn_model_load(dev, model_dir, false, &v);
    if (st == VKC_OK)
        st = nn_classifier_create_of(v, &(nn_classifier_params) { .batch = 1 }, out);
    if (st == VKC_OK)
        (*out)->owned = v;
    else
        nn_model_destroy(v);
    return st;
}

void nn_classifier_destroy(nn_classifier *c)
{
    if (!c)
        return;
    nn_infer_destroy(c->inf);
    nn_model_destroy(c->owned);
    free(c->pictures);
    free(c->rgb);
    free(c->pixels);
    free(c->logits);
    free(c->scratch);
    free(c);
}

uint32_t nn_classifier_classes(const nn_classifier *c)
{
    return c->v->cfg.classes;
}

static size_t get_area(const nn_classifier *c)
{
    return (size_t) c->v->cfg.height * c->v->cfg.width;
}

const uint8_t *nn_classifier_rgb(const nn_classifier *c, uint32_t i)
{
    return c->rgb + i * 3 * get_area(c);
}

const float *nn_classifier_pixels(const nn_classifier *c, uint32_t i)
{
    return c->pixels + c->pictures[i].place * c->v->cfg.channels * get_area(c);
}

uint32_t nn_classifier_place(const nn_classifier *c, uint32_t i)
{
    return c->pictures[i].place;
}

const uint32_t *nn_classifier_kept(const nn_classifier *c, uint32_t l)
{
    return nn_infer_kept(c->inf, l);
}

static void decode(nn_classifier *c, uint32_t i)
{
    const nn_model_config *cfg = &c->v->cfg;
    picture *p = &c->pictures[i];
    nn_image im = { 0 };
    p->st = nn_image_load(c->paths[i], &im);
    if (p->st == VKC_OK)
        p->st = nn_preprocess_run(&cfg->preprocess, c->paths[i], &im, (nn_size) { cfg->height, cfg->width },
                                  c->rgb + i * 3 * get_area(c));
    if (p->st != VKC_OK)
        snprintf(p->text, sizeof p->text, "%s", vkc_last_error());
    nn_image_finish(&im);
}

static void *decode_rest(void *user)
{
    nn_classifier *c = (nn_classifier *) user;
    for (uint32_t i; (i = atomic_fetch_add(&c->next, 1)) < c->n;)
        decode(c, i);
    return NULL;
}

// This thread decodes too: with no other to be had all is done here.
static void decode_all(nn_classifier *c)
{
    pthread_t threads[MAX_THREADS];
    uint32_t n = 0;
    const uint32_t want = c->p.threads < c->n ? c->p.threads : c->n;
    atomic_store(&c->next, 0);
    while (n + 1 < want && pthread_create(&threads[n], NULL, decode_rest, c) == 0)
        n++;
    decode_rest(c);
    while (n > 0)
        pthread_join(threads[--n], NULL);
}

static bool is_finite(const float *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static void check_scores(nn_classifier *c, picture *p, const char *path)
{
    const uint32_t classes = c->v->cfg.classes;
    if (p->st != VKC_OK || is_finite(c->logits + (size_t) p->place * classes, classes))
        return;
    p->st = VKC_E_FORMAT;
    snprintf(p->text, sizeof p->text, "the model gives no finite score for %s; are its weights broken?", path);
}

vkc_status nn_classifier_run_batch(nn_classifier *c, const char *const *paths, uint32_t n)
{
    const nn_model_config *cfg = &c->v->cfg;
    const size_t area = get_area(c);
    uint32_t good = 0;
    if (n > c->p.batch)
        return VKC_FAIL(VKC_E_ARG, "classify: %u pictures at once, this was made for %u", n, c->p.batch);
    c->paths = paths;
    c->n = n;
    decode_all(c);
    for (uint32_t i = 0; i < n; i++) {
        picture *p = &c->pictures[i];
        if (p->st != VKC_OK && p->st != VKC_E_FORMAT && p->st != VKC_E_IO)
            return VKC_FAIL(p->st, "%s", p->text);          // not the picture's fault
        p->place = good;
        if (p->st == VKC_OK)
            nn_image_normalise(c->rgb + i * 3 * area, area, cfg->channels, cfg->mean, cfg->std,
                               c->pixels + good++ * cfg->channels * area);
    }
    vkc_status st = good > 0 ? nn_infer_run(c->inf, c->pixels, good, c->logits) : VKC_OK;
    for (uint32_t i = 0; st == VKC_OK && i < n; i++)
        check_scores(c, &c->pictures[i], paths[i]);
    return st;
}

// Scores to the k best classes; the lower index wins a tie. Overwrites the scores.
static void fill_top(float *scores, const nn_model_config *cfg, uint32_t k, nn_top *top)
{
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
        top[n].p = exp((double) scores[best] - (double) most) / sum;
        if (cfg->labels)
            snprintf(top[n].label, sizeof top[n].label, "%s", cfg->labels[best]);
        else
            snprintf(top[n].label, sizeof top[n].label, "class %u", best);
        scores[best] = -INFINITY;
    }
}

vkc_status nn_classifier_get(const nn_classifier *c, uint32_t i, uint32_t k, nn_top *top)
{
    const picture *p = &c->pictures[i];
    const uint32_t classes = c->v->cfg.classes;
    if (p->st != VKC_OK)
        return VKC_FAIL(p->st, "%s", p->text);
    memcpy(c->scratch, c->logits + (size_t) p->place * classes, classes * sizeof *c->scratch);
    fill_top(c->scratch, &c->v->cfg, k, top);
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
