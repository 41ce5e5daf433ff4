// row_measures.c — sparsity of single rows, on the host, in double.
#include "distill/sparsity/row_measures.h"

#include "shaders/attention/attention_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int descending(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return x < y ? 1 : -(x > y);
}

void distill_row_measures(double *p, uint32_t n, double out[DISTILL_N_MEASURES])
{
    double sum = 0, entropy = 0, squares = 0, mass = 0;
    memset(out, 0, DISTILL_N_MEASURES * sizeof *out);
    qsort(p, n, sizeof *p, descending);
    for (uint32_t j = 0; j < n; j++)
        sum += p[j];
    for (uint32_t j = 0; j < n; j++) {
        const double x = p[j] / sum;
        entropy -= x > 0 ? x * log(x) : 0;
        squares += x * x;
        out[DISTILL_GINI] += x * (n - 1 - 2.0 * j) / n;
        out[DISTILL_BELOW] += n * x < 1 - ATTENTION_STATS_EDGE ? 1.0 / n : 0;
        out[DISTILL_MASS90] += mass < 0.9 - ATTENTION_STATS_EDGE ? 1.0 / n : 0;
        mass += x;
        if (j + 1 == (n + 9) / 10)
            out[DISTILL_TOP10] = mass;
    }
    out[DISTILL_ENTROPY] = entropy / log((double) n);
    out[DISTILL_EFFECTIVE] = exp(entropy) / n;
    out[DISTILL_HOYER] = (sqrt((double) n) - 1 / sqrt(squares)) / (sqrt((double) n) - 1);
    out[DISTILL_PARTICIPATION] = 1 / (n * squares);
}

// Is key j among the k largest of a row?
static bool is_top(const double *p, uint32_t n, uint32_t k, uint32_t j)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < n && before < k; i++)
        before += p[i] > p[j] || (i < j && !(p[i] < p[j]));
    return before < k;
}

double distill_row_overlap(const double *a, const double *b, uint32_t n)
{
    const uint32_t k = (n + 9) / 10;
    uint32_t both = 0;
    for (uint32_t j = 0; j < n; j++)
        both += is_top(a, n, k, j) && is_top(b, n, k, j);
    return (double) both / k;
}

vkc_status distill_row_figures_add(distill_row_figures *f, const double *p, const double *other, uint32_t n)
{
    double sum = 0, out[DISTILL_N_MEASURES], *room;
    for (uint32_t j = 0; j < n; j++)
        sum += p[j];
    if (n < 2 || !(sum > 0)) {
        f->empty += n >= 2;
        return VKC_OK;
    }
    room = (double *) malloc(n * sizeof *room);
    if (!room)
        return VKC_FAIL(VKC_E_NOMEM, "maps: out of host memory");
    memcpy(room, p, n * sizeof *room);
    distill_row_measures(room, n, out);
    free(room);
    f->rows++;
    for (int m = 0; m < DISTILL_N_MEASURES; m++)
        f->mean[m] += (out[m] - f->mean[m]) / (double) f->rows;
    if (other) {
        f->compared++;
        f->overlap += (distill_row_overlap(p, other, n) - f->overlap) / (double) f->compared;
    }
    return VKC_OK;
}
