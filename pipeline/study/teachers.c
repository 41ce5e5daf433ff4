// teachers.c — teachers given or made, all attention of each replaced.
#include "pipeline/study/study_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "pipeline/base/data.h"
#include "pipeline/base/json.h"
#include "pipeline/base/load.h"
#include "pipeline/run/model_hash.h"
#include "pipeline/run/output.h"
#include "pipeline/run/save.h"

#define ALL_TOKENS 0.995            // a keep ratio from which on a model of the series is the teacher itself

typedef struct sweep {
    study_work  w;
    pipeline_retain_params  retain;
    pipeline_retain_result *series; // its plan, owned
    pipeline_teachers_result *r;
} sweep;

// Teachers of `keep`: all but the one that keeps everything are made from the first, in the run folder.
static vkc_status plan_series(sweep *s, const char *dir, const nn_model_config *cfg)
{
    const pipeline_study_params *p = s->w.p;
    vkc_status st;
    if (cfg->retention.policy != NN_POLICY_NONE)
        return VKC_FAIL(VKC_E_ARG, "%s has token pruning already; %skeep makes its series from a model that keeps all "
                        "tokens", dir, pipeline_dash(s->w.c));
    s->series = (pipeline_retain_result *) calloc(1, sizeof *s->series);
    if (!s->series)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    s->retain = (pipeline_retain_params) PIPELINE_RETAIN_DEFAULTS;
    s->retain.data = p->data;
    s->retain.seed = p->seed;
    s->retain.n_keep = p->n_keep;
    memcpy(s->retain.keep, p->keep, sizeof p->keep);
    s->retain.pruning.policy = p->policy;
    s->retain.place.out = "keep";
    if (p->retain_epochs)
        s->retain.epochs = p->retain_epochs;
    VKC_TRY(pipeline_retain_plan(s->w.c, &s->retain, cfg, s->series));
    s->r->n = s->series->n;
    for (uint32_t i = 0; i < s->r->n; i++) {
        pipeline_teacher *t = &s->r->teacher[i];
        const double keep = s->series->model[i].keep;
        const bool is_itself = keep >= ALL_TOKENS;
        t->item = is_itself ? UINT32_MAX : i;
        if (is_itself)
            snprintf(t->name, sizeof t->name, "%.*s", (int) sizeof t->name - 1, dir);
        else
            snprintf(t->name, sizeof t->name, "keep-%.2f", keep);
        if (is_itself)
            memcpy(t->dir, t->name, sizeof t->dir);
        else
            VKC_TRY(nn_path_build(t->dir, p->place.run, t->name));
    }
done:
    return st;
}

// A folder that was given: of as many classes as the others, those of the data; its hash joins the list.
static vkc_status plan_one(sweep *s, const char *const *dir, uint32_t i, uint32_t *classes, json_t *hashes)
{
    pipeline_teacher *t = &s->r->teacher[i];
    nn_model_config cfg = { 0 };
    char hash[PIPELINE_HASH_MAX];
    vkc_status st = nn_model_config_load(dir[i], &cfg);
    if (st == VKC_OK)
        st = nn_model_config_check_pictures(&cfg);
    if (st == VKC_OK)
        st = pipeline_model_hash(dir[i], &cfg, true, hash);
    if (st == VKC_OK && *classes && cfg.classes != *classes)
        st = VKC_FAIL(VKC_E_ARG, "%s tells %u classes apart, %s %u: the same pictures cannot judge both", dir[i],
                      cfg.classes, dir[0], *classes);
    if (st == VKC_OK)
        st = pipeline__study_match(&s->w, &cfg, dir[i]);
    *classes = cfg.classes;
    t->item = UINT32_MAX;
    snprintf(t->name, sizeof t->name, "%.*s", (int) sizeof t->name - 1, dir[i]);
    memcpy(t->dir, t->name, sizeof t->dir);
    for (uint32_t k = 0; st == VKC_OK && k < i; k++)
        if (strcmp(dir[k], dir[i]) == 0)
            st = VKC_FAIL(VKC_E_ARG, "%s is given twice", dir[i]);
    if (st == VKC_OK)
        nn_json_append_new(hashes, json_string(hash));
    if (st == VKC_OK && s->w.p->n_keep)
        st = plan_series(s, dir[i], &cfg);
    nn_model_config_finish(&cfg);
    return st;
}

