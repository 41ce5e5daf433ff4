// study_models.c — the models of a study: transferred, made into hybrids, tuned, scored.
#include "distill/study/study_models.h"

#include "distill/transfer/student.h"
#include "nn/base/files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void distill_study_models_finish(distill_study_models *m)
{
    nn_model_destroy(m->student);
    m->student = NULL;
}

void distill_study_fixed(const nn_model_config *teacher, bool *fixed)
{
    for (uint32_t l = 0; l < teacher->depth; l++)
        fixed[l] = !nn_mixer_is_replaceable(&teacher->layers[l]) ||
                   (teacher->retention.policy == NN_POLICY_TOPK && nn_retention_is_made(teacher, l));
}

vkc_status distill_study_check(const nn_model *teacher, const nn_model *student, const bool *fixed, const char *name)
{
    vkc_status st = distill_check_shapes(teacher, student);
    if (st != VKC_OK)
        return VKC_WRAP(st, "%s is no student of this teacher: %s", name, vkc_last_error());
    for (uint32_t l = 0; l < teacher->cfg.depth; l++)
        if (!fixed[l] && !distill_layer_differs(teacher, student, l))
            return VKC_FAIL(VKC_E_ARG, "%s has the teacher's attention in layer %u; a study wants all of it replaced",
                            name, l);
    return VKC_OK;
}

// RUN/linear-features-elu1-seed-0, with what a folder's name should not hold made a dash. "" without a run folder.
vkc_status distill_study_dir(const distill_study_models *m, uint32_t variant, const distill_group *g, char *out)
{
    char name[256];
    const distill_variant *v = &m->variant[variant];
    *out = '\0';
    if (!m->run_dir)
        return VKC_OK;
    int len = snprintf(name, sizeof name, "%.128s-seed-%llu", v->mixer, (unsigned long long) v->seed);
    for (char *p = name; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", *p))
            *p = '-';
    len += g ? snprintf(name + len, sizeof name - (size_t) len, "/tune") : 0;
    for (uint32_t i = 0; g && i < g->n; i++)
        len += (size_t) len < sizeof name ? snprintf(name + len, sizeof name - (size_t) len, "-%u", g->layer[i]) : 0;
    if ((size_t) len >= sizeof name)            // too many to name: by how many, the first and the last
        snprintf(strstr(name, "/tune"), 64, "/tune-%u-of-%u-to-%u", g->n, g->layer[0], g->layer[g->n - 1]);
    return nn_path_build(out, m->run_dir, name);
}

// Training that is begun anew in a folder of an earlier study starts its log anew.
static void clear_log(const char *dir, bool again)
{
    char path[NN_PATH_MAX];
    if (*dir && !again && nn_path_build(path, dir, "log.jsonl") == VKC_OK)
        unlink(path);
}

static vkc_status evaluate(const distill_study_models *m, const nn_model *v, distill_figures *out)
{
    nn_eval_params p = m->eval;
    nn_eval_result r;
    p.progress = m->progress;
    p.user = m->user;
    vkc_status st = nn_eval(v, &p, &r);
    if (st == VKC_OK)
        *out = (distill_figures) { r.top1, r.loss, r.keep };
    return st;
}

vkc_status distill_study_base(void *user, distill_figures *out)
{
    const distill_study_models *m = (const distill_study_models *) user;
    return evaluate(m, m->teacher, out);
}

vkc_status distill_study_prepare(void *user, uint32_t variant, bool again, double *error)
{
    distill_study_models *m = (distill_study_models *) user;
    distill_transfer_params p = m->transfer;
    distill_transfer_result r;
    char dir[NN_PATH_MAX];
    for (uint32_t l = 0; l < m->teacher->cfg.depth; l++)
        error[l] = (double) NAN;
    distill_study_models_finish(m);
    if (m->ready)
        return VKC_OK;
    vkc_status st = distill_study_dir(m, variant, NULL, dir);
    if (st == VKC_OK)
        st = distill_student_create(m->teacher, &m->mixer[variant], &m->student);
    if (st != VKC_OK)
        return st;
    clear_log(dir, again);
    p.mixer = m->mixer[variant];
    p.seed = m->variant[variant].seed;
    p.run_dir = *dir ? dir : NULL;
    p.resume = again;
    p.progress = m->progress;
    p.user = m->user;
    st = distill_transfer(m->teacher, m->student, &p, &r);
    if (st == VKC_OK)
        memcpy(error, r.error, m->teacher->cfg.depth * sizeof *error);
    return st;
}

static vkc_status copy_attn(nn_model *to, const nn_model *from, uint32_t layer)
{
    char start[32];
    const size_t len = (size_t) snprintf(start, sizeof start, "blocks.%u.attn.", layer);
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < to->params->n && st == VKC_OK; i++) {
        const nn_param *p = &to->params->p[i];
        uint32_t k;
        if (strncmp(p->name, start, len) != 0)
            continue;
        const size_t n = nn_shape_len(&p->shape);
        if (!nn_params_find(from->params, p->name, &k) || nn_shape_len(&from->params->p[k].shape) != n)
            return VKC_FAIL(VKC_E_ARG, "study: the student has no value for %s", p->name);
        float *x = (float *) malloc(n * sizeof *x);
        st = x ? nn_params_read(from->params, k, x) : VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
        if (st == VKC_OK)
            st = nn_params_write(to->params, i, x);
        free(x);
    }
    return st;
}

