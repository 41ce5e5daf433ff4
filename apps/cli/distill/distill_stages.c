// distill_stages.c — the stages of pare distill around the search.
#include "apps/cli/distill/distill_stages.h"

#include "apps/cli/core/card.h"
#include "nn/base/json.h"
#include "nn/models/vit/positions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What decides the result. Baselines, the path on test and final timings do not, so a resumed run may ask for them.
static vkc_status build_inputs(const distill_work *w, json_t **out)
{
    const distill_args *a = w->a;
    json_t *o = NULL;
    vkc_status st = mixers_inputs(w, &o);
    if (st != VKC_OK)
        return st;
    json_t *more = json_pack(
        "{s:s, s:f, s:o, s:s, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:i, s:f, s:I, s:o, s:i, s:f}", "data",
        a->d.data, "max_drop", a->max_drop, "confidence", a->confidence > 0 ? json_real(a->confidence) : json_null(),
        "objective", report_objective_name(w->report.objective), "image", (int) w->report.image, "student",
        a->best ? "best" : "most", "target", a->target, "distance", a->distance, "epochs", (int) a->epochs, "batch",
        (int) a->d.batch, "limit", (int) a->d.limit, "lr", a->lr, "weight_decay", a->weight_decay, "clip", a->clip,
        "match_epochs", (int) a->match_epochs, "match_lr", a->match_lr, "seed", (json_int_t) a->common.seed, "tune",
        tune_inputs(&a->tune), "tune_all_epochs", (int) a->tune_all_epochs, "tune_all_lr", a->tune_all_lr);
    if (!more || json_object_update(o, more) != 0)
        st = VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory, or a path is not UTF-8");
    if (w->report.objective == OBJECTIVE_LATENCY)
        json_object_set_new(o, "timing_batch", json_integer((json_int_t) a->timing_batch));
    json_decref(more);
    if (st == VKC_OK)
        *out = o;
    else
        json_decref(o);
    return st;
}

vkc_status stage_run(distill_work *w)
{
    const distill_args *a = w->a;
    json_t *inputs = NULL;
    vkc_status st = build_inputs(w, &inputs);
    if (st != VKC_OK)
        return st;
    st = run_open(&w->run, &(run_params) { &a->common, w->dev, a->run, a->out, inputs, a->resume, a->force });
    if (st == VKC_OK && a->resume && !w->run.is_resumed)
        st = app_check_output(a->out, a->force);
    return st;
}

vkc_status stage_sparsity(distill_work *w)
{
    char path[RUN_PATH_MAX];
    distill_sparsity_params p = { .data = w->data, .split = NN_SPLIT_VAL, .images = w->a->d.limit,
                                  .progress = console_progress };
    vkc_status st = distill_sparsity_measure(w->teacher, &p, &w->report.sparsity);
    if (st == VKC_OK)
        st = run_path(&w->run, "sparsity.json", path);
    if (st != VKC_OK)
        return st;
    json_t *o = sparsity_json(&w->report.sparsity, w->dev);
    st = o ? nn_json_save(path, o) : VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    json_decref(o);
    if (st == VKC_OK && !w->a->common.json) {
        console_clear();
        puts("attention of the teacher:");
        sparsity_print(stdout, &w->report.sparsity, &(sparsity_view) { .keys = DISTILL_KEYS_ALL });
        putchar('\n');
        st = app_flush();
    }
    return st;
}

vkc_status stage_steps_left(const distill_work *w, uint32_t *left)
{
    const distill_report *r = &w->report;
    uint64_t done = 0;
    for (uint32_t k = 0; k < r->n_mixers; k++)
        done += r->mixer[k].transfer.steps + r->mixer[k].transfer.match.steps;
    for (uint32_t i = 0; i < r->n_tunes; i++)
        done += r->tune[i].result.steps;
    *left = w->a->max_steps > done ? w->a->max_steps - (uint32_t) done : 0;
    if (w->a->max_steps && *left == 0)
        return VKC_FAIL(VKC_E_STOPPED, "stopped after %llu steps", (unsigned long long) done);
    return VKC_OK;      // 0 = no limit
}

static vkc_status tune(distill_work *w, const char *what, const tune_options *o)
{
    const distill_args *a = w->a;
    distill_report *r = &w->report;
    distill_tune_params p;
    vkc_status st;
    VKC_TRY(tune_make_params(o, &p));
    p.data = w->data;
    p.batch = a->d.batch;
    p.seed = a->common.seed;
    p.threads = a->d.threads;
    p.check_finite = measure_is_checked(&a->d, true);
    p.what = what;
    p.run_dir = w->run.dir;
    p.resume = w->run.is_resumed;
    p.progress = console_progress;
    VKC_TRY(stage_steps_left(w, &p.max_steps));
    report_tune *t = &r->tune[r->n_tunes];
    *t = (report_tune) { .what = what, .options = *o };
    VKC_TRY(distill_tune(w->teacher, w->student, &p, &t->result));
    r->n_tunes++;
    if (!a->common.json) {
        console_clear();
        tune_print(stdout, what, &t->result, r->depth);
        putchar('\n');
        st = app_flush();
    }
done:
    return st;
}

