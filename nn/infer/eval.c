// eval.c — top-1, top-5 and loss over a split.
#include "nn/models/picture_loader.h"
#include "nn/infer/eval.h"

#include "nn/data/loader_feed.h"
#include "vk/clock.h"

#include <math.h>
#include <stdlib.h>

typedef struct tally {
    double loss;
    uint32_t n, top1, top5;
    double keep[NN_MAX_DEPTH];      // sums of shares
    nn_pace pace;
} tally;

uint32_t nn_logits_rank(const float *logits, uint32_t classes, uint32_t label)
{
    uint32_t above = 0;
    for (uint32_t k = 0; k < classes; k++)
        above += k != label && !(logits[k] < logits[label]);
    return above;
}

// Of sigmoids, each against whether its class is the label: mean of the classes.
static double get_binary_loss(const float *logits, uint32_t classes, uint32_t label)
{
    double sum = 0;
    for (uint32_t k = 0; k < classes; k++) {
        const double x = k == label ? -(double) logits[k] : (double) logits[k];
        sum += fmax(x, 0) + log1p(exp(-fabs(x)));
    }
    return sum / classes;
}

// Rank of the label, and its cross-entropy.
static void judge(const float *logits, uint32_t classes, uint32_t label, bool is_binary, tally *t)
{
    double most = (double) logits[0], sum = 0;
    const uint32_t above = nn_logits_rank(logits, classes, label);
    for (uint32_t k = 0; k < classes; k++)
        most = fmax(most, (double) logits[k]);
    for (uint32_t k = 0; k < classes; k++)
        sum += exp((double) logits[k] - most);
    t->loss += is_binary ? get_binary_loss(logits, classes, label) : log(sum) + most - (double) logits[label];
    t->top1 += above < 1;
    t->top5 += above < 5;
    t->n++;
}

// Labels and logits of one batch after the other.
static vkc_status judge_all(nn_infer *inf, const nn_model *m, const nn_feed *feed, const nn_eval_params *p,
                            const char *unit, uint32_t *labels, tally *t)
{
    const float *logits = nn_infer_logits(inf);
    const bool is_binary = nn_model_config_scores(&m->cfg) == NN_SCORES_SIGMOID;
    vkc_status st;
    nn_feed_batch b;
    VKC_TRY(nn_infer_want(inf, &b));
    VKC_TRY(nn_feed_want(&b, "labels", labels, feed->cap * sizeof *labels));
    VKC_TRY(nn_feed_check(feed, &b));
    VKC_TRY(feed->seek(feed->self, 0, 0));
    for (uint32_t k = 0; k < feed->batches; k++) {
        VKC_TRY(feed->get(feed->self, &b));
        if (b.n == 0)
            continue;
        VKC_TRY(nn_infer_run_filled(inf, b.n));
        for (uint32_t i = 0; i < b.n; i++)
            judge(logits + (size_t) i * m->cfg.classes, m->cfg.classes, labels[i], is_binary, t);
        if (m->cfg.retention.policy != NN_POLICY_NONE)
            nn_infer_add_shares(inf, b.n, t->keep);
        if (!nn_progress_report(p->progress, p->user, "evaluate", unit, "", &t->pace, t->n,
                                t->n + (feed->batches - 1 - k) * feed->cap))
            return VKC_FAIL(VKC_E_STOPPED, "evaluate: stopped after %u %s", t->n, unit);
    }
done:
    return st;
}

// What stands in `out` after it has been 0: everything but what is broken.
static vkc_status evaluate(const nn_model *m, const nn_feed *feed, const nn_eval_params *p, const char *unit,
                           nn_eval_result *out)
{
    const double start = vkc_seconds();
    vkc_status st;
    nn_infer *inf = p->kept ? *p->kept : NULL;
    tally t = { .pace = nn_pace_start() };
    uint32_t *labels = (uint32_t *) malloc((feed->cap + 1) * sizeof *labels);
    if (!labels) {
        st = VKC_FAIL(VKC_E_NOMEM, "evaluate: out of host memory");
        goto done;
    }
    if (!inf)
        VKC_TRY(nn_infer_create_with(m, &(nn_infer_params) {
            .cap_images = feed->cap, .check_finite = p->check_finite, .kept = true, .has_lengths = feed->has_lengths,
        }, &inf));
    else if (m->cfg.retention.policy == NN_POLICY_HALTING)
        VKC_TRY(nn_infer_write_gate(inf, m->cfg.retention.gate_scale, m->cfg.retention.gate_centre));
    VKC_TRY(judge_all(inf, m, feed, p, unit, labels, &t));
    *out = (nn_eval_result) { .images = t.n, .seconds = vkc_seconds() - start };
    if (t.n == 0)
        goto done;
    out->top1 = (double) t.top1 / t.n;
    out->top5 = (double) t.top5 / t.n;
    out->loss = t.loss / t.n;
    out->images_per_s = nn_pace_rate(&t.pace);
    if (out->images_per_s <= 0)     // one batch
        out->images_per_s = out->images / out->seconds;
    out->n_keep = m->cfg.retention.policy != NN_POLICY_NONE ? m->cfg.depth : 0;
    out->keep = out->n_keep ? 0.0 : 1.0;
    for (uint32_t k = 0; k < out->n_keep; k++) {
        out->keep_layer[k] = t.keep[k] / t.n;
        out->keep += out->keep_layer[k] / out->n_keep;
    }
done:
    if (p->kept)
        *p->kept = st == VKC_OK ? inf : NULL;
    if (!p->kept || st != VKC_OK)
        nn_infer_destroy(inf);
    free(labels);
    return st;
}

vkc_status nn_eval_feed(const nn_model *m, const nn_feed *feed, const nn_eval_params *p, nn_eval_result *out)
{
    *out = (nn_eval_result) { 0 };
    vkc_status st = nn_model_config_check_scores(&m->cfg);
    if (st == VKC_OK)
        st = evaluate(m, feed, p, "samples", out);
    return st == VKC_OK && out->images == 0 ? VKC_FAIL(VKC_E_FORMAT, "no usable sample to evaluate") : st;
}

vkc_status nn_eval(const nn_model *m, const nn_eval_params *p, nn_eval_result *out)
{
    vkc_status st;
    nn_loader *l = NULL;
    const double start = vkc_seconds();
    *out = (nn_eval_result) { 0 };
    VKC_TRY(nn_model_config_check_pictures(&m->cfg));
    VKC_TRY(nn_model_config_check_scores(&m->cfg));
    if (m->cfg.classes == 1)
        return VKC_FAIL(VKC_E_ARG, "the model has one class: every picture of it would count as right");
    if (nn_dataset_classes(p->data) != m->cfg.classes)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u", nn_dataset_spec(p->data),
                        nn_dataset_classes(p->data), m->cfg.classes);
    nn_loader_params lp = nn_loader_params_of(&m->cfg, p->data, p->split, p->batch ? p->batch : 128);
    lp.threads = p->threads;
    lp.max_images = p->max_images;
    VKC_TRY(nn_loader_create(&lp, &l));
    const nn_feed feed = nn_loader_feed(l, &lp);
    VKC_TRY(evaluate(m, &feed, p, "images", out));
    if (out->images == 0)
        st = VKC_FAIL(VKC_E_FORMAT, "no usable image in %s", nn_dataset_spec(p->data));
    out->bad = nn_loader_bad(l);
    out->seconds = vkc_seconds() - start;
done:
    nn_loader_destroy(l);
    return st;
}
