// study_groups_report.c — groups of layers side by side: what each cost, and what that goes along with.
#include "apps/cli/study/study_groups_report.h"

#include "apps/cli/sparsity/sparsity_table.h"
#include "distill/statistics/statistics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// The figures of a group with this mixer, over its seeds.
static uint32_t collect(const group_work *g, uint32_t group, const char *mixer, double *drop, double *rise,
                        double *error)
{
    uint32_t n = 0;
    for (uint32_t v = 0; v < g->study.n_variants; v++) {
        const distill_study_run *r = &g->result.run[(size_t) v * g->study.n_groups + group];
        if (strcmp(g->study.variant[v].mixer, mixer) != 0)
            continue;
        drop[n] = r->drop;
        rise[n] = r->loss_rise;
        error[n++] = r->error;
    }
    return n;
}

static void print_layers(FILE *f, const distill_group *g)
{
    char text[6 * NN_MAX_DEPTH] = "";
    for (uint32_t i = 0; i < g->n; i++) {
        const size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%u", i ? "," : "", g->layer[i]);
    }
    fprintf(f, "%-14s", text);
}

// A measure's own value from a score, which is turned so that larger is sparser.
static double get_value(const group_work *g, double score)
{
    return distill_measure_is_high(g->measure) ? score : -score;
}

static void print_groups(FILE *f, const group_work *g, const char *mixer)
{
    double drop[STUDY_MAX_VARIANTS], rise[STUDY_MAX_VARIANTS], error[STUDY_MAX_VARIANTS], mean, std;
    fprintf(f, "%s; teacher %.2f %% on %s, loss %.4f\n", mixer, 100.0 * g->result.base.top1, nn_split_name(g->w->split),
            g->result.base.loss);
    fprintf(f, "%-11s %-14s %13s  %17s  %19s  %s\n", "groups", "layers", distill_measure_name(g->measure),
            "drop, points", "rise of the loss", "error");
    for (uint32_t i = 0; i < g->study.n_groups; i++) {
        const distill_group *one = &g->group[i];
        const uint32_t n = collect(g, i, mixer, drop, rise, error);
        fprintf(f, "%-11s ", distill_grouping_name(one->kind));
        print_layers(f, one);
        distill_mean_std(drop, n, &mean, &std);
        fprintf(f, " %13.4f  %8.2f +- %5.2f", get_value(g, one->score), 100.0 * mean, 100.0 * std);
        distill_mean_std(rise, n, &mean, &std);
        fprintf(f, "  %9.4f +- %.4f", mean, std);
        distill_mean_std(error, n, &mean, &std);
        if (isfinite(mean))
            fprintf(f, "  %.4f\n", mean);
        else
            fputs("  -\n", f);
    }
}

static vkc_status print_correlation(FILE *f, const group_work *g, const char *mixer)
{
    static const char *const of_text[] = { "drop", "rise of loss", "error" };
    fprintf(f, "\nSpearman's correlation over the groups, its p-value in brackets; below 0 with sparsity: the sparser, "
               "the cheaper\n%-11s  n  %-13s %18s  %18s\n", "groups", "of", "with sparsity", "with depth");
    for (int kind = 0; kind < DISTILL_N_GROUPINGS; kind++) {
        for (int of = 0; of < DISTILL_N_OF; of++) {
            distill_correlation c[2];
            for (int by_depth = 0; by_depth < 2; by_depth++) {
                vkc_status st = distill_study_correlate(&g->study, &g->result, (distill_grouping) kind, mixer,
                                                        (distill_study_of) of, by_depth, &c[by_depth]);
                if (st != VKC_OK)
                    return st;
            }
            fprintf(f, "%-11s %2u  %-13s", distill_grouping_name((distill_grouping) kind), c[0].n, of_text[of]);
            for (int i = 0; i < 2; i++) {
                if (isfinite(c[i].rho))
                    fprintf(f, "   %+.3f (%.4f)%s", c[i].rho, c[i].p, i ? "" : " ");
                else
                    fprintf(f, "   %16s", "-");
            }
            fputc('\n', f);
        }
    }
    fputc('\n', f);
    return VKC_OK;
}

