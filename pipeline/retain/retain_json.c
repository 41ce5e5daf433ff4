// retain_json.c — settings and results of a series of token-pruned models, as JSON and Markdown.
#include "pipeline/retain/retain_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"
#include "pipeline/base/data.h"
#include "pipeline/base/json.h"
#include "pipeline/base/judge.h"
#include "pipeline/base/text.h"
#include "pipeline/train/recipe.h"

// Share of `all` patches that are there, by layer.
static json_t *build_shares(const uint64_t *count, uint64_t all, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t l = 0; l < n; l++)
        nn_json_append_new(list, pipeline_number(all ? (double) count[l] / (double) all : (double) NAN));
    return list;
}

void pipeline_add_ring(json_t *o, const distill_retain_stats *s)
{
    const distill_survival *r = &s->ring;
    if (!s->has_truth)
        return;
    nn_json_set_new(o, "ring_survival", pipeline_number(distill_survival_ratio(r, s->depth - 1, s->depth)));
    nn_json_set_new(o, "ring_survival_mean", pipeline_number(distill_survival_ratio(r, s->depth, s->depth)));
    nn_json_set_new(o, "ring_per_layer", build_shares(r->in, r->inside, s->depth));
    nn_json_set_new(o, "others_per_layer", build_shares(r->out, r->outside, s->depth));
}

static bool has_overlap(const distill_retain_stats *s)
{
    bool has = false;
    for (uint32_t l = 0; l < s->depth; l++)
        has = has || isfinite(s->overlap[l]);
    return has;
}

// {keep, keep_per_layer, overlap, auprc, ring_survival, ring_survival_mean, ring_per_layer, others_per_layer}; the last
// four with a truth only; null where there is nothing to compare with.
static json_t *build_stats(const distill_retain_stats *s)
{
    json_t *o = json_pack("{s:o, s:o}", "keep", pipeline_number(s->keep), "keep_per_layer",
                          pipeline_numbers(s->layer, s->depth));
    if (!o)
        return NULL;
    if (has_overlap(s)) {
        nn_json_set_new(o, "overlap", pipeline_numbers(s->overlap, s->depth));
        nn_json_set_new(o, "auprc", pipeline_numbers(s->auprc, s->depth));
    }
    pipeline_add_ring(o, s);
    return o;
}

static json_t *build_rate(double images_per_s)
{
    return images_per_s > 0 ? pipeline_number(images_per_s) : json_null();
}

const nn_eval_result *pipeline_retained_figures(const pipeline_retained *m)
{
    return m->test.images ? &m->test : &m->val;
}

json_t *pipeline__retained_json(const pipeline_retained *m, const pipeline_retain_result *r, const nn_model *model)
{
    const vkc_device_info *i = vkc_device_get_info(model->dev);
    const nn_eval_result *e = pipeline_retained_figures(m);
    json_t *stats = build_stats(&m->stats);
    json_t *result = json_pack(
                     "{s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:s, s:s}",
                     "keep_asked", m->keep > 0 ? pipeline_number(m->keep) : json_null(), "keep",
                     pipeline_number(e->keep), "top1", pipeline_number(e->top1),
                     "policy", nn_policy_name(m->retention.policy), "model", m->out, "images_per_s",
                     build_rate(m->images_per_s), "teacher_top1", pipeline_number(r->teacher.top1),
                     "teacher_images_per_s", build_rate(r->teacher_images_per_s), "retention",
                     nn_retention_json(&model->cfg), "val", pipeline_eval_json(&m->val), "test",
                     pipeline_eval_json(&m->test), "steps", (json_int_t) m->train.steps, "train_loss",
                     pipeline_number(m->train.loss), "trained_keep", pipeline_number(m->train.trained_keep),
                     "start_centre", pipeline_number(m->train.start_centre), "seconds",
                     pipeline_number(m->train.seconds), "device", i->name, "driver", i->driver);
    if (result)
        nn_json_update_missing(result, stats);
    nn_json_set_new(result, "macs", pipeline_number(m->macs));
    nn_json_set_new(result, "kept_macs", pipeline_number(m->kept_macs));
    if (m->train.steps)
        pipeline_best_add(result, &m->train.best);
    json_decref(stats);
    return result;
}

static json_t *build_blocks(const uint32_t *at, uint32_t n)
{
    double x[NN_MAX_DEPTH];
    for (uint32_t i = 0; i < n; i++)
        x[i] = at[i];
    return pipeline_number_list_json(x, n);
}