// The folders given, or the series to make from the only one.
static vkc_status plan(sweep *s, const char *const *dir, uint32_t n, json_t *hashes)
{
    const char *dash = pipeline_dash(s->w.c);
    uint32_t classes = 0;
    if (s->w.p->n_keep && n != 1)
        return VKC_FAIL(VKC_E_ARG, "%skeep makes the teachers from one model; %u are given", dash, n);
    s->r->n = n;
    for (uint32_t i = 0; i < n; i++) {
        vkc_status st = plan_one(s, dir, i, &classes, hashes);
        if (st != VKC_OK)
            return st;
    }
    if (s->r->n < 2)
        return VKC_FAIL(VKC_E_ARG, "a sweep wants two teachers at least, or %skeep 1,0.8,0.6 to make them from one",
                        dash);
    return VKC_OK;
}

// A model of the series; it is there for good once the log says so.
static vkc_status make_teacher(sweep *s, const char *from, const pipeline_teacher *t)
{
    study_work *w = &s->w;
    nn_model *dense = NULL, *v = NULL;
    nn_model_config cfg = { 0 };
    char run_dir[NN_PATH_MAX + 8], log_path[NN_PATH_MAX];
    distill_retain_result r;
    vkc_status st;
    if (distill_study_log_get(w->log, json_pack("{s:s, s:s}", "what", "retained", "teacher", t->name)))
        return VKC_OK;
    const bool again = distill_study_log_get(w->log, json_pack("{s:s, s:s}", "what", "begin retain", "teacher",
                                                               t->name));
    distill_retain_params p = pipeline_retain_training(w->c, &s->retain, s->series, t->item);
    snprintf(run_dir, sizeof run_dir, "%s.run", t->dir);
    VKC_TRY(nn_path_build(log_path, run_dir, "log.jsonl"));
    if (!again) {
        unlink(log_path);               // of an earlier study in the same place
        VKC_TRY(distill_study_log_write(w->log, json_pack("{s:s, s:s}", "what", "begin retain", "teacher", t->name),
                                        NULL));
    }
    pipeline_say(w->c, PIPELINE_NOTE, "a teacher that keeps %.0f %% of the patches",
                 100.0 * s->series->model[t->item].keep);
    VKC_TRY(nn_model_load(w->c->dev, from, false, &dense));
    VKC_TRY(nn_model_load(w->c->dev, from, true, &v));
    v->cfg.retention = s->series->model[t->item].retention;
    p.data = w->p->data.set;
    p.run_dir = run_dir;
    p.resume = again;
    p.max_steps = w->p->max_steps;
    VKC_TRY(distill_retain(dense, v, &p, &r));
    VKC_TRY(pipeline_run_make_config(&w->run, &v->cfg, NULL, &cfg));
    VKC_TRY(pipeline_save_model(v, &cfg, t->dir, NULL));
    st = distill_study_log_write(w->log, json_pack("{s:s, s:s}", "what", "retained", "teacher", t->name), NULL);
done:
    nn_model_config_finish(&cfg);
    nn_model_destroy(v);
    nn_model_destroy(dense);
    return st;
}

static vkc_status plan_study(sweep *s, pipeline_teacher *t, const nn_model *m, distill_study_models *models)
{
    bool fixed[NN_MAX_DEPTH];
    distill_study_fixed(&m->cfg, fixed);
    t->group = (distill_group) { .kind = DISTILL_CONTIGUOUS };
    for (uint32_t l = 0; l < m->cfg.depth; l++)
        if (!fixed[l])
            t->group.layer[t->group.n++] = l;
    if (!t->group.n)
        return VKC_FAIL(VKC_E_ARG, "%s has no attention that can be replaced", t->name);
    t->params = nn_params_count(m->params);
    t->study = (distill_study) {
        .teacher = t->name, .n_layers = m->cfg.depth, .n_groups = 1, .n_variants = s->w.v->n, .group = &t->group,
        .variant = s->w.v->variant, .base = distill_study_base, .prepare = distill_study_prepare,
        .score = distill_study_score, .user = models, .log = s->w.log, .clock = &s->w.clock,
    };
    return VKC_OK;
}