static json_t *build_runs(const group_work *g, uint32_t group)
{
    json_t *runs = json_array();
    for (uint32_t v = 0; v < g->study.n_variants; v++) {
        const distill_study_run *r = &g->result.run[(size_t) v * g->study.n_groups + group];
        json_array_append_new(runs, json_pack("{s:I, s:s, s:f, s:f, s:f, s:f, s:o}", "seed",
                                              (json_int_t) g->study.variant[v].seed, "mixer", g->study.variant[v].mixer,
                                              "top1", r->figures.top1, "loss", r->figures.loss, "drop", r->drop,
                                              "loss_rise", r->loss_rise, "error", app_number(r->error)));
    }
    return runs;
}

static json_t *build_groups(const group_work *g)
{
    json_t *groups = json_array();
    for (uint32_t i = 0; i < g->study.n_groups; i++) {
        const distill_group *one = &g->group[i];
        json_t *layers = json_array();
        for (uint32_t k = 0; k < one->n; k++)
            json_array_append_new(layers, json_integer((json_int_t) one->layer[k]));
        json_array_append_new(groups, json_pack("{s:s, s:o, s:f, s:f, s:f, s:o}", "kind",
                                                distill_grouping_name(one->kind), "layers", layers, "sparsity",
                                                one->score, "value", get_value(g, one->score),
                                                "depth", one->depth, "runs", build_runs(g, i)));
    }
    return groups;
}

static vkc_status build_correlation(const group_work *g, bool by_depth, json_t **out)
{
    json_t *list = json_array();
    for (uint32_t m = 0; m < g->w->n_mixers; m++)
        for (int kind = 0; kind < DISTILL_N_GROUPINGS; kind++)
            for (int of = 0; of < DISTILL_N_OF; of++) {
                distill_correlation c;
                vkc_status st = distill_study_correlate(&g->study, &g->result, (distill_grouping) kind, g->w->mixers[m],
                                                        (distill_study_of) of, by_depth, &c);
                if (st != VKC_OK) {
                    json_decref(list);
                    return st;
                }
                json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i, s:o, s:o}", "kind",
                                                      distill_grouping_name((distill_grouping) kind), "mixer",
                                                      g->w->mixers[m], "of",
                                                      distill_study_of_name((distill_study_of) of), "n", (int) c.n,
                                                      "rho", app_number(c.rho), "p", app_number(c.p)));
            }
    *out = list;
    return VKC_OK;
}

vkc_status group_result(const group_work *g, json_t **out)
{
    json_t *by_sparsity = NULL, *by_depth = NULL;
    vkc_status st = build_correlation(g, false, &by_sparsity);
    if (st == VKC_OK)
        st = build_correlation(g, true, &by_depth);
    if (st != VKC_OK) {
        json_decref(by_sparsity);
        return st;
    }
    json_t *shared = study_json(g->w);
    json_t *o = json_pack("{s:s, s:s, s:f, s:f, s:o, s:o, s:o, s:o}", "measure", distill_measure_name(g->measure),
                          "keys", distill_keys_name(g->keys), "teacher_top1", g->result.base.top1, "teacher_loss",
                          g->result.base.loss, "groups", build_groups(g), "correlation", by_sparsity,
                          "depth_correlation", by_depth, "sparsity", sparsity_json(&g->sparsity, g->w->dev));
    if (!o || !shared || json_object_update(o, shared) != 0)
        st = VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    json_decref(shared);
    *out = o;
    return st;
}

vkc_status group_print(const group_work *g)
{
    sparsity_print(stdout, &g->sparsity, &(sparsity_view) { .keys = g->keys, .is_sorted = true, .by = g->measure });
    putchar('\n');
    for (uint32_t m = 0; m < g->w->n_mixers; m++) {
        print_groups(stdout, g, g->w->mixers[m]);
        vkc_status st = print_correlation(stdout, g, g->w->mixers[m]);
        if (st != VKC_OK)
            return st;
    }
    printf("run      %s\n", g->w->run.dir);
    return app_flush();
}
