// orders_ranks.c — ranks of layers in orders of replacement, and how far orders agree.
#include "pipeline/study/orders.h"

#include <math.h>
#include <string.h>

const char *pipeline_order_name(pipeline_order o)
{
    static const char *const names[PIPELINE_N_ORDERS] = { "greedy", "one-shot", "impact", "error", "sparsity",
                                                          "depth" };
    return names[o];
}

static bool is_of(const pipeline_orders_result *r, uint32_t v, const char *mixer, pipeline_order o)
{
    return strcmp(r->variants.variant[v].mixer, mixer) == 0 && r->run[v].has[o];
}

// (n_layers) of the layers that can be replaced, as they stand.
static void fill_ranks(const pipeline_orders_result *r, const pipeline_order_run *run, pipeline_order o, double *rank)
{
    double of_layer[NN_MAX_DEPTH] = { 0 };
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_layers; i++)
        of_layer[run->layer[o][i]] = i + 1;
    for (uint32_t l = 0; l < r->depth; l++)
        if (!r->fixed[l])
            rank[n++] = of_layer[l];
}

// Means that are equal but for rounding are to share a rank.
static double settle(double x)
{
    return round(x * 1e12) / 1e12;
}

bool pipeline_orders_rank(const pipeline_orders_result *r, const char *mixer, pipeline_order o,
                          double mean[NN_MAX_DEPTH], double std[NN_MAX_DEPTH])
{
    double rank[NN_MAX_DEPTH], of_seed[PIPELINE_MAX_VARIANTS];
    uint32_t n = 0, at = 0;
    for (uint32_t l = 0; l < NN_MAX_DEPTH; l++)
        mean[l] = std[l] = (double) NAN;
    for (uint32_t l = 0; l < r->depth; l++) {
        if (r->fixed[l])
            continue;
        n = 0;
        for (uint32_t v = 0; v < r->variants.n; v++) {
            if (!is_of(r, v, mixer, o))
                continue;
            fill_ranks(r, &r->run[v], o, rank);
            of_seed[n++] = rank[at];
        }
        distill_mean_std(of_seed, n, &mean[l], &std[l]);
        mean[l] = settle(mean[l]);
        at++;
    }
    return n > 0;
}

vkc_status pipeline_orders_agree(const pipeline_orders_result *r, const char *mixer_a, pipeline_order a,
                                 const char *mixer_b, pipeline_order b, distill_agreement *out)
{
    double x[NN_MAX_DEPTH], y[NN_MAX_DEPTH], unused[NN_MAX_DEPTH];
    uint32_t n = 0;
    *out = (distill_agreement) { 0, NAN, NAN, NAN, NAN };
    if (!pipeline_orders_rank(r, mixer_a, a, x, unused) || !pipeline_orders_rank(r, mixer_b, b, y, unused))
        return VKC_OK;
    for (uint32_t l = 0; l < r->depth; l++)
        if (!r->fixed[l])
            x[n] = x[l], y[n++] = y[l];
    return distill_agree(x, y, n, out);
}

vkc_status pipeline_orders_agree_runs(const pipeline_orders_result *r, const char *mixer_a, const char *mixer_b,
                                      pipeline_order o, uint32_t *n, double *tau)
{
    const bool is_one = strcmp(mixer_a, mixer_b) == 0;
    double a[NN_MAX_DEPTH], b[NN_MAX_DEPTH], one, sum = 0.0;
    *n = 0;
    *tau = (double) NAN;
    for (uint32_t v = 0; v < r->variants.n; v++)
        for (uint32_t u = is_one ? v + 1 : 0; u < r->variants.n; u++) {
            if (!is_of(r, v, mixer_a, o) || !is_of(r, u, mixer_b, o))
                continue;
            fill_ranks(r, &r->run[v], o, a);
            fill_ranks(r, &r->run[u], o, b);
            vkc_status st = distill_kendall(a, b, r->n_layers, &one);
            if (st != VKC_OK)
                return st;
            sum += one;
            ++*n;
        }
    if (*n)
        *tau = sum / *n;
    return VKC_OK;
}
