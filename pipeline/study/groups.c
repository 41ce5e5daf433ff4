// groups.c — groups of layers by sparsity and by place, each replaced alone.
#include "pipeline/study/study_impl.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/data.h"
#include "pipeline/base/load.h"
#include "pipeline/run/model_hash.h"

#define MAX_GROUPS 4u               // when their number is not given; the most that divide the layers equally

typedef struct group_work {
    study_work  w;
    const char *dir;
    nn_model   *teacher;
    bool        fixed[NN_MAX_DEPTH];
    uint32_t    n_groups;           // by sparsity, and as many contiguous
    pipeline_groups_result *r;
} group_work;

// By how many groups, and whether that can be, before anything is measured.
static vkc_status count_groups(group_work *g)
{
    const uint32_t depth = g->teacher->cfg.depth;
    const double level[NN_MAX_DEPTH] = { 0 };
    uint32_t n_free = 0, n_all;
    distill_group *unused = NULL;
    for (uint32_t l = 0; l < depth; l++)
        n_free += !g->fixed[l];
    g->n_groups = g->w.p->groups;
    for (uint32_t n = MAX_GROUPS; n >= 2 && !g->n_groups; n--)
        g->n_groups = n_free % n == 0 && n <= n_free / 2 ? n : 0;
    g->n_groups = g->n_groups ? g->n_groups : 2;
    vkc_status st = distill_cut_groups(level, g->fixed, depth, g->n_groups, &unused, &n_all);
    free(unused);
    if (st == VKC_OK && n_free % g->n_groups)
        pipeline_say(g->w.c, PIPELINE_WARNING, "%u layers do not divide into %u equal groups; a larger group costs "
                     "more whatever its sparsity", n_free, g->n_groups);
    return st;
}

static vkc_status measure(group_work *g)
{
    pipeline_groups_result *r = g->r;
    double score[NN_MAX_DEPTH];
    vkc_status st = pipeline__study_sparsity_get(&g->w, g->teacher, g->dir, &r->sparsity);
    if (st != VKC_OK)
        return st;
    for (uint32_t l = 0; l < g->teacher->cfg.depth; l++)
        score[l] = distill_sparsity_score(&r->sparsity, r->keys, l, r->measure);
    return distill_cut_groups(score, g->fixed, g->teacher->cfg.depth, g->n_groups, &r->group, &r->study.n_groups);
}

static json_t *build_inputs(const group_work *g)
{
    char hash[PIPELINE_HASH_MAX];
    vkc_status st = pipeline_model_hash(g->dir, &g->teacher->cfg, true, hash);
    return st != VKC_OK ? NULL
                        : json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "study", "groups", "teacher", g->dir,
                                    "weights", hash, "by", distill_measure_name(g->r->measure), "keys",
                                    distill_keys_name(g->r->keys), "groups", (int) g->n_groups, "images",
                                    (int) g->w.p->images);
}

static vkc_status run_all(group_work *g, const pipeline_context *c, const pipeline_study_params *p)
{
    study_work *w = &g->w;
    pipeline_groups_result *r = g->r;
    distill_study_models models = { .teacher = NULL };
    vkc_status st;
    VKC_TRY(pipeline__study_read(w, c, p, &r->variants));
    VKC_TRY(pipeline_load_model(c, g->dir, false, &g->teacher));
    VKC_TRY(nn_model_config_check_pictures(&g->teacher->cfg));
    VKC_TRY(pipeline__study_match(w, &g->teacher->cfg, g->dir));
    distill_study_fixed(&g->teacher->cfg, g->fixed);
    VKC_TRY(count_groups(g));
    VKC_TRY(pipeline__study_load_ready(w, g->teacher, g->fixed));
    VKC_TRY(pipeline__study_start(w, build_inputs(g)));
    VKC_TRY(measure(g));
    models = pipeline__study_models(w, g->teacher, w->run.dir);
    r->study = (distill_study) {
        .teacher = g->dir, .n_layers = g->teacher->cfg.depth, .n_groups = r->study.n_groups,
        .n_variants = r->variants.n, .group = r->group, .variant = r->variants.variant, .base = distill_study_base,
        .prepare = distill_study_prepare, .score = distill_study_score,
        .user = &models, .log = w->log, .clock = &w->clock,
    };
    pipeline__study_expect(w, &r->study, 1);
    VKC_TRY(distill_study_go(&r->study, &r->result));
    pipeline_data_tell_bad(w->c, w->set);
    VKC_TRY(pipeline__study_groups_json(w, r, &r->json));
    st = pipeline_run_finish(&w->run, json_incref(r->json));
done:
    distill_study_models_finish(&models);
    r->study.user = r->study.log = NULL;        // these end here
    r->study.clock = NULL;
    return st;
}

vkc_status pipeline_groups_check(const pipeline_context *c, const pipeline_study_params *p)
{
    return pipeline__study_check(c, p, pipeline__study_read);
}

vkc_status pipeline_groups(const pipeline_context *c, const pipeline_study_params *p, const char *teacher,
                           pipeline_groups_result *out)
{
    memset(out, 0, sizeof *out);
    out->split = p->split;
    out->measure = p->by;
    out->keys = p->keys;
    group_work *g = (group_work *) calloc(1, sizeof *g);
    if (!g)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    g->dir = teacher;
    g->r = out;
    vkc_status st = pipeline__study_close(&g->w, run_all(g, c, p), out->run_dir);
    nn_model_destroy(g->teacher);
    free(g);
    return st;
}

void pipeline_groups_finish(pipeline_groups_result *r)
{
    distill_study_finish(&r->result);
    distill_sparsity_finish(&r->sparsity);
    free(r->group);
    r->group = NULL;
    json_decref(r->json);
    r->json = NULL;
}
