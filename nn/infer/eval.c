// eval.c — top-1, top-5 and loss over a split.
#include "nn/models/picture_loader.h"
#include "nn/infer/eval.h"

#include "nn/infer/infer.h"
#include "nn/data/loader.h"
#include "vk/clock.h"

#include <math.h>
#include <stdlib.h>

typedef struct tally {
    double loss;
    uint32_t n, top1, top5;
    double keep[NN_MAX_DEPTH];      // sums of shares
} tally;

uint32_t nn_logits_rank(const float *logits, uint32_t classes, uint32_t label)
{
    uint32_t above = 0;
    for (uint32_t k = 0; k < classes; k++)
        above += k != label && !(logits[k] < logits[label]);
    return above;
}

// Rank of the label, and its cross-entropy.
static void judge(const float *logits, uint32_t classes, uint32_t label, tally *t)
{
    double most = (double) logits[0], sum = 0;
    const uint32_t above = nn_logits_rank(logits, classes, label);
    for (uint32_t k = 0; k < classes; k++)
        most = fmax(most, (double) logits[k]);
    for (uint32_t k = 0; k < classes; k++)
        sum += exp((double) logits[k] - most);
    t->loss += log(sum) + most - (double) logits[label];
    t->top1 += above < 1;
    t->top5 += above < 5;
    t->n++;
}

vkc_status nn_eval(const nn_model *v, const nn_eval_params *p, nn_eval_result *out)
{
    vkc_status st;
    const uint32_t batch = p->batch ? p->batch : 128;
    const double start = vkc_seconds();
    nn_loader *l = NULL;
    nn_infer *inf = NULL;
    float *pixels = NULL, *logits = NULL;
    uint32_t *labels = NULL;
    VKC_TRY(nn_model_config_check_scores(&v->cfg));
    tally t = { 0 };
    *out = (nn_eval_result) { 0 };
    if (nn_dataset_classes(p->data) != v->cfg.classes)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u", nn_dataset_spec(p->data),
                        nn_dataset_classes(p->data), v->cfg.classes);
    nn_loader_params lp = nn_loader_params_of(&v->cfg, p->data, p->split, batch);
    lp.threads = p->threads;
    lp.max_images = p->max_images;
    VKC_TRY(nn_loader_create(&lp, &l));
    VKC_TRY(nn_infer_create_with(v, &(nn_infer_params) { .cap_images = batch, .check_finite = p->check_finite,
                                                         .kept = true }, &inf));
    const size_t len = (size_t) nn_model_config_pixels(&v->cfg);
    pixels = (float *) malloc(batch * len * sizeof *pixels);
    logits = (float *) malloc((size_t) batch * v->cfg.classes * sizeof *logits);
    labels = (uint32_t *) malloc(batch * sizeof *labels);
    if (!pixels || !logits || !labels) {
        st = VKC_FAIL(VKC_E_NOMEM, "evaluate: out of host memory");
        goto done;
    }
    const uint32_t batches = nn_loader_batches(l);
    for (uint32_t k = 0; k < batches; k++) {
        uint32_t n;
        VKC_TRY(nn_loader_get(l, pixels, labels, &n));
        if (n == 0)
            continue;
        VKC_TRY(nn_infer_run(inf, pixels, n, logits));
        for (uint32_t i = 0; i < n; i++)
            judge(logits + (size_t) i * v->cfg.classes, v->cfg.classes, labels[i], &t);
        nn_infer_add_shares(inf, n, t.keep);
        if (!nn_progress_report(p->progress, p->user, "evaluate", "images", "", start, 0, t.n,
                                t.n + (batches - 1 - k) * batch)) {
            st = VKC_FAIL(VKC_E_STOPPED, "evaluate: stopped after %u images", t.n);
            goto done;
        }
    }
    if (t.n == 0) {
        st = VKC_FAIL(VKC_E_FORMAT, "no usable image in %s", nn_dataset_spec(p->data));
        goto done;
    }
    *out = (nn_eval_result) {
        .top1 = (double) t.top1 / t.n, .top5 = (double) t.top5 / t.n, .loss = t.loss / t.n,
        .images = t.n, .bad = nn_loader_bad(l), .seconds = vkc_seconds() - start,
    };
    out->images_per_s = out->images / out->seconds;
    out->n_keep = v->cfg.retention.policy != NN_POLICY_NONE ? v->cfg.depth : 0;
    out->keep = out->n_keep ? 0.0 : 1.0;
    for (uint32_t k = 0; k < out->n_keep; k++) {
        out->keep_layer[k] = t.keep[k] / t.n;
        out->keep += out->keep_layer[k] / out->n_keep;
    }
done:
    free(labels);
    free(logits);
    free(pixels);
    nn_infer_destroy(inf);
    nn_loader_destroy(l);
    return st;
}
