// study_teachers.c — teachers given or made, all attention of each replaced.
#include "apps/cli/study/study_teachers.h"
#include "apps/cli/core/model_hash.h"

#include "apps/cli/core/students.h"
#include "apps/cli/study/study_teachers_report.h"
#include "nn/base/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALL_TOKENS 0.995            // a keep ratio from which on a model of the series is the teacher itself

// Teachers of --keep: all but the one that keeps everything are made from the first, in the run folder.
static vkc_status plan_series(sweep *s, const char *dir, const nn_model_config *cfg)
{
    const study_args *a = s->w->a;
    vkc_status st;
    if (cfg->retention.policy != NN_POLICY_NONE)
        return VKC_FAIL(VKC_E_ARG, "%s lets go of tokens already; --keep makes its series from a model that keeps all",
                        dir);
    s->retain = *(const retain_args *) cmd_retain.defaults;
    s->retain.common = a->common;
    s->retain.d = a->d;
    s->retain.keep = a->keep;
    s->retain.policy = a->policy;
    s->retain.out = "keep";
    if (a->retain_epochs)
        s->retain.epochs = a->retain_epochs;
    VKC_TRY(retain_make_setup(&s->retain, cfg, &s->setup));
    s->n = s->setup.n;
    for (uint32_t i = 0; i < s->n; i++) {
        sweep_teacher *t = &s->t[i];
        const bool is_itself = s->setup.item[i].keep >= ALL_TOKENS;
        t->item = is_itself ? UINT32_MAX : i;
        if (is_itself)
            snprintf(t->name, sizeof t->name, "%.*s", (int) sizeof t->name - 1, dir);
        else
            snprintf(t->name, sizeof t->name, "keep-%.2f", s->setup.item[i].keep);
        if (is_itself)
            memcpy(t->dir, t->name, sizeof t->dir);
        else
            VKC_TRY(nn_path_build(t->dir, a->out, t->name));
    }
done:
    return st;
}

// The folders given, or the series to make from the only one. Of one number of classes, that of the data.
static vkc_status plan(sweep *s, char **dir, uint32_t n, json_t *hashes)
{
    vkc_status st = VKC_OK;
    uint32_t classes = 0;
    if (s->w->a->keep && n != 1)
        return VKC_FAIL(VKC_E_ARG, "--keep makes the teachers from one model; %u are given", n);
    for (uint32_t i = 0; i < n; i++) {
        nn_model_config cfg = { 0 };
        char hash[24];
        st = nn_model_config_load(dir[i], &cfg);
        if (st == VKC_OK)
            st = model_hash(dir[i], &cfg, true, hash);
        if (st == VKC_OK && classes && cfg.classes != classes)
            st = VKC_FAIL(VKC_E_ARG, "%s tells %u classes apart, %s %u: the same pictures cannot judge both", dir[i],
                          cfg.classes, dir[0], classes);
        if (st == VKC_OK && cfg.classes != nn_dataset_classes(s->w->data))
            st = VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, %s %u", nn_dataset_spec(s->w->data),
                          nn_dataset_classes(s->w->data), dir[i], cfg.classes);
        classes = cfg.classes;
        s->t[i].item = UINT32_MAX;
        snprintf(s->t[i].name, sizeof s->t[i].name, "%.*s", (int) sizeof s->t[i].name - 1, dir[i]);
        memcpy(s->t[i].dir, s->t[i].name, sizeof s->t[i].dir);
        for (uint32_t k = 0; st == VKC_OK && k < i; k++)
            if (strcmp(dir[k], dir[i]) == 0)
                st = VKC_FAIL(VKC_E_ARG, "%s is given twice", dir[i]);
        if (st == VKC_OK) {
            json_array_append_new(hashes, json_string(hash));
            s->n = n;
            if (s->w->a->keep)
                st = plan_series(s, dir[i], &cfg);
        }
        nn_model_config_finish(&cfg);
        if (st != VKC_OK)
            return st;
    }
    if (s->n < 2)
        return VKC_FAIL(VKC_E_ARG, "a sweep wants two teachers at least, or --keep 1,0.8,0.6 to make them from one");
    return VKC_OK;
}

