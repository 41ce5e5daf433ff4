// test_agreement.c — p-values of Kendall's tau: against published tables and all permutations, with ties, by draws.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "distill/statistics/agreement.h"
#include "nn/base/rng.h"

static double p_of(const double *a, const double *b, uint32_t n)
{
    double p = -1;
    assert_int_equal(distill_kendall_p(a, b, n, &p), VKC_OK);
    return p;
}

static void assert_close(double a, double b, double off)
{
    if (!(fabs(a - b) <= off))
        fail_msg("%.12g, want %.12g", a, b);
}

// Two-sided tail probabilities of S for n values without ties: 2 / n! for perfect agreement, and the tables in Kendall,
// Rank Correlation Methods: n = 4, S = 4: 2 * 0.167; n = 5, S = 6: 2 * 0.117; n = 6, S = 9: 2 * 0.068.
static void test_tables(void **state)
{
    (void) state;
    const double up[] = { 1, 2, 3, 4, 5, 6, 7, 8 }, down[] = { 8, 7, 6, 5, 4, 3, 2, 1 };
    const double four[] = { 2, 1, 3, 4 }, five[] = { 2, 1, 3, 5, 4 }, six[] = { 2, 1, 4, 3, 6, 5 };
    double factorial = 2;
    for (uint32_t n = 3; n <= 8; n++) {
        factorial *= n;
        assert_close(p_of(up, up, n), 2 / factorial, 1e-15);
        assert_close(p_of(up, down, n), 2 / factorial, 1e-15);
    }
    assert_close(p_of(up, up, 2), 1.0, 0);
    assert_close(p_of(up, four, 4), 2 * 4 / 24.0, 1e-15);
    assert_close(p_of(up, five, 5), 2 * 14 / 120.0, 1e-15);
    assert_close(p_of(up, six, 6), 2 * 49 / 720.0, 1e-15);
    assert_true(isnan(p_of(up, up, 1)));
}

static int balance(const double *a, const double *b, const uint32_t *pair, uint32_t n)
{
    int s = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < i; k++)
            s += ((a[i] > a[k]) - (a[i] < a[k])) * ((b[pair[i]] > b[pair[k]]) - (b[pair[i]] < b[pair[k]]));
    return s;
}

// By every permutation of six values: codes that are none are passed over.
static double brute(const double *a, const double *b)
{
    static const uint32_t same[6] = { 0, 1, 2, 3, 4, 5 };
    const int want = abs(balance(a, b, same, 6));
    uint32_t hits = 0, total = 0;
    for (uint32_t code = 0; code < 6 * 6 * 6 * 6 * 6 * 6; code++) {
        uint32_t pair[6], seen = 0;
        for (uint32_t i = 0, c = code; i < 6; i++, c /= 6)
            seen |= 1u << (pair[i] = c % 6);
        if (seen != 63)
            continue;
        total++;
        hits += abs(balance(a, b, pair, 6)) >= want ? 1 : 0;
    }
    assert_int_equal(total, 720);
    return (double) hits / total;
}

static void fill(double *x, uint32_t n, uint64_t seed, uint32_t values)
{
    uint32_t list[64];
    for (uint32_t i = 0; i < n; i++)
        list[i] = i;
    nn_rng_shuffle(seed, 0, list, n);
    for (uint32_t i = 0; i < n; i++)
        x[i] = values ? nn_rng_below(seed, 1, i, values) : 0.37 * list[i] - 4;
}

static void test_all_pairings(void **state)
{
    (void) state;
    double a[6], b[6];
    uint32_t n_tied = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        fill(a, 6, 2 * seed, seed % 2 ? 4 : 0);
        fill(b, 6, 2 * seed + 1, seed % 4 > 1 ? 3 : 0);
        double tau;
        assert_int_equal(distill_kendall(a, b, 6, &tau), VKC_OK);
        if (isnan(tau)) {
            assert_true(isnan(p_of(a, b, 6)));
            continue;
        }
        n_tied += seed % 4 != 0;
        assert_close(p_of(a, b, 6), brute(a, b), 1e-12);
        assert_close(p_of(b, a, 6), brute(a, b), 1e-12);
    }
    assert_in_range(n_tied, 20, 30);
}

// Exact for many values, too: S is near normal there. With ties, by draws, near the same with one tie more or less.
static void test_many(void **state)
{
    (void) state;
    double a[40], b[40], tau;
    for (uint64_t seed = 0; seed < 20; seed++) {
        const uint32_t n = 40;
        fill(a, n, 3 * seed, 0);
        fill(b, n, 3 * seed + 1, 0);
        for (uint32_t i = 0; i < seed; i++)
            b[i] = a[i];                         // half of them agree in the end
        assert_int_equal(distill_kendall(a, b, n, &tau), VKC_OK);
        const double p = p_of(a, b, n), step = 1.0;
        const double s = fabs(tau) * n * (n - 1) / 2, sigma = sqrt(n * (n - 1) * (2.0 * n + 5) / 18);
        assert_close(p, erfc((s - step) / sigma / sqrt(2.0)), 0.01);
    }
    fill(a, 12, 7, 0);
    fill(b, 12, 8, 0);
    for (uint32_t i = 0; i < 5; i++)
        b[i] = a[i];
    const double exact = p_of(a, b, 12);
    assert_true(exact > 0 && exact < 1);
    b[11] = b[10];
    const double drawn = p_of(a, b, 12);
    assert_close(drawn, exact, 0.15);
    assert_true(drawn == p_of(a, b, 12));
}

static void test_agree(void **state)
{
    (void) state;
    const double a[] = { 1, 2, 3, 4, 5 }, b[] = { 2, 1, 3, 5, 4 }, flat[] = { 1, 1, 1, 1, 1 };
    const double odd[] = { 1, (double) NAN, 3, 4, 5 };
    double rho, p;
    distill_agreement g;
    assert_int_equal(distill_agree(a, b, 5, &g), VKC_OK);
    assert_int_equal(distill_spearman(a, b, 5, &rho), VKC_OK);
    assert_int_equal(distill_spearman_p(a, b, 5, 0, 0, &p), VKC_OK);
    assert_true(g.n == 5 && g.rho == rho && g.rho_p == p);
    assert_close(g.tau, 0.6, 1e-15);
    assert_close(g.tau_p, 28.0 / 120, 1e-15);
    assert_int_equal(distill_agree(a, flat, 5, &g), VKC_OK);
    assert_true(isnan(g.tau) && isnan(g.tau_p) && isnan(g.rho) && isnan(g.rho_p));
    assert_int_equal(distill_agree(a, b, 1, &g), VKC_OK);
    assert_true(g.n == 1 && isnan(g.tau) && isnan(g.rho_p));
    assert_int_equal(distill_agree(a, odd, 5, &g), VKC_E_ARG);
    double *x = (double *) malloc(5000 * sizeof *x);
    assert_non_null(x);
    for (uint32_t i = 0; i < 5000; i++)
        x[i] = i;
    assert_int_equal(distill_kendall_p(x, x, 5000, &p), VKC_E_ARG);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables), cmocka_unit_test(test_all_pairings), cmocka_unit_test(test_many),
        cmocka_unit_test(test_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
