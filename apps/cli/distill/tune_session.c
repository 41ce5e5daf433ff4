// tune_session.c — models, data and run folder of a command that trains a student.
#include "apps/cli/distill/tune_session.h"

#include "apps/cli/core/card.h"
#include "apps/cli/core/model_hash.h"

#include <stdlib.h>

static vkc_status build_inputs(const tune_session *s, json_t *more, json_t **out)
{
    const tune_args *a = s->a;
    char student[MODEL_HASH_MAX], teacher[MODEL_HASH_MAX];
    vkc_status st = model_hash(s->dir, &s->v->cfg, true, student);
    if (st == VKC_OK && s->teacher)
        st = model_hash(a->teacher, &s->teacher->cfg, true, teacher);
    if (st != VKC_OK)
        return st;
    json_t *all = tune_inputs(&a->t);
    json_t *rest = json_pack("{s:s, s:s, s:s*, s:s*, s:s, s:i, s:b, s:I}", "student", s->dir, "weights", student,
                             "teacher", a->teacher, "teacher_weights", s->teacher ? teacher : NULL, "data", a->d.data,
                             "batch", (int) a->d.batch, "no_augment", (int) a->no_augment, "seed",
                             (json_int_t) a->common.seed);
    if (!rest || json_object_update(all, rest) != 0 || (more && json_object_update(all, more) != 0)) {
        json_decref(all);
        all = NULL;                 // which run_open takes for what it is
    }
    json_decref(rest);
    *out = all;
    return VKC_OK;
}

static void set_params(tune_session *s)
{
    const tune_args *a = s->a;
    distill_tune_params *p = &s->params;
    p->batch = a->d.batch;
    p->seed = a->common.seed;
    p->threads = a->d.threads;
    p->plain = a->no_augment;
    p->check_finite = measure_is_checked(&a->d, true);
    p->run_dir = s->run.dir;
    p->resume = s->run.is_resumed;
    p->max_steps = a->max_steps;
    p->progress = console_progress;
}

vkc_status tune_session_open(tune_session *s, const tune_args *a, const char *dir, const char *usage, json_t *more,
                             vkc_status (*check)(const tune_session *s))
{
    json_t *inputs = NULL;
    vkc_status st;
    *s = (tune_session) { .a = a, .dir = dir };
    if (!a->out) {
        st = VKC_FAIL(VKC_E_ARG, "usage: pare %s", usage);
        goto done;
    }
    VKC_TRY(tune_make_params(&a->t, &s->params));
    if (!a->resume)
        VKC_TRY(app_check_output(a->out, a->force));
    VKC_TRY(measure_open_data(&a->d, &s->data));
    VKC_TRY(app_open(&a->common, &s->dev));
    VKC_TRY(nn_model_load(s->dev, dir, true, &s->v));
    if (a->teacher)
        VKC_TRY(nn_model_load(s->dev, a->teacher, false, &s->teacher));
    s->params.data = s->data;
    VKC_TRY(check(s));
    VKC_TRY(build_inputs(s, more, &inputs));
    VKC_TRY(run_open(&s->run, &(run_params) { &a->common, s->dev, a->run, a->out, inputs, a->resume, a->force }));
    if (a->resume && !s->run.is_resumed)
        VKC_TRY(app_check_output(a->out, a->force));
    set_params(s);
    console_catch_signals();
done:
    json_decref(more);
    return st;
}

vkc_status tune_session_save(tune_session *s, const nn_model *v, json_t *result, double seconds,
                             const nn_eval_result *val, const nn_eval_result *test)
{
    const tune_args *a = s->a;
    nn_model_config cfg = { 0 };
    char *text = NULL, recipe[200];
    vkc_status st;
    recipe_print(&a->t.recipe, recipe, sizeof recipe);
    VKC_TRY(run_make_config(&s->run, &v->cfg, result, &cfg));
    text = card_build(&(card) { .cfg = &cfg, .dir = a->out, .data = a->d.data, .params = nn_params_count(v->params),
                                .provenance = json_object_get(s->run.info, "provenance"), .seconds = seconds,
                                .val = val, .test = test, .more = *recipe ? recipe : NULL });
    VKC_TRY(app_save_model(v, &cfg, a->out, text));
    st = run_finish(&s->run, json_incref(result));
done:
    free(text);
    nn_model_config_finish(&cfg);
    return st;
}

vkc_status tune_session_close(tune_session *s, vkc_status st)
{
    if (st == VKC_E_STOPPED)
        run_say_stopped(&s->run);
    if (st == VKC_E_CHECK)
        run_say_failed(&s->run);
    run_close(&s->run);
    nn_model_destroy(s->teacher);
    nn_model_destroy(s->v);
    app_close(s->dev);
    nn_dataset_destroy(s->data);
    return st;
}
