// cmd_tune.c — pare tune: train a student end to end on its own stream, beside its teacher or alone.
#include "apps/cli/card.h"
#include "apps/cli/model_hash.h"
#include "apps/cli/run.h"
#include "apps/cli/tune_setup.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct tune_args {
    common_args  common;
    data_args    d;
    tune_options t;
    const char  *teacher, *out, *run;
    uint32_t     max_steps;
    bool         no_augment, resume, force;
} tune_args;

typedef struct tune_work {
    const tune_args *a;
    const char      *dir;           // of the student
    nn_dataset      *data;
    vkc_device      *dev;
    nn_vit          *teacher, *v;
    run_folder       run;
    distill_tune_result result;
    nn_eval_result   val, test, teacher_val, teacher_test;
} tune_work;

static vkc_status build_inputs(const tune_work *w, json_t **out)
{
    const tune_args *a = w->a;
    char student[MODEL_HASH_MAX], teacher[MODEL_HASH_MAX];
    vkc_status st = model_hash(w->dir, &w->v->cfg, true, student);
    if (st == VKC_OK && w->teacher)
        st = model_hash(a->teacher, &w->teacher->cfg, true, teacher);
    if (st != VKC_OK)
        return st;
    *out = tune_inputs(&a->t);
    json_t *more = json_pack("{s:s, s:s, s:s*, s:s*, s:s, s:i, s:b, s:I}", "student", w->dir, "weights", student,
                             "teacher", a->teacher, "teacher_weights", w->teacher ? teacher : NULL, "data", a->d.data,
                             "batch", (int) a->d.batch, "no_augment", (int) a->no_augment, "seed",
                             (json_int_t) a->common.seed);
    if (!more || json_object_update(*out, more) != 0) {
        json_decref(*out);
        *out = NULL;
    }
    json_decref(more);
    return VKC_OK;
}

static json_t *build_result(const tune_work *w)
{
    const vkc_device_info *i = vkc_device_get_info(w->dev);
    json_t *o = tune_json("tune", &w->a->t, &w->result, w->v->cfg.depth), *teacher = json_null();
    if (w->teacher)
        teacher = json_pack("{s:o, s:o}", "val", measure_json(&w->teacher_val), "test", measure_json(&w->teacher_test));
    json_t *more = json_pack("{s:I, s:o, s:o, s:o, s:s, s:s}", "params", (json_int_t) nn_params_count(w->v->params),
                             "val", measure_json(&w->val), "test", measure_json(&w->test), "teacher", teacher, "device",
                             i->name, "driver", i->driver);
    json_object_update(o, more);
    json_decref(more);
    return o;
}