vkc_status stage_tune(distill_work *w)
{
    const distill_args *a = w->a;
    tune_options all = a->tune;
    nn_model *trainable = NULL;
    vkc_status st;
    if (!a->tune.epochs && !a->tune_all_epochs)
        return VKC_OK;
    VKC_TRY(nn_model_create_at(w->student, (nn_size) { 0, 0 }, true, &trainable));
    nn_model_destroy(w->student);
    w->student = trainable;
    if (a->tune.epochs)
        VKC_TRY(tune(w, "tune", &a->tune));
    all.train = "all";
    all.epochs = a->tune_all_epochs;
    all.lr = a->tune_all_lr;
    if (all.epochs)
        st = tune(w, "tune-all", &all);
done:
    return st;
}

// Accuracy at the size of the objective.
static vkc_status compare_at(const distill_work *w, const nn_model *v, nn_split split, nn_eval_result *out)
{
    nn_model *at = NULL;
    vkc_status st = nn_model_create_at(v, (nn_size) { w->report.image, w->report.image }, false, &at);
    if (st == VKC_OK)
        st = measure_split(at, w->data, split, &w->a->d, out);
    nn_model_destroy(at);
    return st;
}

vkc_status stage_compare(distill_work *w)
{
    const distill_args *a = w->a;
    distill_report *r = &w->report;
    const nn_model_config *cfg[MEASURE_MODELS] = { &w->teacher->cfg, &w->student->cfg };
    uint32_t image[MEASURE_SIZES + 1];
    vkc_status st;
    r->split = nn_dataset_len(w->data, NN_SPLIT_TEST) > 0 ? NN_SPLIT_TEST : NN_SPLIT_VAL;
    r->teacher_params = nn_params_count(w->teacher->params);
    r->student_params = nn_params_count(w->student->params);
    VKC_TRY(measure_split(w->teacher, w->data, r->split, &a->d, &r->teacher));
    VKC_TRY(measure_split(w->student, w->data, r->split, &a->d, &r->student));
    if (r->image != w->teacher->cfg.height) {
        VKC_TRY(compare_at(w, w->teacher, r->split, &r->teacher_at));
        VKC_TRY(compare_at(w, w->student, r->split, &r->student_at));
    }
    if (!a->no_timing) {
        const uint32_t n = measure_sizes(cfg[0], r->image, image);
        VKC_TRY(measure_times(w->dev, cfg, MEASURE_MODELS, a->timing_batch, a->common.seed, image, n, r->time));
        r->n_times = n;
        r->timing_batch = a->timing_batch;
    }
done:
    return st;
}

static double get_seconds(const distill_report *r)
{
    double sum = 0.0;
    for (uint32_t k = 0; k < r->n_mixers; k++)
        sum += r->mixer[k].transfer.seconds;
    for (uint32_t i = 0; i < r->n_tunes; i++)
        sum += r->tune[i].result.seconds;
    return sum;
}

vkc_status stage_save(distill_work *w)
{
    const distill_args *a = w->a;
    distill_report *r = &w->report;
    json_t *provenance = json_object_get(w->run.info, "provenance");
    json_t *result = distill_report_json(r, w->dev);
    char *more = distill_report_markdown(r), *text = NULL;
    nn_model_config cfg = { 0 };
    vkc_status st;
    VKC_TRY(run_make_config(&w->run, &w->student->cfg, result, &cfg));
    bool is_test = r->split == NN_SPLIT_TEST;
    text = card_build(&(card) { .cfg = &cfg, .dir = a->out, .data = a->d.data, .params = r->student_params,
                                .provenance = provenance, .seconds = get_seconds(r),
                                .val = is_test ? NULL : &r->student, .test = is_test ? &r->student : NULL,
                                .more = more });
    VKC_TRY(app_save_model(w->student, &cfg, a->out, text));
    VKC_TRY(run_finish(&w->run, json_incref(result)));
    console_clear();
    if (a->common.json) {
        st = app_print_json(json_incref(result));
    } else {
        distill_report_print_result(stdout, r);
        printf("student          %s\n", a->out);
    }
done:
    json_decref(result);
    free(more);
    free(text);
    nn_model_config_finish(&cfg);
    return st;
}
