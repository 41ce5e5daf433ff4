// retain_stats.c — one pass over pictures: the depth of each patch, beside a dense model's attention and the truth.
#include "distill/retain/retain_stats.h"

#include "nn/models/picture_loader.h"
#include "nn/infer/infer.h"
#include "nn/data/loader.h"
#include "nn/data/synth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct pass {
    const nn_model *model;
    uint32_t  n_patches;
    nn_infer *inf, *dense;
    float    *pixels, *logits;
    uint8_t  *blocks;               // of an image's tokens
    uint8_t  *kept, *mask, *rgb;
    double    overlap[NN_MAX_DEPTH], auprc[NN_MAX_DEPTH];
    uint32_t  judged[NN_MAX_DEPTH]; // images behind them
} pass;

static vkc_status open_pass(pass *p, const distill_retain_stats_params *s, uint32_t batch)
{
    const nn_model_config *c = &p->model->cfg;
    vkc_status st;
    const nn_model_config *d = s->dense ? &s->dense->cfg : c;
    if (d->height != c->height || d->width != c->width || d->patch != c->patch || d->depth != c->depth)
        return VKC_FAIL(VKC_E_ARG, "retention: the dense model has other patches or another depth");
    VKC_TRY(nn_infer_create_with(p->model, &(nn_infer_params) { .cap_images = batch, .kept = true }, &p->inf));
    if (s->dense)
        VKC_TRY(nn_infer_create_with(s->dense, &(nn_infer_params) { .cap_images = batch, .scores = true }, &p->dense));
    const size_t len = (size_t) nn_model_config_pixels(c);
    p->pixels = (float *) malloc(batch * len * sizeof *p->pixels);
    p->logits = (float *) malloc((size_t) batch * c->classes * sizeof *p->logits);
    p->blocks = (uint8_t *) malloc(nn_model_config_tokens(&p->model->cfg));
    p->kept = (uint8_t *) malloc(p->n_patches);
    p->mask = (uint8_t *) malloc(p->n_patches);
    p->rgb = (uint8_t *) malloc((size_t) 3 * NN_SYNTH_SIZE * NN_SYNTH_SIZE);
    if (!p->pixels || !p->logits || !p->blocks || !p->kept || !p->mask || !p->rgb)
        st = VKC_FAIL(VKC_E_NOMEM, "retention: out of host memory");
done:
    return st;
}

static void close_pass(pass *p)
{
    nn_infer_destroy(p->inf);
    nn_infer_destroy(p->dense);
    free(p->pixels);
    free(p->logits);
    free(p->blocks);
    free(p->kept);
    free(p->mask);
    free(p->rgb);
}

// Image b of the batch in every layer: how many patches, and which against the dense model's scores.
static void judge_image(pass *p, const float *const *scores, uint32_t b, distill_retain_stats *out)
{
    const uint32_t n = p->n_patches, prefix = nn_model_config_prefix(&p->model->cfg);
    for (uint32_t l = 0; l < p->model->cfg.depth; l++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < n; i++) {
            p->kept[i] = p->blocks[prefix + i] > l;
            count += p->kept[i];
        }
        out->layer[l] += (double) count / n;
        if (!scores[l] || !count)
            continue;
        const float *own = scores[l] + (size_t) b * (n + prefix) + prefix;   // behind the class token's
        p->overlap[l] += distill_overlap(p->kept, own, n);
        p->auprc[l] += distill_auprc(p->kept, own, n);
        p->judged[l]++;
    }
}

static vkc_status run_batch(pass *p, const distill_retain_stats_params *s, const nn_loader *l, uint32_t batch,
                            uint32_t n, distill_retain_stats *out)
{
    const nn_model_config *c = &p->model->cfg;
    const uint32_t *words[NN_MAX_DEPTH] = { 0 };
    const float *scores[NN_MAX_DEPTH] = { 0 };
    vkc_status st = nn_infer_run(p->inf, p->pixels, n, p->logits);
    if (st == VKC_OK && p->dense)
        st = nn_infer_run(p->dense, p->pixels, n, p->logits);
    if (st != VKC_OK)
        return st;
    for (uint32_t k = 0; k < c->depth; k++) {
        words[k] = nn_infer_kept(p->inf, k);
        scores[k] = p->dense ? nn_infer_scores(p->dense, k) : NULL;
    }
    for (uint32_t b = 0; b < n; b++) {
        nn_retention_depths(c, words, b, p->blocks);
        judge_image(p, scores, b, out);
        if (out->has_truth) {
            nn_synth_truth truth;
            nn_synth_read(nn_dataset_synth_seed(s->split), nn_loader_find(l, batch, b), p->rgb, &truth);
            nn_synth_mask(&truth, c->patch, p->mask);
            distill_survival_add(&out->ring, p->blocks + nn_model_config_prefix(c), p->mask, p->n_patches, c->depth);
        }
    }
    out->images += n;
    return VKC_OK;
}

// Sums become means.
static void finish(const pass *p, distill_retain_stats *out)
{
    for (uint32_t l = 0; l < out->depth; l++) {
        out->layer[l] /= out->images;
        out->keep += out->layer[l] / out->depth;
        out->overlap[l] = p->judged[l] ? p->overlap[l] / p->judged[l] : (double) NAN;
        out->auprc[l] = p->judged[l] ? p->auprc[l] / p->judged[l] : (double) NAN;
    }
}

// Fresh pictures would be others when drawn again for their truth.
bool distill_has_truth(const nn_dataset *data, nn_split split, const nn_model_config *c)
{
    static const char name[] = "synth:ringed-digit";
    return strncmp(nn_dataset_spec(data), name, sizeof name - 1) == 0 && split != NN_SPLIT_ALL &&
           !nn_dataset_is_fresh(data, split) &&
           c->height == NN_SYNTH_SIZE && c->width == NN_SYNTH_SIZE;
}

vkc_status distill_retain_measure(const nn_model *m, const distill_retain_stats_params *s, distill_retain_stats *out)
{
    vkc_status st;
    pass p = { .model = m, .n_patches = nn_model_config_patches(&m->cfg) };
    nn_loader *l = NULL;
    const uint32_t batch = s->batch ? s->batch : 64;
    nn_pace pace = nn_pace_start();
    *out = (distill_retain_stats) { .depth = m->cfg.depth, .has_truth = distill_has_truth(s->data, s->split, &m->cfg) };
    nn_loader_params lp = nn_loader_params_of(&m->cfg, s->data, s->split, batch);
    lp.max_images = s->images ? s->images : 512;
    lp.threads = s->threads;
    VKC_TRY(nn_loader_create(&lp, &l));
    VKC_TRY(open_pass(&p, s, batch));
    for (uint32_t k = 0; k < nn_loader_batches(l); k++) {
        uint32_t n;
        VKC_TRY(nn_loader_get(l, p.pixels, NULL, &n));
        if (n)
            VKC_TRY(run_batch(&p, s, l, k, n, out));
        if (!nn_progress_report(s->progress, s->user, "retention", "images", "", &pace, out->images,
                                nn_loader_images(l))) {
            st = VKC_FAIL(VKC_E_STOPPED, "retention: stopped after %u images", out->images);
            goto done;
        }
    }
    if (!out->images) {
        st = VKC_FAIL(VKC_E_FORMAT, "no usable image in %s", nn_dataset_spec(s->data));
        goto done;
    }
    finish(&p, out);
done:
    close_pass(&p);
    nn_loader_destroy(l);
    return st;
}
