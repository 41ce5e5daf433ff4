// agreement.c — Kendall's tau against chance, and both rank correlations of two rows at once.
#include "distill/statistics/agreement.h"

#include <math.h>
#include <stdlib.h>

#include "nn/base/rng.h"

#define MAX_VALUES 4096u
#define ALL_PAIRINGS 9u             // values with ties of which all n! pairings are looked at
#define DRAWS 100000u
#define SEED 0u

// Pairs in the same order less those in the opposite one, with b[i] at b[pair[i]].
static int64_t get_balance(const double *a, const double *b, const uint32_t *pair, uint32_t n)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < i; k++) {
            const double x = b[pair ? pair[i] : i], y = b[pair ? pair[k] : k];
            sum += ((a[i] > a[k]) - (a[i] < a[k])) * ((x > y) - (x < y));
        }
    return sum;
}

static bool has_ties(const double *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < i; k++)
            if (x[i] == x[k])
                return true;
    return false;
}

// Of random permutations of n values the share with a balance of at least `least` to either side. The number of their
// inversions has the distribution of the sum of independent whole numbers, each from 0 to 0, 1 ... n - 1.
static vkc_status count_untied(uint32_t n, int64_t least, double *p)
{
    const uint32_t n_pairs = n * (n - 1) / 2;
    double *share = (double *) calloc(2 * ((size_t) n_pairs + 1), sizeof *share), *next = share + n_pairs + 1;
    if (!share)
        return VKC_FAIL(VKC_E_NOMEM, "statistics: out of host memory");
    share[0] = 1.0;
    for (uint32_t m = 2; m <= n; m++) {
        double sum = 0.0;
        for (uint32_t k = 0; k <= m * (m - 1) / 2; k++) {
            sum += share[k] - (k >= m ? share[k - m] : 0.0);
            next[k] = fmax(sum, 0.0) / m;
        }
        for (uint32_t k = 0; k <= m * (m - 1) / 2; k++)
            share[k] = next[k];
    }
    *p = 0.0;
    for (uint32_t k = 0; k <= n_pairs; k++)
        *p += llabs((int64_t) n_pairs - 2 * (int64_t) k) >= least ? share[k] : 0.0;
    *p = fmin(*p, 1.0);
    free(share);
    return VKC_OK;
}

// The next permutation in the order of a lexicon; false after the last.
static bool permute(uint32_t *pair, uint32_t n)
{
    uint32_t i = n - 1, k = n - 1;
    while (i > 0 && pair[i - 1] >= pair[i])
        i--;
    if (i == 0)
        return false;
    while (pair[k] <= pair[i - 1])
        k--;
    const uint32_t kept = pair[i - 1];
    pair[i - 1] = pair[k];
    pair[k] = kept;
    for (k = n - 1; i < k; i++, k--) {
        const uint32_t t = pair[i];
        pair[i] = pair[k];
        pair[k] = t;
    }
    return true;
}

static double count_tied(const double *a, const double *b, uint32_t n, int64_t least, uint32_t *pair)
{
    uint64_t hits = 0, total = 0;
    for (uint32_t i = 0; i < n; i++)
        pair[i] = i;
    if (n <= ALL_PAIRINGS) {
        do {
            hits += llabs(get_balance(a, b, pair, n)) >= least ? 1 : 0;
            total++;
        } while (permute(pair, n));
        return (double) hits / (double) total;
    }
    for (uint32_t k = 0; k < DRAWS; k++) {
        for (uint32_t i = 0; i < n; i++)
            pair[i] = i;
        nn_rng_shuffle(SEED, k, pair, n);
        hits += llabs(get_balance(a, b, pair, n)) >= least ? 1 : 0;
    }
    return (1.0 + (double) hits) / (1.0 + DRAWS);
}

vkc_status distill_kendall_p(const double *a, const double *b, uint32_t n, double *p)
{
    double tau;
    vkc_status st = distill_kendall(a, b, n, &tau);
    *p = (double) NAN;
    if (st != VKC_OK || isnan(tau))
        return st;
    if (n > MAX_VALUES)
        return VKC_FAIL(VKC_E_ARG, "statistics: %u values, of which at most %u are compared in pairs", n, MAX_VALUES);
    const int64_t least = llabs(get_balance(a, b, NULL, n));
    if (!has_ties(a, n) && !has_ties(b, n))
        return count_untied(n, least, p);
    uint32_t *pair = (uint32_t *) malloc(n * sizeof *pair);
    if (!pair)
        return VKC_FAIL(VKC_E_NOMEM, "statistics: out of host memory");
    *p = count_tied(a, b, n, least, pair);
    free(pair);
    return VKC_OK;
}

vkc_status distill_agree(const double *a, const double *b, uint32_t n, distill_agreement *out)
{
    vkc_status st;
    *out = (distill_agreement) { n, NAN, NAN, NAN, NAN };
    VKC_TRY(distill_kendall(a, b, n, &out->tau));
    VKC_TRY(distill_kendall_p(a, b, n, &out->tau_p));
    VKC_TRY(distill_spearman(a, b, n, &out->rho));
    if (!isnan(out->rho))
        st = distill_spearman_p(a, b, n, 0, SEED, &out->rho_p);
done:
    return st;
}
