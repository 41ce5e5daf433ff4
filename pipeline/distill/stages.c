// stages.c — the stages of a distillation around the search.
#include "pipeline/distill/stages_impl.h"

#include "nn/base/json.h"
#include "nn/models/vit/positions.h"
#include "pipeline/base/data.h"
#include "pipeline/base/json.h"
#include "pipeline/base/judge.h"
#include "pipeline/run/inputs.h"
#include "pipeline/run/save.h"

#include <stdio.h>
#include <stdlib.h>

// The settings of the second tuning, unless they are as earlier versions had them: all is trained, and the rest is as
// in the first. So their runs go on where that is so, and are refused where it is not.
static void add_second(json_t *inputs, const pipeline_distill_params *a)
{
    pipeline_tuning was = a->tune;
    was.trained = DISTILL_TRAIN_ALL;
    was.epochs = a->tune_all.epochs;
    was.lr = a->tune_all.lr;
    was.recipe.rates.base = 0;
    json_t *had = pipeline_tuning_inputs(&was), *now = pipeline_tuning_inputs(&a->tune_all);
    if (a->tune_all.epochs && !(had && now && json_equal(had, now)))
        nn_json_set_new(inputs, "tune_all", now);
    else
        json_decref(now);
    json_decref(had);
}

// What decides the result. Baselines, the path on test and final timings do not, so a resumed run may ask for them.
static vkc_status build_inputs(const distill_work *w, json_t **out)
{
    const pipeline_distill_params *a = w->p;
    json_t *o = NULL;
    vkc_status st = pipeline__choices_inputs(w, &o);
    if (st != VKC_OK)
        return st;
    json_t *more = json_pack(
        "{s:s, s:o, s:o, s:s, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:i, s:f, s:I, s:o, s:i, s:f}", "data",
        nn_dataset_spec(a->data.set), "max_drop", a->min_share > 0 ? json_null() : json_real(a->max_drop), "confidence",
        a->confidence > 0 ? json_real(a->confidence) : json_null(),
        "objective", pipeline_objective_name(a->objective), "image", (int) w->r->image, "student",
        a->best ? "best" : "most", "target", distill_target_name(a->target), "distance",
        distill_distance_name(a->distance), "epochs", (int) a->epochs, "batch", (int) a->data.batch, "limit",
        (int) a->data.limit, "lr", a->lr, "weight_decay", a->weight_decay, "clip", a->clip,
        "match_epochs", (int) a->match_epochs, "match_lr", a->match_lr, "seed", (json_int_t) a->seed, "tune",
        pipeline_tuning_inputs(&a->tune), "tune_all_epochs", (int) a->tune_all.epochs, "tune_all_lr", a->tune_all.lr);
    if (!more || json_object_update(o, more) != 0)
        st = VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory, or a path is not UTF-8");
    if (a->min_share > 0.0)
        nn_json_set_new(o, "min_share", json_real(a->min_share));
    if (a->match_epochs && a->match_loss != DISTILL_MATCH_KL)   // runs from before there was another have none
        nn_json_set_new(o, "match_loss", json_string(distill_match_loss_name(a->match_loss)));
    if (a->objective == PIPELINE_LATENCY)
        nn_json_set_new(o, "timing_batch", json_integer((json_int_t) a->timing_batch));
    json_decref(more);
    add_second(o, a);
    pipeline__schedule_inputs(a, o);
    pipeline_data_add_inputs(o, &a->data);
    if (st == VKC_OK)
        *out = o;
    else
        json_decref(o);
    return st;
}

vkc_status pipeline__stage_run(distill_work *w)
{
    json_t *inputs = NULL;
    vkc_status st = build_inputs(w, &inputs);
    return st == VKC_OK ? pipeline_run_open(&w->run, w->c, &w->p->place, w->p->seed,
                                             pipeline_inputs_with_data(inputs, w->p->data.set)) : st;
}

vkc_status pipeline__stage_sparsity(distill_work *w)
{
    char path[PIPELINE_PATH_MAX];
    distill_sparsity_params p = { .data = w->p->data.set, .split = NN_SPLIT_VAL, .images = w->p->data.limit,
                                  .progress = w->c->progress, .user = w->c->user };
    vkc_status st = distill_sparsity_measure(w->teacher, &p, &w->r->sparsity);
    if (st == VKC_OK)
        st = pipeline_run_path(&w->run, "sparsity.json", path);
    if (st != VKC_OK)
        return st;
    json_t *o = pipeline_sparsity_json(&w->r->sparsity, w->c->dev);
    st = o ? nn_json_save(path, o) : VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    json_decref(o);
    return st == VKC_OK ? pipeline__work_tell(w, PIPELINE_DISTILL_SPARSITY, 0) : st;
}

