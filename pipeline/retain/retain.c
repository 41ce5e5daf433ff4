// retain.c — token pruning: a series of models, trained one after the other.
#include "pipeline/retain/retain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/data.h"
#include "pipeline/base/judge.h"
#include "pipeline/base/load.h"
#include "pipeline/run/inputs.h"
#include "pipeline/run/output.h"
#include "pipeline/run/save.h"
#include "pipeline/train/recipe.h"

typedef struct retain_work {
    const pipeline_context *c;
    const pipeline_retain_params *p;
    pipeline_data data;             // with the teacher's classes
    nn_dataset *view;
    nn_model *teacher, *model;      // model: the one being made
    json_t   *read;                 // checksums of data and teacher, inputs of every run; NULL = no memory
    bool      halts_already;        // the teacher: its gate stays as it is
    pipeline_retain_result *r;
} retain_work;

static vkc_status measure(retain_work *w, pipeline_retained *m)
{
    const pipeline_data *d = &w->data;
    const nn_split split = pipeline_final_split(d->set);
    vkc_status st;
    VKC_TRY(pipeline_measure(w->c, w->model, d, NN_SPLIT_VAL, &m->val));
    VKC_TRY(pipeline_measure(w->c, w->model, d, NN_SPLIT_TEST, &m->test));
    VKC_TRY(distill_retain_measure(w->model, &(distill_retain_stats_params) {
        .data = d->set, .split = split, .dense = w->teacher, .images = d->limit, .threads = d->threads,
        .progress = w->c->progress, .user = w->c->user }, &m->stats));
    if (!w->p->no_timing)
        VKC_TRY(pipeline__retain_time(w->c, d, w->teacher, w->model, m, w->r));
    const nn_eval_result *e = pipeline_retained_figures(m);
    m->macs = (double) nn_model_macs(w->teacher, w->teacher->cfg.depth);
    m->kept_macs = nn_model_kept_macs(w->model, e->keep_layer);
    pipeline_pruning_tell(w->c, &w->p->pruning, &w->model->cfg, m->keep, e, split);
done:
    return st;
}

static vkc_status save(const retain_work *w, pipeline_retained *m, pipeline_run *run)
{
    char *more = pipeline__retained_card(m, w->r, &w->p->recipe);
    pipeline_data_tell_bad(w->c, w->p->data.set);
    m->json = pipeline__retained_json(m, w->r, w->model);
    vkc_status st = more ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "run: out of host memory");
    if (st == VKC_OK)
        st = pipeline_run_save(run, &(pipeline_saved) {
            .model = w->model, .out = m->out, .data = w->p->data.set, .result = m->json,
            .seconds = m->train.seconds, .val = &m->val, .test = &m->test, .more = more });
    free(more);
    return st;
}

static vkc_status make_model(retain_work *w, uint32_t i, pipeline_run *run)
{
    const pipeline_retain_params *p = w->p;
    pipeline_retained *m = &w->r->model[i];
    const pipeline_place place = { .out = m->out, .run = p->place.run ? m->run : NULL, .resume = p->place.resume,
                                   .force = p->place.force };
    vkc_status st;
    if (i == 0 || !p->chain) {
        nn_model_destroy(w->model);
        w->model = NULL;
        VKC_TRY(nn_model_load(w->c->dev, p->teacher, true, &w->model));
    }
    const double scale = i > 0 && p->chain ? w->model->cfg.retention.gate_scale : m->retention.gate_scale;
    w->model->cfg.retention = m->retention;
    w->model->cfg.retention.gate_scale = scale;
    distill_retain_params t = pipeline_retain_training(w->c, p, w->r, i);
    t.plain_gate = t.plain_gate || w->halts_already;
    t.data = w->data.set;
    t.resume = place.resume;
    VKC_TRY(distill_retain_check_gate(w->model, &t));
    VKC_TRY(pipeline_run_open(run, w->c, &place, p->seed, pipeline__retain_inputs(p, w->r, i, w->read)));
    t.run_dir = run->dir;
    t.resume = run->is_resumed;
    pipeline_judge judge;
    t.judge = pipeline_judge_make(&judge, w->c, w->model, &w->data, p->keep_last);
    st = distill_retain(w->teacher, w->model, &t, &m->train);
    pipeline_judge_finish(&judge);
    if (st != VKC_OK)
        goto done;
    VKC_TRY(measure(w, m));
    VKC_TRY(save(w, m, run));
    if (p->told)
        st = p->told(w->c->user, i, w->r);
done:
    return pipeline_run_end(run, w->c, st);
}

