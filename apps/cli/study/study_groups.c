// study_groups.c — groups of layers by sparsity and by place, each replaced alone.
#include "apps/cli/study/study_groups.h"
#include "apps/cli/core/model_hash.h"

#include "apps/cli/core/students.h"
#include "apps/cli/study/study_groups_report.h"
#include "apps/cli/study/study_sparsity.h"

#include <stdlib.h>

#define MAX_GROUPS 4u               // when --groups is not given; the most that divide the layers equally

// By how many groups, and whether that can be, before anything is measured.
static vkc_status count_groups(group_work *g)
{
    const uint32_t depth = g->teacher->cfg.depth;
    const double level[NN_MAX_DEPTH] = { 0 };
    uint32_t n_free = 0, n_all;
    distill_group *unused = NULL;
    for (uint32_t l = 0; l < depth; l++)
        n_free += !g->fixed[l];
    g->n_groups = g->w->a->groups;
    for (uint32_t n = MAX_GROUPS; n >= 2 && !g->n_groups; n--)
        g->n_groups = n_free % n == 0 && n <= n_free / 2 ? n : 0;
    g->n_groups = g->n_groups ? g->n_groups : 2;
    vkc_status st = distill_cut_groups(level, g->fixed, depth, g->n_groups, &unused, &n_all);
    free(unused);
    if (st == VKC_OK && n_free % g->n_groups)
        warn("%u layers do not divide into %u equal groups; a larger group costs more whatever its sparsity", n_free,
             g->n_groups);
    return st;
}

static vkc_status measure(group_work *g)
{
    double score[NN_MAX_DEPTH];
    vkc_status st = study_sparsity_get(g->w, g->teacher, g->dir, &g->sparsity);
    if (st != VKC_OK)
        return st;
    for (uint32_t l = 0; l < g->teacher->cfg.depth; l++)
        score[l] = distill_sparsity_score(&g->sparsity, g->keys, l, g->measure);
    return distill_cut_groups(score, g->fixed, g->teacher->cfg.depth, g->n_groups, &g->group, &g->study.n_groups);
}

static json_t *build_inputs(const group_work *g)
{
    char hash[24];
    vkc_status st = model_hash(g->dir, &g->teacher->cfg, true, hash);
    return st != VKC_OK ? NULL
                        : json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "study", "groups", "teacher", g->dir,
                                    "weights", hash, "by", distill_measure_name(g->measure), "keys",
                                    distill_keys_name(g->keys), "groups", (int) g->n_groups, "images",
                                    (int) g->w->a->images);
}

static vkc_status run_all(group_work *g)
{
    study_work *w = g->w;
    distill_study_models models = { .teacher = NULL };
    json_t *result = NULL;
    vkc_status st;
    VKC_TRY(distill_measure_get(w->a->by, &g->measure));
    VKC_TRY(distill_keys_get(w->a->keys, &g->keys));
    VKC_TRY(study_read(w));
    VKC_TRY(study_open(w));
    VKC_TRY(nn_model_load(w->dev, g->dir, false, &g->teacher));
    if (nn_dataset_classes(w->data) != g->teacher->cfg.classes) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u", nn_dataset_spec(w->data),
                      nn_dataset_classes(w->data), g->teacher->cfg.classes);
        goto done;
    }
    distill_study_fixed(&g->teacher->cfg, g->fixed);
    VKC_TRY(count_groups(g));
    VKC_TRY(study_load_ready(w, g->teacher, g->fixed));
    VKC_TRY(study_start(w, build_inputs(g)));
    VKC_TRY(measure(g));
    models = study_models(w, g->teacher, w->run.dir);
    g->study = (distill_study) {
        .teacher = g->dir, .n_layers = g->teacher->cfg.depth, .n_groups = g->study.n_groups,
        .n_variants = w->n_variants, .group = g->group, .variant = w->variant, .base = distill_study_base,
        .prepare = distill_study_prepare, .score = distill_study_score,
        .user = &models, .log = w->log, .clock = &w->clock,
    };
    study_expect(w, &g->study, 1);
    VKC_TRY(distill_study_go(&g->study, &g->result));
    VKC_TRY(group_result(g, &result));
    VKC_TRY(run_finish(&w->run, json_incref(result)));
    console_clear();
    st = w->a->common.json ? app_print_json(json_incref(result)) : group_print(g);
done:
    json_decref(result);
    distill_study_models_finish(&models);
    return st;
}

vkc_status study_groups_run(study_work *w, const char *teacher_dir)
{
    group_work *g = (group_work *) calloc(1, sizeof *g);
    if (!g)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    g->w = w;
    g->dir = teacher_dir;
    vkc_status st = run_all(g);
    distill_study_finish(&g->result);
    distill_sparsity_finish(&g->sparsity);
    free(g->group);
    nn_model_destroy(g->teacher);
    free(g);
    return st;
}
