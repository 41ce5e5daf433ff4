// study_groups.c — groups of layers cut from their order, and what correlates with what over them.
#include "distill/statistics/statistics.h"
#include "distill/study/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *distill_grouping_name(distill_grouping k)
{
    static const char *const names[] = { "single", "sparsity", "contiguous" };
    return names[k];
}

const char *distill_study_of_name(distill_study_of of)
{
    static const char *const names[] = { "drop", "loss_rise", "error" };
    return names[of];
}

typedef struct rated { uint32_t layer; double score; } rated;

static int compare_sparsest(const void *a, const void *b)
{
    const rated *p = (const rated *) a, *q = (const rated *) b;
    return p->score != q->score ? (p->score < q->score) - (p->score > q->score)
                                : (p->layer > q->layer) - (p->layer < q->layer);
}

static int compare_layers(const void *a, const void *b)
{
    const uint32_t p = *(const uint32_t *) a, q = *(const uint32_t *) b;
    return (p > q) - (p < q);
}

static distill_group make_group(distill_grouping kind, const rated *r, uint32_t n)
{
    distill_group g = { .kind = kind, .n = n };
    for (uint32_t i = 0; i < n; i++) {
        g.layer[i] = r[i].layer;
        g.score += r[i].score / n;
        g.depth += (double) r[i].layer / n;
    }
    qsort(g.layer, n, sizeof g.layer[0], compare_layers);
    return g;
}

vkc_status distill_cut_groups(const double *score, const bool *fixed, uint32_t n_layers, uint32_t n_groups,
                              distill_group **out, uint32_t *n)
{
    rated r[NN_MAX_DEPTH];
    uint32_t n_free = 0, k = 0;
    for (uint32_t l = 0; l < n_layers && l < NN_MAX_DEPTH; l++)
        if (!(fixed && fixed[l]) && !isnan(score[l]))
            r[n_free++] = (rated) { l, score[l] };
    if (n_free == 0)
        return VKC_FAIL(VKC_E_ARG, "study: the model has no attention that can be replaced");
    if (n_groups < 2 || n_groups > n_free)
        return VKC_FAIL(VKC_E_ARG, "study: %u group%s of %u layer%s with attention; want 2 to %u", n_groups,
                        n_groups == 1 ? "" : "s", n_free, n_free == 1 ? "" : "s", n_free);
    distill_group *g = (distill_group *) malloc((n_free + 2 * (size_t) n_groups) * sizeof *g);
    if (!g)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    for (uint32_t i = 0; i < n_free; i++)
        g[k++] = make_group(DISTILL_SINGLE, r + i, 1);
    for (int kind = DISTILL_CONTIGUOUS; kind >= DISTILL_BY_SPARSITY; kind--) {
        distill_group *to = g + n_free + (kind == DISTILL_CONTIGUOUS ? n_groups : 0);
        if (kind == DISTILL_BY_SPARSITY)
            qsort(r, n_free, sizeof r[0], compare_sparsest);
        for (uint32_t i = 0; i < n_groups; i++) {
            const uint32_t from = i * n_free / n_groups, end = (i + 1) * n_free / n_groups;
            to[i] = make_group((distill_grouping) kind, r + from, end - from);
        }
    }
    *out = g;
    *n = n_free + 2 * n_groups;
    return VKC_OK;
}

// Means that are equal but for rounding are to share a rank.
static double settle(double x)
{
    return round(x * 1e12) / 1e12;
}

static double get_value(const distill_study_run *r, distill_study_of of)
{
    return of == DISTILL_OF_DROP ? r->drop : of == DISTILL_OF_LOSS_RISE ? r->loss_rise : r->error;
}

vkc_status distill_study_correlate(const distill_study *s, const distill_study_result *r, distill_grouping kind,
                                   const char *mixer, distill_study_of of, bool by_depth, distill_correlation *out)
{
    vkc_status st = VKC_OK;
    double *x = (double *) malloc(2 * (size_t) s->n_groups * sizeof *x), *y = x + s->n_groups;
    bool is_known = true;
    *out = (distill_correlation) { 0, NAN, NAN };
    if (!x)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    for (uint32_t i = 0; i < s->n_groups; i++) {
        double sum = 0;
        uint32_t n = 0;
        for (uint32_t v = 0; v < s->n_variants; v++) {
            if (strcmp(s->variant[v].mixer, mixer) != 0)
                continue;
            sum += get_value(&r->run[(size_t) v * s->n_groups + i], of);
            n++;
        }
        if (s->group[i].kind != kind || n == 0)
            continue;
        x[out->n] = settle(by_depth ? s->group[i].depth : s->group[i].score);
        y[out->n] = settle(sum / n);
        is_known = is_known && !isnan(x[out->n]) && !isnan(y[out->n]);
        out->n++;
    }
    if (!is_known)
        goto done;
    VKC_TRY(distill_spearman(x, y, out->n, &out->rho));
    st = distill_spearman_p(x, y, out->n, 0, 0, &out->p);
done:
    free(x);
    return st;
}
