// statistics.c — ranks and their correlation, permutation tests, the paired bootstrap.
#include "distill/statistics/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/rng.h"

#define ALL_PAIRINGS 9u             // values of which all n! pairings are looked at
#define DRAWS_OF_PAIRINGS 100000u
#define DRAWS_OF_MEANS 2000u
#define MAX_VALUES (1u << 20)       // so that a sum of products of doubled ranks fits an int64_t

static vkc_status fail_memory(void)
{
    return VKC_FAIL(VKC_E_NOMEM, "statistics: out of host memory");
}

typedef struct place { double x; uint32_t at; } place;

static int compare_places(const void *a, const void *b)
{
    const place *p = (const place *) a, *q = (const place *) b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->at > q->at) - (p->at < q->at);
}

// Twice the ranks: whole numbers even where equal values share one.
static vkc_status double_ranks(const double *x, uint32_t n, int64_t *twice)
{
    if (n > MAX_VALUES)
        return VKC_FAIL(VKC_E_ARG, "statistics: %u values, at most %u can be ranked", n, MAX_VALUES);
    place *p = (place *) malloc((n ? n : 1) * sizeof *p);
    if (!p)
        return fail_memory();
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(x[i]))
            st = VKC_FAIL(VKC_E_ARG, "statistics: value %u of %u is not a number and has no rank", i, n);
        p[i] = (place) { x[i], i };
    }
    if (st == VKC_OK)
        qsort(p, n, sizeof *p, compare_places);
    for (uint32_t i = 0, end; i < n && st == VKC_OK; i = end) {
        for (end = i + 1; end < n && p[end].x == p[i].x; end++)
            ;
        for (uint32_t k = i; k < end; k++)
            twice[p[k].at] = (int64_t) i + 1 + end;         // (i + 1) + end: first and last rank of the equal ones
    }
    free(p);
    return st;
}

vkc_status distill_ranks(const double *x, uint32_t n, double *rank)
{
    int64_t *twice = (int64_t *) malloc((n ? n : 1) * sizeof *twice);
    if (!twice)
        return fail_memory();
    vkc_status st = double_ranks(x, n, twice);
    for (uint32_t i = 0; i < n && st == VKC_OK; i++)
        rank[i] = (double) twice[i] / 2;
    free(twice);
    return st;
}

// Both rows of doubled ranks, to be freed by the first.
static vkc_status rank_both(const double *a, const double *b, uint32_t n, int64_t **ra, int64_t **rb)
{
    *ra = (int64_t *) malloc(2 * ((size_t) n + 1) * sizeof **ra);
    if (!*ra)
        return fail_memory();
    *rb = *ra + n;
    vkc_status st = double_ranks(a, n, *ra);
    return st == VKC_OK ? double_ranks(b, n, *rb) : st;
}

// Covariance of doubled ranks times n: a whole number, so that equally strong pairings compare as equal. Whatever the
// ties, doubled ranks sum to n (n + 1).
static int64_t covariance(const int64_t *ra, const int64_t *rb, const uint32_t *pair, uint32_t n)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += ra[i] * rb[pair ? pair[i] : i];
    return sum - (int64_t) n * ((int64_t) n + 1) * ((int64_t) n + 1);
}

static double correlation(const int64_t *ra, const int64_t *rb, uint32_t n)
{
    const double va = (double) covariance(ra, ra, NULL, n), vb = (double) covariance(rb, rb, NULL, n);
    if (n < 2 || va <= 0 || vb <= 0)
        return NAN;
    return fmax(-1.0, fmin(1.0, (double) covariance(ra, rb, NULL, n) / sqrt(va) / sqrt(vb)));
}

vkc_status distill_spearman(const double *a, const double *b, uint32_t n, double *rho)
{
    int64_t *ra = NULL, *rb = NULL;
    vkc_status st = rank_both(a, b, n, &ra, &rb);
    if (st == VKC_OK)
        *rho = correlation(ra, rb, n);
    free(ra);
    return st;
}

vkc_status distill_kendall(const double *a, const double *b, uint32_t n, double *tau)
{
    int64_t balance = 0, pairs_a = 0, pairs_b = 0;          // pairs that differ in a, in b
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(a[i]) || isnan(b[i]))
            return VKC_FAIL(VKC_E_ARG, "statistics: value %u of %u is not a number and has no rank", i, n);
        for (uint32_t j = 0; j < i; j++) {
            const int da = (a[i] > a[j]) - (a[i] < a[j]), db = (b[i] > b[j]) - (b[i] < b[j]);
            balance += da * db;
            pairs_a += da != 0;
            pairs_b += db != 0;
        }
    }
    *tau = pairs_a && pairs_b ? (double) balance / sqrt((double) pairs_a * (double) pairs_b) : NAN;     // 1 is 1
    return VKC_OK;
}