// The hybrid as a model of its own, trained end to end; its checkpoint goes once it has been scored.
static vkc_status tune_and_score(const distill_study_models *m, const nn_model *student, uint32_t variant,
                                 const distill_group *g, bool again, distill_figures *out)
{
    vkc_status st;
    nn_model *v = NULL;
    nn_layer_config layer[NN_MAX_DEPTH];
    distill_tune_params p = m->tune;
    distill_tune_result r;
    char dir[NN_PATH_MAX], path[NN_PATH_MAX];
    memcpy(layer, m->teacher->cfg.layers, sizeof layer);
    for (uint32_t i = 0; i < g->n; i++)
        layer[g->layer[i]] = student->cfg.layers[g->layer[i]];
    VKC_TRY(distill_study_dir(m, variant, g, dir));
    VKC_TRY(distill_student_create_layers(m->teacher, layer, &v));
    for (uint32_t i = 0; i < g->n; i++)
        VKC_TRY(copy_attn(v, student, g->layer[i]));
    clear_log(dir, again);
    p.seed = m->variant[variant].seed;
    p.what = "tune";
    p.run_dir = *dir ? dir : NULL;
    p.resume = again;
    p.progress = m->progress;
    p.user = m->user;
    VKC_TRY(distill_tune(m->teacher, v, &p, &r));
    VKC_TRY(evaluate(m, v, out));
    if (*dir && nn_path_build(path, dir, "tune.safetensors") == VKC_OK)
        unlink(path);
done:
    nn_model_destroy(v);
    return st;
}

vkc_status distill_study_score(void *user, uint32_t variant, const distill_group *g, bool again, distill_figures *out)
{
    const distill_study_models *m = (const distill_study_models *) user;
    const nn_model *student = m->ready ? m->ready[variant] : m->student;
    nn_model hybrid = { .block = NULL };
    uint8_t choice[NN_MAX_DEPTH] = { 0 };
    if (m->tuned)
        return tune_and_score(m, student, variant, g, again, out);
    for (uint32_t i = 0; i < g->n; i++)
        choice[g->layer[i]] = 1;
    vkc_status st = distill_hybrid_init(&hybrid, m->teacher, &student, 1, choice);
    if (st == VKC_OK)
        st = evaluate(m, &hybrid, out);
    distill_hybrid_finish(&hybrid);
    return st;
}