static vkc_status save(tune_work *w, json_t *result)
{
    nn_model_config cfg = { 0 };
    char *text = NULL, recipe[200];
    vkc_status st;
    recipe_print(&w->a->t.recipe, recipe, sizeof recipe);
    VKC_TRY(run_make_config(&w->run, &w->v->cfg, result, &cfg));
    text = card_build(&(card) { .cfg = &cfg, .dir = w->a->out, .data = w->a->d.data,
                                .params = nn_params_count(w->v->params),
                                .provenance = json_object_get(w->run.info, "provenance"),
                                .seconds = w->result.seconds, .val = &w->val, .test = &w->test,
                                .more = *recipe ? recipe : NULL });
    VKC_TRY(app_save_model(w->v, &cfg, w->a->out, text));
    st = run_finish(&w->run, json_incref(result));
done:
    free(text);
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status measure(tune_work *w)
{
    const data_args *d = &w->a->d;
    vkc_status st;
    VKC_TRY(measure_split(w->v, w->data, NN_SPLIT_VAL, d, &w->val));
    VKC_TRY(measure_split(w->v, w->data, NN_SPLIT_TEST, d, &w->test));
    if (w->teacher) {
        VKC_TRY(measure_split(w->teacher, w->data, NN_SPLIT_VAL, d, &w->teacher_val));
        VKC_TRY(measure_split(w->teacher, w->data, NN_SPLIT_TEST, d, &w->teacher_test));
    }
done:
    return st;
}

static vkc_status tell(const tune_work *w, json_t *result)
{
    console_clear();
    if (w->a->common.json)
        return app_print_json(json_incref(result));
    tune_print(stdout, "tune", &w->result, w->v->cfg.depth);
    measure_print(stdout, "val", &w->val);
    measure_print(stdout, "test", &w->test);
    measure_print(stdout, "teacher val", &w->teacher_val);
    measure_print(stdout, "teacher test", &w->teacher_test);
    printf("model    %s\n", w->a->out);
    return app_flush();
}

static vkc_status run_all(tune_work *w)
{
    const tune_args *a = w->a;
    distill_tune_params p;
    json_t *result = NULL, *inputs = NULL;
    vkc_status st;
    if (!a->out)
        return VKC_FAIL(VKC_E_ARG, "usage: pare tune S --data D [--teacher M] -o S2");
    VKC_TRY(tune_make_params(&a->t, &p));
    if (!a->resume)
        VKC_TRY(app_check_output(a->out, a->force));
    VKC_TRY(measure_open_data(&a->d, &w->data));
    VKC_TRY(app_open(&a->common, &w->dev));
    VKC_TRY(nn_vit_load(w->dev, w->dir, true, &w->v));
    if (a->teacher)
        VKC_TRY(nn_vit_load(w->dev, a->teacher, false, &w->teacher));
    p.data = w->data;
    VKC_TRY(distill_tune_check(w->teacher, w->v, &p));
    VKC_TRY(build_inputs(w, &inputs));
    VKC_TRY(run_open(&w->run, &(run_params) { &a->common, w->dev, a->run, a->out, inputs, a->resume, a->force }));
    if (a->resume && !w->run.is_resumed)
        VKC_TRY(app_check_output(a->out, a->force));
    p.batch = a->d.batch;
    p.seed = a->common.seed;
    p.threads = a->d.threads;
    p.plain = a->no_augment;
    p.check_finite = measure_is_checked(&a->d, true);
    p.run_dir = w->run.dir;
    p.resume = w->run.is_resumed;
    p.max_steps = a->max_steps;
    p.progress = console_progress;
    console_catch_signals();
    VKC_TRY(distill_tune(w->teacher, w->v, &p, &w->result));
    VKC_TRY(measure(w));
    result = build_result(w);
    VKC_TRY(save(w, result));
    st = tell(w, result);
done:
    if (st == VKC_E_STOPPED)
        run_say_stopped(&w->run);
    if (st == VKC_E_CHECK)
        run_say_failed(&w->run);
    json_decref(result);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    tune_work *w = calloc(1, sizeof *w);
    if (!w)
        return VKC_FAIL(VKC_E_NOMEM, "tune: out of host memory");
    w->a = options;
    w->dir = words->word[0];
    vkc_status st = run_all(w);
    run_close(&w->run);
    nn_vit_destroy(w->teacher);
    nn_vit_destroy(w->v);
    app_close(w->dev);
    nn_dataset_destroy(w->data);
    free(w);
    return st;
}

#define AT(member) offsetof(tune_args, member)
static const arg table[] = {
    DATA_ROW(tune_args),
    { "teacher", 't', ARG_TEXT, AT(teacher), 0, 0, "M", "model that the student is compared with" },
    { "out", 'o', ARG_TEXT, AT(out), 0, 0, "S2", "model folder to write" },
    RUN_ROWS(tune_args, "S2.run"),
    BATCH_ROW(tune_args, "64"),
    TUNE_ROWS(tune_args, t, "", "1"),
    { "no-augment", 0, ARG_FLAG, AT(no_augment), 0, 0, NULL, "no flips, transposes and shifts" },
    { "max-steps", 0, ARG_U32, AT(max_steps), 1, 4e9, "N", "stop after N steps in all, as Ctrl-C does" },
    FINITE_ROWS(tune_args, "on in training"), THREADS_ROW(tune_args), LIMIT_ROW(tune_args),
    { 0 },
};
static const tune_args defaults = { .d = { .batch = 64 }, .t = TUNE_DEFAULTS(1) };
const command cmd_tune = {
    .name = "tune", .help = "train a student on its own stream, beside its teacher or alone",
    .usage = "S --data D [--teacher M] -o S2", .table = table, .defaults = &defaults, .options_size = sizeof defaults,
    .min_words = 1, .max_words = 1, .run = run,
    .about =
        "Layers are compared where S differs from M. Without a teacher S learns from the labels; --train mixers, attn\n"
        "and blocks then mean its layers without attention.\n"
        "Ctrl-C stops at the next step with a checkpoint; the same command with --resume ends in the same bits.",
};
