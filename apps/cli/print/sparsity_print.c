// sparsity_print.c — sparsity figures as a table.
#include "apps/cli/print/print.h"

#include <math.h>

// Spread over pictures, queries and heads: that inside heads, and that of the heads' means.
static double layer_std(const distill_sparsity *s, distill_keys k, uint32_t l, distill_measure m)
{
    const double mean = distill_sparsity_layer(s, k, l, m);
    double sum = 0;
    for (uint32_t h = 0; h < s->heads; h++) {
        const double inside = distill_sparsity_std(s, k, l, h, m), off = distill_sparsity_get(s, k, l, h, m) - mean;
        sum += inside * inside + off * off;
    }
    return sqrt(sum / s->heads);
}

static void print_layer(FILE *f, const distill_sparsity *s, const sparsity_view *v, uint32_t l)
{
    if (!distill_sparsity_has(s, l)) {
        fprintf(f, "%5u  no figures\n", l);
        return;
    }
    fprintf(f, "%5u   all", l);
    for (int m = 0; m < DISTILL_N_MEASURES; m++)
        fprintf(f, "   %5.3f ±%.2f", distill_sparsity_layer(s, v->keys, l, (distill_measure) m),
                layer_std(s, v->keys, l, (distill_measure) m));
    fputc('\n', f);
    for (uint32_t h = 0; v->heads && h < s->heads; h++) {
        fprintf(f, "       %4u", h);
        for (int m = 0; m < DISTILL_N_MEASURES; m++)
            fprintf(f, "   %5.3f ±%.2f", distill_sparsity_get(s, v->keys, l, h, (distill_measure) m),
                    distill_sparsity_std(s, v->keys, l, h, (distill_measure) m));
        fputc('\n', f);
    }
}

// Is layer a to stand before layer b? Equal ones stay in order.
static bool is_before(const distill_sparsity *s, const sparsity_view *v, uint32_t a, uint32_t b)
{
    if (distill_sparsity_has(s, a) != distill_sparsity_has(s, b))
        return distill_sparsity_has(s, a);
    return distill_sparsity_has(s, a) &&
           distill_sparsity_score(s, v->keys, a, v->by) > distill_sparsity_score(s, v->keys, b, v->by);
}

void print_sparsity(FILE *f, const distill_sparsity *s, const sparsity_view *v)
{
    uint32_t order[NN_MAX_DEPTH];
    for (uint32_t l = 0; l < s->depth; l++) {
        uint32_t at = l;
        for (; v->is_sorted && at > 0 && is_before(s, v, l, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = l;
    }
    fprintf(f, "%u images, keys: %s\nlayer  head", s->images, distill_keys_name(v->keys));
    for (int m = 0; m < DISTILL_N_MEASURES; m++)
        fprintf(f, " %13s", distill_measure_name((distill_measure) m));
    fprintf(f, "\n    sparser");
    for (int m = 0; m < DISTILL_N_MEASURES; m++)
        fprintf(f, " %13s", distill_measure_is_high((distill_measure) m) ? "high" : "low");
    fputc('\n', f);
    for (uint32_t i = 0; i < s->depth; i++)
        print_layer(f, s, v, order[i]);
}

vkc_status print_sparsity_agreement(FILE *f, const distill_sparsity *s, distill_keys keys)
{
    double rho[DISTILL_N_MEASURES][DISTILL_N_MEASURES];
    vkc_status st = distill_sparsity_agreement(s, keys, rho);
    if (st != VKC_OK)
        return st;
    fprintf(f, "\nrank agreement of measures over the heads of all layers (Spearman; 1 = the same order from sparse to "
               "dense)\n%-13s", "");
    for (int b = 0; b < DISTILL_N_MEASURES; b++)
        fprintf(f, "  %8.8s", distill_measure_name((distill_measure) b));
    for (int a = 0; a < DISTILL_N_MEASURES; a++) {
        fprintf(f, "\n%-13s", distill_measure_name((distill_measure) a));
        for (int b = 0; b < DISTILL_N_MEASURES; b++)
            if (isfinite(rho[a][b]))
                fprintf(f, "  %8.2f", rho[a][b]);
            else
                fprintf(f, "  %8s", "-");
    }
    fputc('\n', f);
    return VKC_OK;
}