// Pairings at least as strong as `least`, of all n!; Heap's exchanges, one pairing after the other.
static uint64_t count_all(const int64_t *ra, const int64_t *rb, uint32_t n, int64_t least, uint64_t *total)
{
    uint32_t pair[ALL_PAIRINGS], turn[ALL_PAIRINGS] = { 0 };
    uint64_t hits = llabs(covariance(ra, rb, NULL, n)) >= least;
    for (uint32_t i = 0; i < n; i++)
        pair[i] = i;
    *total = 1;
    for (uint32_t i = 1; i < n;) {
        if (turn[i] == i) {
            turn[i++] = 0;
            continue;
        }
        const uint32_t other = i % 2 ? turn[i] : 0, kept = pair[i];
        pair[i] = pair[other];
        pair[other] = kept;
        hits += llabs(covariance(ra, rb, pair, n)) >= least;
        ++*total;
        turn[i]++;
        i = 1;
    }
    return hits;
}

vkc_status distill_spearman_p(const double *a, const double *b, uint32_t n, uint32_t draws, uint64_t seed, double *p)
{
    int64_t *ra = NULL, *rb = NULL;
    uint32_t *pair = (uint32_t *) malloc((n ? n : 1) * sizeof *pair);
    vkc_status st = rank_both(a, b, n, &ra, &rb);
    if (st == VKC_OK && !pair)
        st = fail_memory();
    if (st != VKC_OK)
        goto done;
    const int64_t least = llabs(covariance(ra, rb, NULL, n));
    uint64_t hits = 1, total = 1;
    if (isnan(correlation(ra, rb, n))) {
        *p = NAN;
        goto done;
    }
    if (n <= ALL_PAIRINGS) {
        hits = count_all(ra, rb, n, least, &total);
    } else {
        total += draws ? draws : DRAWS_OF_PAIRINGS;
        for (uint32_t k = 0; k + 1 < total; k++) {
            for (uint32_t i = 0; i < n; i++)
                pair[i] = i;
            nn_rng_shuffle(seed, k, pair, n);
            hits += llabs(covariance(ra, rb, pair, n)) >= least;
        }
    }
    *p = (double) hits / (double) total;
done:
    free(pair);
    free(ra);
    return st;
}

static int compare_sums(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

// Between the two nearest of the sorted values, so that the ends of an interval mirror each other.
static double quantile(const int64_t *sorted, uint32_t n, double q)
{
    const double at = q * (n - 1);
    const uint32_t low = (uint32_t) at, high = low + 1 < n ? low + 1 : low;
    return (double) sorted[low] + (at - low) * (double) (sorted[high] - sorted[low]);
}

vkc_status distill_bootstrap(const uint8_t *x, const uint8_t *y, uint32_t n, double confidence, uint32_t draws,
                             uint64_t seed, distill_interval *out)
{
    if (n == 0)
        return VKC_FAIL(VKC_E_ARG, "statistics: an interval of no pairs");
    if (!(confidence > 0 && confidence < 1))
        return VKC_FAIL(VKC_E_ARG, "statistics: a confidence of %g, want more than 0 and less than 1", confidence);
    const uint32_t n_sums = draws ? draws : DRAWS_OF_MEANS;
    int16_t *gap = (int16_t *) malloc(n * sizeof *gap);
    int64_t *sum = (int64_t *) calloc(n_sums, sizeof *sum), all = 0;
    bool differs = false;
    if (!gap || !sum) {
        free(gap);
        free(sum);
        return fail_memory();
    }
    for (uint32_t i = 0; i < n; i++) {
        gap[i] = (int16_t) (x[i] - y[i]);
        all += gap[i];
        differs |= gap[i] != gap[0];
    }
    for (uint32_t k = 0; k < n_sums && differs; k++)
        for (uint32_t i = 0; i < n; i++)
            sum[k] += gap[nn_rng_below(seed, k, i, n)];
    for (uint32_t k = 0; k < n_sums && !differs; k++)       // each draw would be the same
        sum[k] = all;
    qsort(sum, n_sums, sizeof *sum, compare_sums);
    const double tail = (1 - confidence) / 2;
    *out = (distill_interval) { quantile(sum, n_sums, tail) / n, (double) all / n,
                                quantile(sum, n_sums, 1 - tail) / n };
    free(gap);
    free(sum);
    return VKC_OK;
}

void distill_mean_std(const double *x, uint32_t n, double *mean, double *std)
{
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += x[i];
    *mean = n ? sum / n : NAN;
    for (uint32_t i = 0; i < n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *std = n > 1 ? sqrt(squares / (n - 1)) : n ? 0.0 : NAN;
}
