// study_teachers.c — all attention of each teacher replaced; the gap to its student against how many tokens it keeps.
#include "apps/cli/study_teachers.h"

#include "apps/cli/retain_setup.h"
#include "apps/cli/students.h"
#include "distill/statistics.h"
#include "nn/files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALL_TOKENS 0.995            // a keep ratio from which on a model of the series is the teacher itself

typedef struct teacher {
    char     name[RUN_PATH_MAX];    // its folder; of a series made here "keep-0.80"
    char     dir[RUN_PATH_MAX];     // where it is; of a series, where it will be
    uint32_t item;                  // of the series, UINT32_MAX = is there already
    uint64_t params;
    distill_group group;            // all that is replaced
    distill_study study;
    distill_study_result result;
} teacher;

typedef struct sweep {
    study_work *w;
    uint32_t    n;
    teacher    *t;                  // (n)
    retain_args  retain;
    retain_setup setup;
} sweep;

// Mean gap of a teacher to its students with this mixer, and the spread.
static void get_gap(const sweep *s, uint32_t i, const char *mixer, double *mean, double *std, double *top1, double *error)
{
    double gap[STUDY_MAX_VARIANTS], spread;
    double top[STUDY_MAX_VARIANTS], err[STUDY_MAX_VARIANTS];
    uint32_t n = 0;
    for (uint32_t v = 0; v < s->w->n_variants; v++) {
        if (strcmp(s->w->variant[v].mixer, mixer) != 0)
            continue;
        gap[n] = s->t[i].result.run[v].drop;
        top[n] = s->t[i].result.run[v].figures.top1;
        err[n++] = s->t[i].result.run[v].error;
    }
    distill_mean_std(top, n, top1, &spread);
    distill_mean_std(err, n, error, &spread);
    distill_mean_std(gap, n, mean, std);
}

static vkc_status correlate(const sweep *s, const char *mixer, distill_correlation *out)
{
    double keep[STUDY_MAX_TEACHERS], gap[STUDY_MAX_TEACHERS], std, top1, error;
    for (uint32_t i = 0; i < s->n; i++) {
        keep[i] = s->t[i].result.base.keep;
        get_gap(s, i, mixer, &gap[i], &std, &top1, &error);
        gap[i] = round(gap[i] * 1e12) / 1e12;           // means that differ by rounding share a rank
    }
    *out = (distill_correlation) { s->n, (double) NAN, (double) NAN };
    vkc_status st = distill_spearman(keep, gap, s->n, &out->rho);
    return st == VKC_OK ? distill_spearman_p(keep, gap, s->n, 0, 0, &out->p) : st;
}

static json_t *build_rows(const sweep *s)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < s->n; i++) {
        const teacher *t = &s->t[i];
        json_t *runs = json_array();
        for (uint32_t v = 0; v < s->w->n_variants; v++) {
            const distill_study_run *r = &t->result.run[v];
            json_array_append_new(runs, json_pack("{s:I, s:s, s:f, s:f, s:f, s:f, s:o}", "seed",
                                                  (json_int_t) s->w->variant[v].seed, "mixer", s->w->variant[v].mixer,
                                                  "student_top1", r->figures.top1, "student_keep", r->figures.keep,
                                                  "gap", r->drop, "loss_rise", r->loss_rise, "error",
                                                  app_number(r->error)));
        }
        json_array_append_new(rows, json_pack("{s:s, s:f, s:f, s:f, s:I, s:o}", "teacher", t->name, "keep",
                                              t->result.base.keep, "teacher_top1", t->result.base.top1, "teacher_loss",
                                              t->result.base.loss, "params", (json_int_t) t->params, "runs", runs));
    }
    return rows;
}

static vkc_status build_result(const sweep *s, json_t **out)
{
    json_t *list = json_array(), *o = study_json(s->w);
    vkc_status st = VKC_OK;
    for (uint32_t m = 0; m < s->w->n_mixers && st == VKC_OK; m++) {
        distill_correlation c;
        st = correlate(s, s->w->mixers[m], &c);
        if (st == VKC_OK)
            json_array_append_new(list, json_pack("{s:s, s:i, s:o, s:o}", "mixer", s->w->mixers[m], "n", (int) c.n, "rho",
                                                  app_number(c.rho), "p", app_number(c.p)));
    }
    if (st == VKC_OK && !o)
        st = VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    if (o) {
        json_object_set_new(o, "rows", build_rows(s));
        json_object_set(o, "correlation", list);
    }
    json_decref(list);
    *out = o;
    return st;
}