// A model of the series; it is there for good once the log says so.
static vkc_status make_teacher(sweep *s, const char *from, const sweep_teacher *t)
{
    study_work *w = s->w;
    nn_model *dense = NULL, *v = NULL;
    nn_model_config cfg = { 0 };
    char run_dir[NN_PATH_MAX + 8], log_path[NN_PATH_MAX];
    distill_retain_result r;
    vkc_status st;
    if (distill_study_log_get(w->log, json_pack("{s:s, s:s}", "what", "retained", "teacher", t->name)))
        return VKC_OK;
    const bool again = distill_study_log_get(w->log, json_pack("{s:s, s:s}", "what", "begin retain", "teacher",
                                                               t->name));
    distill_retain_params p = retain_params(&s->retain, &s->setup, t->item);
    snprintf(run_dir, sizeof run_dir, "%s.run", t->dir);
    VKC_TRY(nn_path_build(log_path, run_dir, "log.jsonl"));
    if (!again) {
        unlink(log_path);               // of an earlier study in the same place
        VKC_TRY(distill_study_log_write(w->log, json_pack("{s:s, s:s}", "what", "begin retain", "teacher", t->name),
                                        NULL));
    }
    say("a teacher that keeps %.0f %% of the patches", 100.0 * s->setup.item[t->item].keep);
    VKC_TRY(nn_model_load(w->dev, from, false, &dense));
    VKC_TRY(nn_model_load(w->dev, from, true, &v));
    v->cfg.retention = s->setup.item[t->item].retention;
    p.data = w->data;
    p.run_dir = run_dir;
    p.resume = again;
    p.max_steps = w->a->max_steps;
    VKC_TRY(distill_retain(dense, v, &p, &r));
    VKC_TRY(run_make_config(&w->run, &v->cfg, NULL, &cfg));
    VKC_TRY(app_save_model(v, &cfg, t->dir, NULL));
    st = distill_study_log_write(w->log, json_pack("{s:s, s:s}", "what", "retained", "teacher", t->name), NULL);
done:
    nn_model_config_finish(&cfg);
    nn_model_destroy(v);
    nn_model_destroy(dense);
    return st;
}

static vkc_status plan_study(sweep *s, sweep_teacher *t, const nn_model *v, distill_study_models *models)
{
    bool fixed[NN_MAX_DEPTH];
    distill_study_fixed(&v->cfg, fixed);
    t->group = (distill_group) { .kind = DISTILL_CONTIGUOUS };
    for (uint32_t l = 0; l < v->cfg.depth; l++)
        if (!fixed[l])
            t->group.layer[t->group.n++] = l;
    if (!t->group.n)
        return VKC_FAIL(VKC_E_ARG, "%s has no attention that can be replaced", t->name);
    t->params = nn_params_count(v->params);
    t->study = (distill_study) {
        .teacher = t->name, .n_layers = v->cfg.depth, .n_groups = 1, .n_variants = s->w->n_variants, .group = &t->group,
        .variant = s->w->variant, .base = distill_study_base, .prepare = distill_study_prepare,
        .score = distill_study_score, .user = models, .log = s->w->log, .clock = &s->w->clock,
    };
    return VKC_OK;
}

static vkc_status study_one(sweep *s, uint32_t i, const char *from)
{
    vkc_status st;
    sweep_teacher *t = &s->t[i];
    nn_model *v = NULL;
    char name[64], dir[NN_PATH_MAX];
    distill_study_models models = { .teacher = NULL };
    if (t->item != UINT32_MAX)
        VKC_TRY(make_teacher(s, from, t));
    VKC_TRY(nn_model_load(s->w->dev, t->dir, false, &v));
    snprintf(name, sizeof name, "teacher-%u", i);
    VKC_TRY(run_path(&s->w->run, name, dir));
    models = study_models(s->w, v, dir);
    VKC_TRY(plan_study(s, t, v, &models));
    if (i == 0)
        study_expect(s->w, &t->study, s->n);
    st = distill_study_go(&t->study, &t->result);
done:
    distill_study_models_finish(&models);
    nn_model_destroy(v);
    return st;
}

static vkc_status run_all(sweep *s, char **dir, uint32_t n)
{
    study_work *w = s->w;
    json_t *result = NULL, *inputs = NULL, *names = json_array(), *hashes = json_array();
    vkc_status st;
    if (w->a->from) {
        st = VKC_FAIL(VKC_E_ARG, "--from goes with study groups; a sweep transfers to --mixer");
        goto done;
    }
    VKC_TRY(study_read(w));
    VKC_TRY(study_open(w));
    VKC_TRY(plan(s, dir, n, hashes));
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(names, json_string(dir[i]));
    inputs = json_pack("{s:s, s:O, s:O, s:s*, s:s*, s:i}", "study", "teachers", "teachers", names, "weights", hashes,
                       "keep", w->a->keep, "policy", w->a->keep ? w->a->policy : NULL, "retain_epochs",
                       (int) w->a->retain_epochs);
    VKC_TRY(study_start(w, inputs));
    for (uint32_t i = 0; i < s->n; i++)
        VKC_TRY(study_one(s, i, dir[0]));
    VKC_TRY(sweep_result(s, &result));
    VKC_TRY(run_finish(&w->run, json_incref(result)));
    console_clear();
    st = w->a->common.json ? app_print_json(json_incref(result)) : sweep_print(s);
done:
    json_decref(result);
    json_decref(names);
    json_decref(hashes);
    return st;
}

vkc_status study_teachers_run(study_work *w, char **dir, uint32_t n)
{
    sweep *s = (sweep *) calloc(1, sizeof *s);
    if (s)
        s->t = (sweep_teacher *) calloc(STUDY_MAX_TEACHERS, sizeof *s->t);
    if (!s || !s->t) {
        free(s);
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    }
    s->w = w;
    vkc_status st = n <= STUDY_MAX_TEACHERS ? run_all(s, dir, n)
                                            : VKC_FAIL(VKC_E_ARG, "at most %d teachers", STUDY_MAX_TEACHERS);
    for (uint32_t i = 0; i < STUDY_MAX_TEACHERS; i++)
        distill_study_finish(&s->t[i].result);
    free(s->t);
    free(s);
    return st;
}
