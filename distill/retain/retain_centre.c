// retain_centre.c — calibrates the gate's centre to a keep ratio: bisection over runs on the same images.
#include "distill/retain/retain_centre.h"

#include "nn/models/picture_loader.h"
#include "nn/infer/infer.h"
#include "nn/data/loader.h"

#include <math.h>
#include <stdlib.h>

#define BATCH 64u
#define MAX_TRIES 28u

vkc_status distill_pictures_load(const nn_model_config *c, const nn_dataset *data, uint32_t most, uint32_t threads,
                                 distill_pictures *out)
{
    vkc_status st;
    nn_loader *l = NULL;
    *out = (distill_pictures) { .n = 0 };
    nn_split split = nn_dataset_len(data, NN_SPLIT_VAL) ? NN_SPLIT_VAL : NN_SPLIT_TRAIN;
    nn_loader_params lp = nn_loader_params_of(c, data, split, BATCH);
    lp.max_images = most;
    lp.threads = threads;
    VKC_TRY(nn_loader_create(&lp, &l));
    const size_t len = (size_t) nn_model_config_pixels(c);
    const uint32_t batches = nn_loader_batches(l);
    out->pixels = (float *) malloc((size_t) batches * BATCH * len * sizeof *out->pixels);
    if (!out->pixels) {
        st = VKC_FAIL(VKC_E_NOMEM, "retention: out of host memory");
        goto done;
    }
    for (uint32_t k = 0; k < batches; k++) {
        uint32_t n;
        VKC_TRY(nn_loader_get(l, out->pixels + out->n * len, NULL, &n));
        out->n += n;
    }
    if (!out->n)
        st = VKC_FAIL(VKC_E_FORMAT, "no usable image in %s", nn_dataset_spec(data));
done:
    nn_loader_destroy(l);
    if (st != VKC_OK)
        distill_pictures_finish(out);
    return st;
}

void distill_pictures_finish(distill_pictures *s)
{
    free(s->pixels);
    *s = (distill_pictures) { .n = 0 };
}

typedef struct probe {
    nn_model  *model;
    const distill_pictures *s;
    const distill_retain_params *p;
    nn_infer *inf;                  // of v, whose gate is moved
    float   *logits;
    nn_pace  pace;
    uint32_t tries;
    double   wanted, best, best_keep;       // the nearest so far
} probe;

static vkc_status measure(const probe *k, double *keep)
{
    const nn_model_config *c = &k->model->cfg;
    const size_t len = (size_t) nn_model_config_pixels(c);
    double share[NN_MAX_DEPTH] = { 0 };
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < k->s->n && st == VKC_OK; i += BATCH) {
        const uint32_t n = k->s->n - i < BATCH ? k->s->n - i : BATCH;
        st = nn_infer_run(k->inf, k->s->pixels + i * len, n, k->logits);
        if (st == VKC_OK)
            nn_infer_add_shares(k->inf, n, share);
    }
    *keep = 0;
    for (uint32_t l = 0; l < c->depth; l++)
        *keep += share[l] / ((double) k->s->n * c->depth);
    return st;
}

static vkc_status try_centre(probe *k, double centre, double *keep)
{
    vkc_status st = nn_infer_write_gate(k->inf, k->model->cfg.retention.gate_scale, centre);
    if (st == VKC_OK)
        st = measure(k, keep);
    if (st != VKC_OK)
        return st;
    if (k->tries++ == 0 || fabs(*keep - k->wanted) < fabs(k->best_keep - k->wanted)) {
        k->best = centre;
        k->best_keep = *keep;
    }
    if (!nn_progress_report(k->p->progress, k->p->user, "centre", "tries", "", &k->pace, k->tries, 0))
        return VKC_FAIL(VKC_E_STOPPED, "retention: stopped while looking for the centre");
    return VKC_OK;
}

// A larger centre lets tokens stay longer. First a bracket by doubled steps from where the centre is, then halving.
static vkc_status search(probe *k, double within, double step)
{
    double low = k->model->cfg.retention.gate_centre, high = low, keep;
    vkc_status st = try_centre(k, low, &keep);
    const bool up = keep < k->wanted;
    bool is_closed = false;
    while (st == VKC_OK && !is_closed && fabs(k->best_keep - k->wanted) > within && step < 2 * NN_MAX_GATE) {
        double next = fmax(-NN_MAX_GATE, fmin(NN_MAX_GATE, up ? high + step : low - step));
        st = try_centre(k, next, &keep);
        is_closed = up ? keep >= k->wanted : keep <= k->wanted;
        if (up) {
            low = is_closed ? high : next;
            high = next;
        } else {
            high = is_closed ? low : next;
            low = next;
        }
        step *= 2;
    }
    while (st == VKC_OK && is_closed && fabs(k->best_keep - k->wanted) > within && k->tries < MAX_TRIES) {
        double middle = 0.5 * (low + high);
        st = try_centre(k, middle, &keep);
        *(keep < k->wanted ? &low : &high) = middle;
    }
    return st;
}

vkc_status distill_find_centre(nn_model *m, const distill_pictures *s, double keep, double within, double step,
                               const distill_retain_params *p, double *got)
{
    probe k = { .model = m, .s = s, .p = p, .pace = nn_pace_start(), .wanted = keep };
    k.logits = (float *) malloc((size_t) BATCH * m->cfg.classes * sizeof *k.logits);
    vkc_status st = k.logits ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "retention: out of host memory");
    if (st == VKC_OK)
        st = nn_infer_create_with(m, &(nn_infer_params) { .cap_images = BATCH, .kept = true }, &k.inf);
    if (st == VKC_OK)
        st = search(&k, within, step);
    if (k.tries) {
        m->cfg.retention.gate_centre = k.best;
        *got = k.best_keep;
    }
    nn_infer_destroy(k.inf);
    free(k.logits);
    return st;
}