static vkc_status tell(const sweep *s, json_t *result)
{
    console_clear();
    if (s->w->a->common.json)
        return app_print_json(json_incref(result));
    for (uint32_t m = 0; m < s->w->n_mixers; m++) {
        const char *mixer = s->w->mixers[m];
        distill_correlation c;
        printf("%s in place of all attention; top-1 on %s\n%-26s %8s  %9s  %9s  %17s  error\n", mixer,
               nn_split_name(s->w->split), "teacher", "kept", "teacher", "student", "gap, points");
        for (uint32_t i = 0; i < s->n; i++) {
            const teacher *t = &s->t[i];
            double mean, std, top1, error;
            get_gap(s, i, mixer, &mean, &std, &top1, &error);
            printf("%-26.60s %6.1f %%  %7.2f %%  %7.2f %%  %8.2f +- %5.2f  %.4f\n", t->name, 100.0 * t->result.base.keep,
                   100.0 * t->result.base.top1, 100.0 * top1, 100.0 * mean, 100.0 * std, error);
        }
        vkc_status st = correlate(s, mixer, &c);
        if (st != VKC_OK)
            return st;
        printf("\nSpearman's correlation of gap and share kept, %u teachers: ", c.n);
        if (isfinite(c.rho))
            printf("%+.3f (p %.4f); above 0: the fewer tokens the teacher keeps, the narrower the gap\n\n", c.rho, c.p);
        else
            puts("-\n");
    }
    printf("run      %s\n", s->w->run.dir);
    return app_flush();
}

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
        teacher *t = &s->t[i];
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
static vkc_status make_teacher(sweep *s, const char *from, const teacher *t)
{
    study_work *w = s->w;
    nn_vit *dense = NULL, *v = NULL;
    nn_model_config cfg = { 0 };
    char run_dir[NN_PATH_MAX + 8], log_path[NN_PATH_MAX];
    distill_retain_result r;
    vkc_status st;
    if (distill_study_log_get(w->log, json_pack("{s:s, s:s}", "what", "retained", "teacher", t->name)))
        return VKC_OK;
    const bool again = distill_study_log_get(w->log, json_pack("{s:s, s:s}", "what", "begin retain", "teacher", t->name));
    distill_retain_params p = retain_params(&s->retain, &s->setup, t->item);
    snprintf(run_dir, sizeof run_dir, "%s.run", t->dir);
    VKC_TRY(nn_path_build(log_path, run_dir, "log.jsonl"));
    if (!again) {
        unlink(log_path);               // of an earlier study in the same place
        VKC_TRY(distill_study_log_write(w->log, json_pack("{s:s, s:s}", "what", "begin retain", "teacher", t->name), NULL));
    }
    say("a teacher that keeps %.0f %% of the patches", 100.0 * s->setup.item[t->item].keep);
    VKC_TRY(nn_vit_load(w->dev, from, false, &dense));
    VKC_TRY(nn_vit_load(w->dev, from, true, &v));
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
    nn_vit_destroy(v);
    nn_vit_destroy(dense);
    return st;
}

static vkc_status plan_study(sweep *s, teacher *t, const nn_vit *v, distill_study_models *models)
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
    teacher *t = &s->t[i];
    nn_vit *v = NULL;
    char name[64], dir[NN_PATH_MAX];
    distill_study_models models = { .teacher = NULL };
    if (t->item != UINT32_MAX)
        VKC_TRY(make_teacher(s, from, t));
    VKC_TRY(nn_vit_load(s->w->dev, t->dir, false, &v));
    snprintf(name, sizeof name, "teacher-%u", i);
    VKC_TRY(run_path(&s->w->run, name, dir));
    models = study_models(s->w, v, dir);
    VKC_TRY(plan_study(s, t, v, &models));
    if (i == 0)
        study_expect(s->w, &t->study, s->n);
    st = distill_study_go(&t->study, &t->result);
done:
    distill_study_models_finish(&models);
    nn_vit_destroy(v);
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
    VKC_TRY(build_result(s, &result));
    VKC_TRY(run_finish(&w->run, json_incref(result)));
    st = tell(s, result);
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
        s->t = (teacher *) calloc(STUDY_MAX_TEACHERS, sizeof *s->t);
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
