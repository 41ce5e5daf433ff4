// session.c — models and run folder of a pipeline that trains a student.
#include "pipeline/train/session_impl.h"

#include "pipeline/base/data.h"
#include "pipeline/base/load.h"
#include "pipeline/run/inputs.h"
#include "pipeline/run/model_hash.h"
#include "pipeline/run/output.h"
#include "pipeline/run/save.h"

#include <string.h>

static vkc_status build_inputs(const pipeline_session *s, json_t *more, json_t **out)
{
    const pipeline_tune_params *p = s->p;
    char student[PIPELINE_HASH_MAX], teacher[PIPELINE_HASH_MAX];
    vkc_status st = pipeline_model_hash(p->student, &s->student->cfg, true, student);
    if (st == VKC_OK && s->teacher)
        st = pipeline_model_hash(p->teacher, &s->teacher->cfg, true, teacher);
    if (st != VKC_OK)
        return st;
    json_t *all = pipeline_tuning_inputs(&p->tuning);
    json_t *rest = json_pack("{s:s, s:s, s:s*, s:s*, s:s, s:i, s:b, s:i, s:I}", "student", p->student, "weights",
                             student, "teacher", p->teacher, "teacher_weights", s->teacher ? teacher : NULL, "data",
                             nn_dataset_spec(p->data.set), "batch", (int) p->data.batch, "no_augment", (int) p->plain,
                             "limit", (int) p->data.limit,
                             "seed", (json_int_t) p->seed);
    if (!rest || json_object_update(all, rest) != 0 || (more && json_object_update(all, more) != 0)) {
        json_decref(all);
        all = NULL;                 // which pipeline_run_open takes for what it is
    }
    json_decref(rest);
    pipeline_data_add_inputs(all, &p->data);
    *out = all;
    return VKC_OK;
}

static void set_params(pipeline_session *s)
{
    const pipeline_tune_params *p = s->p;
    distill_tune_params *t = &s->train;
    t->batch = p->data.batch;
    t->seed = p->seed;
    t->threads = p->data.threads;
    t->plain = p->plain;
    t->check_finite = pipeline_is_checked(&p->data, true);
    t->run_dir = s->run.dir;
    t->resume = s->run.is_resumed;
    t->max_steps = p->max_steps;
    t->progress = s->c->progress;
    t->user = s->c->user;
}

vkc_status pipeline_tune_check(const pipeline_context *c, const pipeline_tune_params *p)
{
    if (!p->student || !p->place.out)
        return VKC_FAIL(VKC_E_ARG, "want a student and a folder to write");
    const vkc_status st = pipeline_tuning_check(c, "", &p->tuning, p->data.batch);
    if (st != VKC_OK)
        return st;
    const char *const read[] = { p->student, p->teacher, p->data.set ? nn_dataset_spec(p->data.set) : NULL };
    return pipeline_check_place(c, &p->place, read, 3);
}

// A student without names of its classes has its teacher's.
static vkc_status match_classes(pipeline_session *s)
{
    const pipeline_tune_params *p = s->p;
    const nn_model_config *own = &s->student->cfg, *m = own;
    vkc_status st;
    if (s->teacher) {
        VKC_TRY(pipeline_check_labels(&s->teacher->cfg, p->teacher, own, p->student));
        if (!nn_labels_are_names((const char *const *) own->labels, own->classes) &&
            s->teacher->cfg.classes == own->classes)
            m = &s->teacher->cfg;
    }
    st = pipeline_data_match(s->c, &s->data, m, m == own ? p->student : p->teacher, &s->view);
done:
    return st;
}

vkc_status pipeline__session_open(pipeline_session *s, const pipeline_context *c, const pipeline_tune_params *p,
                                  json_t *more, vkc_status (*check)(const pipeline_session *s, const void *user),
                                  const void *user)
{
    json_t *inputs = NULL;
    vkc_status st;
    *s = (pipeline_session) { .c = c, .p = p, .data = p->data };
    pipeline_tuning_fill(&p->tuning, &s->train);
    VKC_TRY(pipeline_tune_check(c, p));
    VKC_TRY(pipeline_check_data(&p->data));
    pipeline_recipe_tell(c, &p->tuning.recipe);
    VKC_TRY(pipeline_load_model(c, p->student, true, &s->student));
    VKC_TRY(nn_model_config_check_pictures(&s->student->cfg));
    VKC_TRY(nn_model_config_check_exclusive(&s->student->cfg));
    if (p->teacher) {
        VKC_TRY(pipeline_load_model(c, p->teacher, false, &s->teacher));
        VKC_TRY(nn_model_config_check_pictures(&s->teacher->cfg));
        VKC_TRY(nn_model_config_check_exclusive(&s->teacher->cfg));
    }
    VKC_TRY(match_classes(s));
    s->train.data = s->data.set;
    VKC_TRY(check(s, user));
    if (s->teacher && !p->place.resume)
        VKC_TRY(pipeline_check_teacher(c, s->teacher, &s->data, p->teacher, NULL));
    VKC_TRY(build_inputs(s, more, &inputs));
    VKC_TRY(pipeline_run_open(&s->run, c, &p->place, p->seed, pipeline_inputs_with_data(inputs, p->data.set)));
    set_params(s);
done:
    json_decref(more);
    return st;
}

vkc_status pipeline__session_train(pipeline_session *s, nn_model *m, distill_tune_result *out)
{
    s->train.judge = pipeline_judge_make(&s->judge, s->c, m, &s->data, s->p->tuning.keep_last);
    const vkc_status st = distill_tune(s->teacher, m, &s->train, out);
    pipeline_judge_finish(&s->judge);
    return st;
}

vkc_status pipeline__session_save(pipeline_session *s, const nn_model *m, json_t *result,
                                  const distill_tune_result *last, double seconds, const nn_eval_result *val,
                                  const nn_eval_result *test)
{
    char more[PIPELINE_RECIPE_TEXT + 320];
    pipeline_recipe_text(&s->p->tuning.recipe, more, sizeof more);
    pipeline_best_text(&last->best, more + strlen(more), sizeof more - strlen(more));
    pipeline_data_tell_bad(s->c, s->p->data.set);
    return pipeline_run_save(&s->run, &(pipeline_saved) {
        .model = m, .out = s->p->place.out, .data = s->p->data.set, .result = result,
        .seconds = seconds, .val = val, .test = test, .more = *more ? more : NULL });
}

vkc_status pipeline__session_close(pipeline_session *s, vkc_status st)
{
    pipeline_run_end(&s->run, s->c, st);
    pipeline_run_close(&s->run);
    nn_dataset_destroy(s->view);
    nn_model_destroy(s->teacher);
    nn_model_destroy(s->student);
    return st;
}
