// groups_json.c — results of a group study as JSON: the drop of each group, and correlations.
#include "pipeline/study/study_impl.h"

#include "nn/base/json.h"
#include "pipeline/base/json.h"

double pipeline_groups_value(const pipeline_groups_result *r, double score)
{
    return distill_measure_is_high(r->measure) ? score : -score;
}

static json_t *build_runs(const pipeline_groups_result *g, uint32_t group)
{
    json_t *runs = json_array();
    for (uint32_t v = 0; v < g->study.n_variants; v++) {
        const distill_study_run *r = &g->result.run[(size_t) v * g->study.n_groups + group];
        nn_json_append_new(runs, json_pack("{s:I, s:s, s:f, s:f, s:f, s:f, s:o}", "seed",
                                           (json_int_t) g->study.variant[v].seed, "mixer", g->study.variant[v].mixer,
                                           "top1", r->figures.top1, "loss", r->figures.loss, "drop", r->drop,
                                           "loss_rise", r->loss_rise, "error", pipeline_number(r->error)));
    }
    return runs;
}

static json_t *build_groups(const pipeline_groups_result *g)
{
    json_t *groups = json_array();
    for (uint32_t i = 0; i < g->study.n_groups; i++) {
        const distill_group *one = &g->group[i];
        nn_json_append_new(groups, json_pack("{s:s, s:o, s:f, s:f, s:f, s:o}", "kind",
                                             distill_grouping_name(one->kind), "layers",
                                             pipeline_integers(one->layer, one->n), "sparsity", one->score, "value",
                                             pipeline_groups_value(g, one->score), "depth", one->depth, "runs",
                                             build_runs(g, i)));
    }
    return groups;
}

static vkc_status build_correlation(const pipeline_groups_result *g, bool by_depth, json_t **out)
{
    json_t *list = json_array();
    for (uint32_t m = 0; m < g->variants.n_mixers; m++)
        for (int kind = 0; kind < DISTILL_N_GROUPINGS; kind++)
            for (int of = 0; of < DISTILL_N_OF; of++) {
                distill_correlation c;
                vkc_status st = distill_study_correlate(&g->study, &g->result, (distill_grouping) kind,
                                                        g->variants.mixers[m], (distill_study_of) of, by_depth, &c);
                if (st != VKC_OK) {
                    json_decref(list);
                    return st;
                }
                nn_json_append_new(list, json_pack("{s:s, s:s, s:s, s:i, s:o, s:o}", "kind",
                                                   distill_grouping_name((distill_grouping) kind), "mixer",
                                                   g->variants.mixers[m], "of",
                                                   distill_study_of_name((distill_study_of) of), "n", (int) c.n,
                                                   "rho", pipeline_number(c.rho), "p", pipeline_number(c.p)));
            }
    *out = list;
    return VKC_OK;
}

vkc_status pipeline__study_groups_json(const study_work *w, const pipeline_groups_result *g, json_t **out)
{
    json_t *by_sparsity = NULL, *by_depth = NULL;
    vkc_status st = build_correlation(g, false, &by_sparsity);
    if (st == VKC_OK)
        st = build_correlation(g, true, &by_depth);
    if (st != VKC_OK) {
        json_decref(by_sparsity);
        return st;
    }
    json_t *shared = pipeline__study_json(w);
    json_t *o = json_pack("{s:s, s:s, s:f, s:f, s:o, s:o, s:o, s:o}", "measure", distill_measure_name(g->measure),
                          "keys", distill_keys_name(g->keys), "teacher_top1", g->result.base.top1, "teacher_loss",
                          g->result.base.loss, "groups", build_groups(g), "correlation", by_sparsity,
                          "depth_correlation", by_depth, "sparsity", pipeline_sparsity_json(&g->sparsity, w->c->dev));
    if (!o || !shared || json_object_update(o, shared) != 0)
        st = VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    json_decref(shared);
    *out = o;
    return st;
}
