// test_statistics.c — ranks, correlations, exact p-values and intervals against values known or counted otherwise.
#include "distill/statistics/statistics.h"

#include "nn/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SMALL 1e-12
#define assert_near(x, want, off) assert_true(fabs((x) - (want)) <= (off))
#define LEN(a) ((uint32_t) (sizeof(a) / sizeof((a)[0])))

static double spearman(const double *a, const double *b, uint32_t n)
{
    double rho = 7;
    assert_int_equal(distill_spearman(a, b, n, &rho), VKC_OK);
    return rho;
}

static double kendall(const double *a, const double *b, uint32_t n)
{
    double tau = 7;
    assert_int_equal(distill_kendall(a, b, n, &tau), VKC_OK);
    return tau;
}

static double p_of(const double *a, const double *b, uint32_t n, uint32_t draws, uint64_t seed)
{
    double p = 7;
    assert_int_equal(distill_spearman_p(a, b, n, draws, seed, &p), VKC_OK);
    return p;
}

static void test_ranks(void **state)
{
    (void) state;
    const double x[] = { 3, -1, 3, INFINITY, 0, 3, -INFINITY }, want[] = { 5, 2, 5, 7, 3, 5, 1 };
    double rank[LEN(x)];
    assert_int_equal(distill_ranks(x, LEN(x), rank), VKC_OK);
    for (uint32_t i = 0; i < LEN(x); i++)
        assert_true(rank[i] == want[i]);
    const double pair[] = { 2, 2 };
    assert_int_equal(distill_ranks(pair, 2, rank), VKC_OK);
    assert_true(rank[0] == 1.5 && rank[1] == 1.5);
    assert_int_equal(distill_ranks(x, 0, rank), VKC_OK);
    const double bad[] = { 1, NAN };
    assert_int_equal(distill_ranks(bad, 2, rank), VKC_E_ARG);
}

// IQ and hours of television, the textbook example: rho = -29 / 165, tau = -1 / 9.
static void test_known(void **state)
{
    (void) state;
    const double iq[] = { 106, 100, 86, 101, 99, 103, 97, 113, 112, 110 };
    const double tv[] = { 7, 27, 2, 50, 28, 29, 20, 12, 6, 17 };
    assert_near(spearman(iq, tv, 10), -29.0 / 165.0, SMALL);
    assert_near(kendall(iq, tv, 10), -1.0 / 9.0, SMALL);
    // Ties, by hand: ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4 give 4.5 / sqrt(4.5 * 5); 5 of 5 and 6 unequal pairs
    // agree.
    const double a[] = { 1, 2, 2, 3 }, b[] = { 1, 3, 2, 4 };
    assert_near(spearman(a, b, 4), 4.5 / sqrt(4.5 * 5.0), SMALL);
    assert_near(kendall(a, b, 4), 5.0 / sqrt(5.0 * 6.0), SMALL);
    // Only the order counts, and a reversed order is -1.
    double up[10], down[10];
    for (uint32_t i = 0; i < 10; i++) {
        up[i] = exp(iq[i] / 10);
        down[i] = -iq[i] * iq[i];
    }
    assert_near(spearman(iq, up, 10), 1, SMALL);
    assert_near(spearman(iq, down, 10), -1, SMALL);
    assert_near(kendall(iq, down, 10), -1, SMALL);
}

static void test_nothing_to_say(void **state)
{
    (void) state;
    const double one[] = { 4, 4, 4 }, x[] = { 1, 2, 3 }, bad[] = { 1, NAN, 3 };
    assert_true(isnan(spearman(one, x, 3)) && isnan(spearman(x, one, 3)) && isnan(kendall(one, x, 3)));
    assert_true(isnan(spearman(x, x, 1)) && isnan(spearman(x, x, 0)) && isnan(kendall(x, x, 1)));
    assert_true(isnan(p_of(one, x, 3, 0, 0)) && isnan(p_of(x, x, 1, 0, 0)));
    double out;
    assert_int_equal(distill_spearman(x, bad, 3, &out), VKC_E_ARG);
    assert_int_equal(distill_kendall(bad, x, 3, &out), VKC_E_ARG);
    assert_int_equal(distill_spearman_p(bad, x, 3, 0, 0, &out), VKC_E_ARG);
}

