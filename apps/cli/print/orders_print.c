// orders_print.c — pare study orders: the order of replacement of each mixer, and how far orders agree.
#include "apps/cli/print/print.h"

#include <math.h>
#include <string.h>

static void print_runs(FILE *f, const pipeline_orders_result *r, const char *mixer)
{
    for (uint32_t v = 0; v < r->variants.n; v++) {
        const pipeline_order_run *run = &r->run[v];
        if (strcmp(r->variants.variant[v].mixer, mixer) != 0)
            continue;
        fprintf(f, "  seed %-4llu greedy ", (unsigned long long) r->variants.variant[v].seed);
        for (uint32_t i = 0; i < r->n_layers; i++)
            fprintf(f, "%s%u", i ? "," : "", run->layer[PIPELINE_ORDER_GREEDY][i]);
        fprintf(f, "; top-1 with all replaced %.2f %%, at best %.2f %% with %u; %u trials\n",
                100.0 * run->top1[r->n_layers - 1],
                100.0 * (run->n_best ? run->top1[run->n_best - 1] : r->teacher_top1), run->n_best, run->trials);
    }
}

// A row a layer, the mean rank in every order.
static void print_ranks(FILE *f, const pipeline_orders_result *r, const char *mixer)
{
    double mean[PIPELINE_N_ORDERS][NN_MAX_DEPTH], std[PIPELINE_N_ORDERS][NN_MAX_DEPTH];
    bool has[PIPELINE_N_ORDERS];
    fputs("  layer", f);
    for (int o = 0; o < PIPELINE_N_ORDERS; o++) {
        has[o] = pipeline_orders_rank(r, mixer, (pipeline_order) o, mean[o], std[o]);
        if (has[o])
            fprintf(f, "  %14s", pipeline_order_name((pipeline_order) o));
    }
    fputc('\n', f);
    for (uint32_t l = 0; l < r->depth; l++) {
        if (r->fixed[l])
            continue;
        fprintf(f, "  %5u", l);
        for (int o = 0; o < PIPELINE_N_ORDERS; o++)
            if (has[o])
                fprintf(f, "  %6.2f +- %4.2f", mean[o][l], std[o][l]);
        fputc('\n', f);
    }
}

static void print_agreement(FILE *f, const distill_agreement *g)
{
    if (isfinite(g->tau))
        fprintf(f, "  tau %+.3f (p %.4f)  rho %+.3f (p %.4f)", g->tau, g->tau_p, g->rho, g->rho_p);
    else
        fputs("  -", f);
}

static vkc_status print_with_greedy(FILE *f, const pipeline_orders_result *r, const char *mixer)
{
    fputs("  agreement of mean ranks with greedy's\n", f);
    for (int o = PIPELINE_ORDER_GREEDY + 1; o < PIPELINE_N_ORDERS; o++) {
        distill_agreement g;
        vkc_status st = pipeline_orders_agree(r, mixer, PIPELINE_ORDER_GREEDY, mixer, (pipeline_order) o, &g);
        if (st != VKC_OK)
            return st;
        if (!g.n)
            continue;
        fprintf(f, "    %-9s", pipeline_order_name((pipeline_order) o));
        print_agreement(f, &g);
        fputc('\n', f);
    }
    fputc('\n', f);
    return VKC_OK;
}

// Of each pair of mixers, and of the seeds of each alone.
static vkc_status print_between(FILE *f, const pipeline_orders_result *r)
{
    fputs("agreement of the greedy orders of mixers: of their mean ranks, and the mean tau of single runs\n", f);
    for (uint32_t i = 0; i < r->variants.n_mixers; i++)
        for (uint32_t k = i; k < r->variants.n_mixers; k++) {
            const char *a = r->variants.mixers[i], *b = r->variants.mixers[k];
            distill_agreement g = { 0, NAN, NAN, NAN, NAN };
            uint32_t n;
            double tau;
            vkc_status st = pipeline_orders_agree_runs(r, a, b, PIPELINE_ORDER_GREEDY, &n, &tau);
            if (st == VKC_OK && k > i)
                st = pipeline_orders_agree(r, a, PIPELINE_ORDER_GREEDY, b, PIPELINE_ORDER_GREEDY, &g);
            if (st != VKC_OK)
                return st;
            fprintf(f, "  %s and %s", a, k > i ? b : "itself, other seeds");
            if (k > i)
                print_agreement(f, &g);
            if (n)
                fprintf(f, "  runs %+.3f (%u pair%s)\n", tau, n, n == 1 ? "" : "s");
            else
                fputs("  one seed: not known\n", f);
        }
    fputc('\n', f);
    return VKC_OK;
}

vkc_status print_orders_result(FILE *f, const pipeline_orders_result *r)
{
    fprintf(f, "order in which %u of %u layers are replaced; teacher %.2f %% on %s; ranks are means over seeds, 1 = "
            "replaced first\n\n", r->n_layers, r->depth, 100.0 * r->teacher_top1, nn_split_name(r->split));
    for (uint32_t m = 0; m < r->variants.n_mixers; m++) {
        fprintf(f, "%s\n", r->variants.mixers[m]);
        print_runs(f, r, r->variants.mixers[m]);
        print_ranks(f, r, r->variants.mixers[m]);
        vkc_status st = print_with_greedy(f, r, r->variants.mixers[m]);
        if (st != VKC_OK)
            return st;
    }
    vkc_status st = print_between(f, r);
    fprintf(f, "run      %s\n", r->run_dir);
    return st;
}
