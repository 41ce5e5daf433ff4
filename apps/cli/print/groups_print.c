// groups_print.c — pare study groups: groups of layers side by side, the drop of each, and correlations.
#include "apps/cli/print/print.h"

#include "distill/statistics/statistics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// The figures of a group with this mixer, over its seeds.
static uint32_t collect(const pipeline_groups_result *g, uint32_t group, const char *mixer, double *drop, double *rise,
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

static void print_groups(FILE *f, const pipeline_groups_result *g, const char *mixer)
{
    double drop[PIPELINE_MAX_VARIANTS], rise[PIPELINE_MAX_VARIANTS], error[PIPELINE_MAX_VARIANTS], mean, std;
    fprintf(f, "%s; teacher %.2f %% on %s, loss %.4f\n", mixer, 100.0 * g->result.base.top1, nn_split_name(g->split),
            g->result.base.loss);
    fprintf(f, "%-11s %-14s %13s  %17s  %19s  %s\n", "groups", "layers", distill_measure_name(g->measure),
            "drop, points", "rise of the loss", "error");
    for (uint32_t i = 0; i < g->study.n_groups; i++) {
        const distill_group *one = &g->group[i];
        const uint32_t n = collect(g, i, mixer, drop, rise, error);
        fprintf(f, "%-11s ", distill_grouping_name(one->kind));
        print_layers(f, one);
        distill_mean_std(drop, n, &mean, &std);
        fprintf(f, " %13.4f  %8.2f +- %5.2f", pipeline_groups_value(g, one->score), 100.0 * mean, 100.0 * std);
        distill_mean_std(rise, n, &mean, &std);
        fprintf(f, "  %9.4f +- %.4f", mean, std);
        distill_mean_std(error, n, &mean, &std);
        if (isfinite(mean))
            fprintf(f, "  %.4f\n", mean);
        else
            fputs("  -\n", f);
    }
}

static vkc_status print_correlation(FILE *f, const pipeline_groups_result *g, const char *mixer)
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

vkc_status print_groups_result(FILE *f, const pipeline_groups_result *g)
{
    print_sparsity(f, &g->sparsity, &(sparsity_view) { .keys = g->keys, .is_sorted = true, .by = g->measure });
    fputc('\n', f);
    for (uint32_t m = 0; m < g->variants.n_mixers; m++) {
        print_groups(f, g, g->variants.mixers[m]);
        vkc_status st = print_correlation(f, g, g->variants.mixers[m]);
        if (st != VKC_OK)
            return st;
    }
    fprintf(f, "run      %s\n", g->run_dir);
    return VKC_OK;
}