// Every pairing by recursion, its correlation by the plain formula in double.
typedef struct brute { const double *a, *b; double at[9], least; uint32_t n, hits, total; bool used[9]; } brute;

static void walk(brute *w, uint32_t depth)
{
    if (depth == w->n) {
        w->hits += fabs(spearman(w->a, w->at, w->n)) >= w->least - SMALL;
        w->total++;
        return;
    }
    for (uint32_t i = 0; i < w->n; i++) {
        if (w->used[i])
            continue;
        w->used[i] = true;
        w->at[depth] = w->b[i];
        walk(w, depth + 1);
        w->used[i] = false;
    }
}

static void test_exact(void **state)
{
    (void) state;
    static const double a[][7] = { { 1, 2, 3, 4, 5, 6, 7 }, { 3, 3, 1, 2, 2, 9, 4 }, { 0, 5, 1, 5, 5, 2, 2 } };
    static const double b[][7] = { { 2, 1, 4, 3, 7, 5, 6 }, { 4, 1, 1, 8, 3, 6, 6 }, { 1, 1, 1, 2, 0, 3, 1 } };
    for (uint32_t k = 0; k < 3; k++)
        for (uint32_t n = 2; n <= 7; n++) {
            if (isnan(spearman(a[k], b[k], n)))
                continue;
            brute w = { .a = a[k], .b = b[k], .n = n, .least = fabs(spearman(a[k], b[k], n)) };
            walk(&w, 0);
            assert_true(p_of(a[k], b[k], n, 3, k) == (double) w.hits / w.total);
        }
    // A perfect order of n different values: two of n! pairings.
    const double up[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    assert_true(p_of(up, up, 9, 0, 0) == 2.0 / 362880.0);
    assert_true(p_of(up, up, 4, 0, 0) == 2.0 / 24.0);
}

// Of the 10! pairings of 1 .. 10, those whose squared distances sum to at most `most`: by subsets, value by value.
static double count_near(uint32_t most)
{
    static double ways[1024][331];
    memset(ways, 0, sizeof ways);
    ways[0][0] = 1;
    for (uint32_t set = 0; set < 1024; set++) {
        uint32_t at = 0;
        for (uint32_t i = 0; i < 10; i++)
            at += set >> i & 1;
        for (uint32_t i = 0; i < 10; i++) {
            const uint32_t far = (at > i ? at - i : i - at) * (at > i ? at - i : i - at);
            for (uint32_t sum = 0; !(set >> i & 1) && sum + far <= 330; sum++)
                ways[set | 1u << i][sum + far] += ways[set][sum];
        }
    }
    double n = 0;
    for (uint32_t sum = 0; sum <= most; sum++)
        n += ways[1023][sum];
    return n;
}

// Ten values are drawn: near the exact p-value, reproducible, and never 0.
static void test_drawn(void **state)
{
    (void) state;
    const double up[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, b[] = { 1, 6, 3, 9, 2, 4, 7, 5, 8, 10 };
    assert_near(spearman(up, b, 10), 1 - 6 * 64.0 / 990, SMALL);        // squared distances sum to 64
    const double exact = 2 * count_near(64) / 3628800;
    const double p = p_of(up, b, 10, 0, 5);
    assert_near(p, exact, 4 * sqrt(exact / 100000));
    assert_true(p == p_of(up, b, 10, 0, 5));
    assert_true(p != p_of(up, b, 10, 0, 6));
    assert_true(p_of(up, up, 10, 999, 1) == 1.0 / 1000.0);
    const double tied[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 2 };
    assert_true(p_of(tied, tied, 10, 999, 1) > 0.05);   // one of ten places is the same anyway
}

static void test_bootstrap_known(void **state)
{
    (void) state;
    enum { N = 400 };
    uint8_t x[N], y[N];
    distill_interval i, again, turned;
    memset(x, 1, N);
    memset(y, 1, N);
    assert_int_equal(distill_bootstrap(x, y, N, 0.9, 0, 1, &i), VKC_OK);
    assert_true(i.low == 0 && i.mean == 0 && i.high == 0);
    memset(y, 0, N);
    assert_int_equal(distill_bootstrap(x, y, N, 0.9, 0, 1, &i), VKC_OK);
    assert_true(i.low == 1 && i.mean == 1 && i.high == 1);
    for (uint32_t k = 0; k < N; k++)
        x[k] = k % 10 < 7, y[k] = k % 10 >= 2 && k % 10 < 6;        // both 4, x alone 3, y alone 0 in ten
    assert_int_equal(distill_bootstrap(x, y, N, 0.9, 20000, 1, &i), VKC_OK);
    assert_near(i.mean, 0.3, SMALL);
    const double spread = sqrt(0.3 * 0.7 / N);          // of the mean; the interval is about 1.645 of them to each side
    assert_near(i.low, 0.3 - 1.645 * spread, 0.1 * spread + 0.5 / N);
    assert_near(i.high, 0.3 + 1.645 * spread, 0.1 * spread + 0.5 / N);
    assert_int_equal(distill_bootstrap(x, y, N, 0.9, 20000, 1, &again), VKC_OK);
    assert_memory_equal(&i, &again, sizeof i);
    assert_int_equal(distill_bootstrap(y, x, N, 0.9, 20000, 1, &turned), VKC_OK);
    assert_near(turned.low, -i.high, SMALL);
    assert_near(turned.high, -i.low, SMALL);
    assert_int_equal(distill_bootstrap(x, y, N, 0.5, 20000, 1, &again), VKC_OK);
    assert_true(again.low > i.low && again.high < i.high);
    assert_int_equal(distill_bootstrap(x, y, 0, 0.9, 0, 1, &i), VKC_E_ARG);
    assert_int_equal(distill_bootstrap(x, y, N, 1, 0, 1, &i), VKC_E_ARG);
    assert_int_equal(distill_bootstrap(x, y, N, NAN, 0, 1, &i), VKC_E_ARG);
}

// The true difference lies in nine of ten 90 % intervals of fresh data.
static void test_coverage(void **state)
{
    (void) state;
    enum { N = 200, SETS = 400 };
    uint32_t inside = 0;
    for (uint32_t s = 0; s < SETS; s++) {
        uint8_t x[N], y[N];
        distill_interval i;
        for (uint32_t k = 0; k < N; k++) {              // right: both 70 %, x alone 10 %, y alone 5 %
            const float u = nn_rng_uniform(99, s, k);
            x[k] = u < 0.8f;
            y[k] = u < 0.7f || u >= 0.95f;
        }
        assert_int_equal(distill_bootstrap(x, y, N, 0.9, 400, s, &i), VKC_OK);
        inside += i.low <= 0.05 && 0.05 <= i.high;
    }
    assert_in_range(inside, SETS * 86 / 100, SETS * 94 / 100);
}

static void test_mean_std(void **state)
{
    (void) state;
    const double x[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
    double mean, std;
    distill_mean_std(x, 8, &mean, &std);
    assert_near(mean, 5, SMALL);
    assert_near(std, sqrt(32.0 / 7.0), SMALL);
    distill_mean_std(x, 1, &mean, &std);
    assert_true(mean == 2 && std == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks), cmocka_unit_test(test_known), cmocka_unit_test(test_nothing_to_say),
        cmocka_unit_test(test_exact), cmocka_unit_test(test_drawn), cmocka_unit_test(test_bootstrap_known),
        cmocka_unit_test(test_coverage), cmocka_unit_test(test_mean_std),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