json_t *pipeline__retain_inputs(const pipeline_retain_params *p, const pipeline_retain_result *r, uint32_t i,
                                json_t *read)
{
    json_t *o = json_pack(
                     "{s:s, s:s, s:o*, s:o*, s:i, s:i, s:f, s:f, s:f, s:f, s:b, s:b, s:s*, s:i, s:I}",
                     "teacher", p->teacher, "data", nn_dataset_spec(p->data.set), "at", build_blocks(p->at, p->n_at),
                     "share", pipeline_number_list_json(p->share, p->n_share), "epochs", (int) r->epochs, "batch",
                     (int) p->data.batch, "lr", nn_rates_peak(&p->recipe.rates, p->lr, p->data.batch),
                     "weight_decay", p->weight_decay, "clip", p->clip, "kl", p->kl, "plain_gate", (int) p->plain_gate,
                     "no_augment", (int) p->plain, "after",
                     p->chain && i > 0 ? r->model[i - 1].out : NULL, "limit", (int) p->data.limit, "seed",
                     (json_int_t) p->seed);
    if (!p->pruning.fixed_gate)
        nn_json_set_new(o, "keep", json_real(r->model[i].keep));
    pipeline_pruning_add_inputs(o, &p->pruning);
    pipeline_recipe_add_inputs(o, &p->recipe);
    pipeline_judge_add_inputs(o, p->keep_last);
    pipeline_data_add_inputs(o, &p->data);
    if (o && json_object_update(o, read) == 0)
        return o;
    json_decref(o);
    return NULL;
}

static void print_ratio(double ratio, char out[48])
{
    if (isinf(ratio))
        snprintf(out, 48, "no other is left");
    else if (isnan(ratio))
        snprintf(out, 48, "-");
    else
        snprintf(out, 48, "%.2f times as often", ratio);
}

void pipeline_ring_text(const distill_retain_stats *s, char *text, size_t size)
{
    char last[48], mean[48];
    *text = '\0';
    if (!s->has_truth)
        return;
    print_ratio(distill_survival_ratio(&s->ring, s->depth - 1, s->depth), last);
    print_ratio(distill_survival_ratio(&s->ring, s->depth, s->depth), mean);
    snprintf(text, size, "patches of the ring survive, against the others: at the last layer %s, mean of layers %s",
             last, mean);
}

static void print_markdown(FILE *f, const pipeline_retained *m, const pipeline_retain_result *r)
{
    const nn_eval_result *e = pipeline_retained_figures(m);
    const distill_retain_stats *s = &m->stats;
    char ring[200];
    fprintf(f, "## Tokens\n\nPolicy %s, ", nn_policy_name(m->retention.policy));
    if (m->keep > 0)
        fprintf(f, "asked to keep %.1f %% of the patches; mean over blocks %.1f %%.\n\n", 100.0 * m->keep,
                100.0 * e->keep);
    else
        fprintf(f, "with a fixed gate, sigma(%g x - %g); patches kept, mean over blocks, %.1f %%.\n\n",
                m->retention.gate_scale, m->retention.gate_centre, 100.0 * e->keep);
    fprintf(f, "|  | all tokens | this model |\n|---|---|---|\n| top-1 | %.2f %% | %.2f %% |\n",
            100.0 * r->teacher.top1, 100.0 * e->top1);
    fprintf(f, "| multiply-adds of a picture | %.4g M | %.4g M |\n", 1e-6 * m->macs, 1e-6 * m->kept_macs);
    if (m->images_per_s > 0)
        fprintf(f, "| images a second | %.0f | %.0f |\n", r->teacher_images_per_s, m->images_per_s);
    fputs("\nPatches at the entry of layer", f);
    for (uint32_t l = 0; l < s->depth; l++)
        fprintf(f, "%s %u: %.1f %%", l ? "," : "", l, 100.0 * s->layer[l]);
    fputs(".\n", f);
    pipeline_ring_text(s, ring, sizeof ring);
    if (*ring)
        fprintf(f, "\n%s\n", ring);
}

char *pipeline__retained_card(const pipeline_retained *m, const pipeline_retain_result *r, const nn_recipe *recipe)
{
    char *text = NULL, how[PIPELINE_RECIPE_TEXT];
    pipeline_text t;
    if (pipeline_text_open(&t) != VKC_OK)
        return NULL;
    print_markdown(t.f, m, r);
    pipeline_recipe_text(recipe, how, sizeof how);
    if (m->train.steps && *how)
        fprintf(t.f, "\n%s", how);
    return pipeline_text_close(&t, &text, NULL) == VKC_OK ? text : NULL;
}