// The plan, and whether its folders can be written.
static vkc_status check(const pipeline_context *c, const pipeline_retain_params *p, pipeline_retain_result *r)
{
    nn_model_config cfg = { 0 };
    vkc_status st;
    if (!p->teacher || !p->place.out)
        return VKC_FAIL(VKC_E_ARG, "retain: want a teacher and a folder to write");
    VKC_TRY(nn_model_config_load(p->teacher, &cfg));
    VKC_TRY(nn_model_config_check_pictures(&cfg));
    VKC_TRY(nn_model_config_check_exclusive(&cfg));
    VKC_TRY(pipeline_retain_plan(c, p, &cfg, r));
    const char *const read[] = { p->teacher, p->data.set ? nn_dataset_spec(p->data.set) : NULL };
    for (uint32_t i = 0; i < r->n; i++)
        VKC_TRY(pipeline_check_place(c, &(pipeline_place) {
            .out = r->model[i].out, .run = p->place.run ? r->model[i].run : NULL, .resume = p->place.resume,
            .force = p->place.force }, read, 2));
done:
    nn_model_config_finish(&cfg);
    return st;
}

vkc_status pipeline_retain_check(const pipeline_context *c, const pipeline_retain_params *p)
{
    pipeline_retain_result *r = (pipeline_retain_result *) calloc(1, sizeof *r);
    vkc_status st = r ? check(c, p, r) : VKC_FAIL(VKC_E_NOMEM, "retain: out of host memory");
    free(r);
    return st;
}

static vkc_status run_all(retain_work *w)
{
    const pipeline_retain_params *p = w->p;
    vkc_status st;
    VKC_TRY(check(w->c, p, w->r));
    VKC_TRY(pipeline_check_data(&p->data));
    VKC_TRY(pipeline_load_model(w->c, p->teacher, false, &w->teacher));
    if (w->teacher->cfg.retention.policy != NN_POLICY_NONE)
        pipeline_say(w->c, PIPELINE_NOTE, "%s has token pruning already: training starts from it, and its "
                     "teacher is the model with all tokens", p->teacher);
    w->halts_already = w->teacher->cfg.retention.policy == NN_POLICY_HALTING;
    w->teacher->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
    VKC_TRY(pipeline_data_match(w->c, &w->data, &w->teacher->cfg, p->teacher, &w->view));
    pipeline_recipe_tell(w->c, &p->recipe);
    pipeline_say(w->c, PIPELINE_STARTED, "%s is measured with all its tokens", p->teacher);
    // Without a test split both are of val, which is gone through once.
    const bool is_once = pipeline_final_split(w->data.set) == NN_SPLIT_VAL;
    if (!p->place.resume && !is_once)
        VKC_TRY(pipeline_check_teacher(w->c, w->teacher, &w->data, p->teacher, NULL));
    VKC_TRY(pipeline_measure(w->c, w->teacher, &w->data, pipeline_final_split(w->data.set), &w->r->teacher));
    if (!p->place.resume && is_once)
        VKC_TRY(pipeline_check_teacher(w->c, w->teacher, &w->data, p->teacher, &w->r->teacher));
    w->read = pipeline_inputs_with_model(pipeline_inputs_with_data(json_object(), p->data.set), "weights", p->teacher);
    for (uint32_t i = 0; i < w->r->n && st == VKC_OK; i++) {
        pipeline_run run = { .info = NULL };
        st = make_model(w, i, &run);
        memcpy(w->r->run_dir, run.dir, sizeof run.dir);
        pipeline_run_close(&run);
    }
done:
    return st;
}

vkc_status pipeline_retain(const pipeline_context *c, const pipeline_retain_params *p, pipeline_retain_result *out)
{
    retain_work w = { .c = c, .p = p, .data = p->data, .r = out };
    memset(out, 0, sizeof *out);
    vkc_status st = run_all(&w);
    json_decref(w.read);
    nn_dataset_destroy(w.view);
    nn_model_destroy(w.model);
    nn_model_destroy(w.teacher);
    return st;
}

void pipeline_retain_finish(pipeline_retain_result *r)
{
    for (uint32_t i = 0; i < PIPELINE_MAX_SERIES; i++) {
        json_decref(r->model[i].json);
        r->model[i].json = NULL;
    }
}