vkc_status pipeline__stage_tune_as(distill_work *w, const char *what, const pipeline_tuning *settings)
{
    const pipeline_distill_params *a = w->p;
    pipeline_distill_result *r = w->r;
    distill_tune_params p;
    pipeline_tuning_fill(settings, &p);
    p.data = a->data.set;
    p.batch = a->data.batch;
    p.seed = a->seed;
    p.threads = a->data.threads;
    p.check_finite = pipeline_is_checked(&a->data, true);
    p.run_dir = w->run.dir;
    p.resume = w->run.is_resumed;
    p.progress = w->c->progress;
    p.user = w->c->user;
    pipeline_judge judge = { .infer = NULL };
    p.judge = pipeline_judge_make(&judge, w->c, w->student, &a->data, settings->keep_last);
    vkc_status st;
    VKC_TRY(pipeline__work_steps_left(w, &p.max_steps));
    pipeline_tuned *t = &r->tune[r->n_tunes];
    *t = (pipeline_tuned) { .settings = *settings };
    snprintf(t->what, sizeof t->what, "%s", what);
    p.what = t->what;
    VKC_TRY(distill_tune(w->teacher, w->student, &p, &t->result));
    st = pipeline__work_tell(w, PIPELINE_DISTILL_TUNE, r->n_tunes++);
done:
    pipeline_judge_finish(&judge);
    return st;
}

vkc_status pipeline__tuning_check(const pipeline_context *c, const pipeline_distill_params *p)
{
    vkc_status st = pipeline_tuning_check(c, "tune-", &p->tune, p->data.batch);
    return st == VKC_OK ? pipeline_tuning_check(c, "tune-all-", &p->tune_all, p->data.batch) : st;
}

vkc_status pipeline__stage_tune(distill_work *w)
{
    const pipeline_distill_params *a = w->p;
    const bool first = a->tune.epochs && !a->schedule;     // in a schedule every step has had its own
    nn_model *trainable = NULL;
    vkc_status st;
    if (!first && !a->tune_all.epochs)
        return VKC_OK;
    VKC_TRY(nn_model_create_at(w->student, (nn_size) { 0, 0 }, true, &trainable));
    nn_model_destroy(w->student);
    w->student = trainable;
    if (first)
        VKC_TRY(pipeline__stage_tune_as(w, "tune", &a->tune));
    if (a->tune_all.epochs)
        st = pipeline__stage_tune_as(w, "tune-all", &a->tune_all);
done:
    return st;
}

// Accuracy at the size of the objective.
static vkc_status compare_at(const distill_work *w, const nn_model *m, nn_eval_result *out)
{
    nn_model *at = NULL;
    vkc_status st = nn_model_create_at(m, (nn_size) { w->r->image, w->r->image }, false, &at);
    if (st == VKC_OK)
        st = pipeline_measure(w->c, at, &w->p->data, w->r->split, out);
    nn_model_destroy(at);
    return st;
}

vkc_status pipeline__stage_compare(distill_work *w)
{
    const pipeline_distill_params *a = w->p;
    pipeline_distill_result *r = w->r;
    const nn_model_config *cfg[PIPELINE_MODELS];
    nn_model_config forward = { 0 };
    uint32_t models, image[PIPELINE_SIZES + 1];
    vkc_status st;
    r->split = pipeline_final_split(a->data.set);
    r->teacher_params = nn_params_count(w->teacher->params);
    r->student_params = nn_params_count(w->student->params);
    VKC_TRY(pipeline_measure(w->c, w->teacher, &a->data, r->split, &r->teacher));
    VKC_TRY(pipeline_measure(w->c, w->student, &a->data, r->split, &r->student));
    if (r->image != w->teacher->cfg.height) {
        VKC_TRY(compare_at(w, w->teacher, &r->teacher_at));
        VKC_TRY(compare_at(w, w->student, &r->student_at));
    }
    if (!a->no_timing) {
        VKC_TRY(pipeline_costs_configs(&w->teacher->cfg, &w->student->cfg, &forward, cfg, &models));
        const uint32_t n = pipeline_model_sizes(cfg[0], r->image, image);
        VKC_TRY(pipeline_time_models(w->c, cfg, models, a->timing_batch, a->seed, image, n, r->time));
        r->n_times = n;
        r->timing_batch = a->timing_batch;
    }
    st = pipeline_costs_measure(w->c, &(pipeline_costs_params) {
        .teacher = w->teacher, .student = w->student, .batch = a->timing_batch, .seed = a->seed,
        .no_timing = a->no_timing, .known = a->no_timing ? NULL : r->time }, &r->costs);    // the first: its own size
done:
    nn_model_config_finish(&forward);
    return st;
}

vkc_status pipeline__stage_save(distill_work *w)
{
    const pipeline_distill_params *a = w->p;
    pipeline_distill_result *r = w->r;
    const bool is_test = r->split == NN_SPLIT_TEST;
    char *more = pipeline__work_card(r, pipeline_distill_asked(r));
    pipeline_data_tell_bad(w->c, a->data.set);
    r->json = pipeline__work_json(r, w->c->dev);
    vkc_status st = more && r->json ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "run: out of host memory");
    if (st == VKC_OK && !a->schedule)
        st = pipeline__students_save_other(w);
    if (st == VKC_OK)
        st = pipeline_run_save(&w->run, &(pipeline_saved) {
            .model = w->student, .out = a->place.out, .data = a->data.set, .result = r->json,
            .seconds = pipeline__work_seconds(r, true), .val = is_test ? NULL : &r->student,
            .test = is_test ? &r->student : NULL, .more = more });
    free(more);
    return st;
}