// The data set with the classes of this teacher.
static vkc_status match(sweep *s, const char *dir)
{
    nn_model_config cfg = { 0 };
    vkc_status st = nn_model_config_load(dir, &cfg);
    if (st == VKC_OK)
        st = pipeline__study_match(&s->w, &cfg, dir);
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status study_one(sweep *s, uint32_t i, const char *from)
{
    study_work *w = &s->w;
    vkc_status st;
    pipeline_teacher *t = &s->r->teacher[i];
    nn_model *m = NULL;
    char name[64], dir[NN_PATH_MAX];
    distill_study_models models = { .teacher = NULL };
    VKC_TRY(match(s, t->item != UINT32_MAX ? from : t->dir));
    if (t->item != UINT32_MAX)
        VKC_TRY(make_teacher(s, from, t));
    VKC_TRY(pipeline_load_model(w->c, t->dir, false, &m));
    snprintf(name, sizeof name, "teacher-%u", i);
    VKC_TRY(pipeline_run_path(&w->run, name, dir));
    models = pipeline__study_models(w, m, dir);
    VKC_TRY(plan_study(s, t, m, &models));
    if (i == 0)
        pipeline__study_expect(w, &t->study, s->r->n);
    st = distill_study_go(&t->study, &t->result);
done:
    distill_study_models_finish(&models);
    t->study.user = t->study.log = NULL;        // these end here
    t->study.clock = NULL;
    nn_model_destroy(m);
    return st;
}

static vkc_status check(study_work *w, const pipeline_context *c, const pipeline_study_params *p, pipeline_variants *v)
{
    vkc_status st = pipeline__study_read(w, c, p, v);
    return !p->n_from ? st : VKC_FAIL(VKC_E_ARG, "%sfrom goes with study groups; a sweep transfers to %smixer",
                                      pipeline_dash(c), pipeline_dash(c));
}

static vkc_status run_all(sweep *s, const pipeline_context *c, const pipeline_study_params *p, const char *const *dir,
                          uint32_t n)
{
    study_work *w = &s->w;
    pipeline_teachers_result *r = s->r;
    json_t *names = json_array(), *hashes = json_array();
    vkc_status st;
    VKC_TRY(check(w, c, p, &r->variants));
    VKC_TRY(plan(s, dir, n, hashes));
    for (uint32_t i = 0; i < n; i++)
        nn_json_append_new(names, json_string(dir[i]));
    VKC_TRY(pipeline__study_start(w, json_pack(
        "{s:s, s:O, s:O, s:o*, s:s*, s:i}", "study", "teachers", "teachers", names, "weights", hashes, "keep",
        pipeline_number_list_json(p->keep, p->n_keep), "policy", p->n_keep ? nn_policy_name(p->policy) : NULL,
        "retain_epochs", (int) p->retain_epochs)));
    for (uint32_t i = 0; i < r->n; i++)
        VKC_TRY(study_one(s, i, dir[0]));
    pipeline_data_tell_bad(w->c, w->set);
    VKC_TRY(pipeline__study_teachers_json(w, r, &r->json));
    st = pipeline_run_finish(&w->run, json_incref(r->json));
done:
    json_decref(names);
    json_decref(hashes);
    return st;
}

vkc_status pipeline_teachers_check(const pipeline_context *c, const pipeline_study_params *p)
{
    return pipeline__study_check(c, p, check);
}

vkc_status pipeline_teachers(const pipeline_context *c, const pipeline_study_params *p, const char *const *teacher,
                             uint32_t n, pipeline_teachers_result *out)
{
    memset(out, 0, sizeof *out);
    out->split = p->split;
    if (n > PIPELINE_MAX_TEACHERS)
        return VKC_FAIL(VKC_E_ARG, "at most %d teachers", PIPELINE_MAX_TEACHERS);
    sweep *s = (sweep *) calloc(1, sizeof *s);
    if (!s)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    s->r = out;
    vkc_status st = pipeline__study_close(&s->w, run_all(s, c, p, teacher, n), out->run_dir);
    free(s->series);
    free(s);
    return st;
}

void pipeline_teachers_finish(pipeline_teachers_result *r)
{
    for (uint32_t i = 0; i < PIPELINE_MAX_TEACHERS; i++)
        distill_study_finish(&r->teacher[i].result);
    json_decref(r->json);
    r->json = NULL;
}
