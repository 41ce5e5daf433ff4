// test_probe.c — linear probes: a case by hand, the normal equations solved in another way, odd rows, equal bits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "distill/statistics/probe.h"
#include "nn/base/rng.h"

#define ROWS 150u                   // no multiple of the rows that are taken at once, nor is the next
#define DIM 37u
#define CLASSES 3u

static double accuracy(const distill_probe *p, const float *x, const uint32_t *label, uint32_t n)
{
    double a = -1;
    assert_int_equal(distill_probe_test(p, x, label, n, &a), VKC_OK);
    return a;
}

static distill_probe *fit(const float *x, const uint32_t *label, uint32_t n, uint32_t dim, uint32_t classes,
                          double ridge)
{
    distill_probe *p = NULL;
    assert_int_equal(distill_probe_create(x, label, n, dim, classes, ridge, &p), VKC_OK);
    return p;
}

// The class predicted for one row: the label that is right.
static uint32_t predict(const distill_probe *p, const float *x, uint32_t classes)
{
    for (uint32_t k = 0; k < classes; k++)
        if (accuracy(p, x, &k, 1) == 1.0)
            return k;
    return UINT32_MAX;
}

// Of -1 and 1 the weight is 0.5 / (1 + ridge) for class 1 and its negative for class 0; a third more of class 1 moves
// the border.
static void test_by_hand(void **state)
{
    (void) state;
    const float x[] = { -1, -1, 1, 1 }, at[] = { -0.01f, 0.0f, 0.01f };
    const uint32_t label[] = { 0, 0, 1, 1 };
    distill_probe *p = fit(x, label, 4, 1, 2, 0.25);
    assert_int_equal(predict(p, at, 2), 0);
    assert_int_equal(predict(p, at + 1, 2), 0);  // of equal values the first class
    assert_int_equal(predict(p, at + 2, 2), 1);
    assert_true(accuracy(p, x, label, 4) == 1.0);
    assert_true(isnan(accuracy(p, x, label, 0)));
    distill_probe_destroy(p);
    // Mean 0.5, std 0.5 * sqrt(3) of 0, 0, 0, 2; y of class 1 is 1 for the last: shares 3/4, 1/4. The covariance of z
    // and y_1 is sqrt(3) / 4, so with ridge 1 the values meet at z = 2 / sqrt(3), where x is 0.5 + 1 = 1.5.
    const float y[] = { 0, 0, 0, 2 }, near[] = { 1.49f, 1.51f };
    const uint32_t rare[] = { 0, 0, 0, 1 };
    p = fit(y, rare, 4, 1, 2, 1.0);
    assert_int_equal(predict(p, near, 2), 0);
    assert_int_equal(predict(p, near + 1, 2), 1);
    distill_probe_destroy(p);
}

static void fill(float *x, uint32_t *label, uint32_t n, uint64_t seed)
{
    for (uint32_t r = 0; r < n; r++) {
        label[r] = nn_rng_below(seed, 1, r, CLASSES);
        for (uint32_t i = 0; i < DIM; i++)
            x[r * DIM + i] = (float) nn_rng_below(seed, 2 + i, r, 1000) / 100.0f * (float) (i + 1) +
                             (i < CLASSES && label[r] == i ? 4.0f : 0.0f);
    }
}

// (A | B) -> X of A X = B, by Gauss and Jordan with pivots.
static void eliminate(double a[DIM][DIM + CLASSES])
{
    for (uint32_t i = 0; i < DIM; i++) {
        uint32_t best = i;
        for (uint32_t k = i + 1; k < DIM; k++)
            best = fabs(a[k][i]) > fabs(a[best][i]) ? k : best;
        for (uint32_t j = 0; j < DIM + CLASSES; j++) {
            const double t = a[i][j];
            a[i][j] = a[best][j];
            a[best][j] = t;
        }
        for (uint32_t k = 0; k < DIM; k++) {
            const double f = a[k][i] / a[i][i];
            for (uint32_t j = 0; j < DIM + CLASSES && k != i; j++)
                a[k][j] -= f * a[i][j];
        }
    }
    for (uint32_t i = 0; i < DIM; i++)
        for (uint32_t j = DIM; j < DIM + CLASSES; j++)
            a[i][j] /= a[i][i];
}

static void test_equations(void **state)
{
    (void) state;
    static float x[ROWS * DIM], other[500 * DIM];
    static uint32_t label[ROWS], unused[500];
    double mean[DIM] = { 0 }, std[DIM] = { 0 }, share[CLASSES] = { 0 }, a[DIM][DIM + CLASSES] = { { 0 } };
    uint32_t n_right = 0, seen = 0;
    fill(x, label, ROWS, 1);
    fill(other, unused, 500, 2);
    for (uint32_t r = 0; r < ROWS; r++) {
        share[label[r]] += 1.0 / ROWS;
        for (uint32_t i = 0; i < DIM; i++)
            mean[i] += (double) x[r * DIM + i] / ROWS;
    }
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t i = 0; i < DIM; i++)
            std[i] += pow((double) x[r * DIM + i] - mean[i], 2) / ROWS;
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t i = 0; i < DIM; i++) {
            const double z = ((double) x[r * DIM + i] - mean[i]) / sqrt(std[i]);
            for (uint32_t j = 0; j < DIM; j++)
                a[i][j] += z * ((double) x[r * DIM + j] - mean[j]) / sqrt(std[j]) / ROWS;
            for (uint32_t k = 0; k < CLASSES; k++)
                a[i][DIM + k] += z * ((label[r] == k) - share[k]) / ROWS;
        }
    for (uint32_t i = 0; i < DIM; i++)
        a[i][i] += 0.05;
    eliminate(a);
    distill_probe *p = fit(x, label, ROWS, DIM, CLASSES, 0.05);
    for (uint32_t r = 0; r < 500; r++) {
        double value[CLASSES], most = -INFINITY, second = -INFINITY;
        uint32_t best = 0;
        for (uint32_t k = 0; k < CLASSES; k++) {
            value[k] = share[k];
            for (uint32_t i = 0; i < DIM; i++)
                value[k] += a[i][DIM + k] * ((double) other[r * DIM + i] - mean[i]) / sqrt(std[i]);
            if (value[k] > most)
                second = most, most = value[k], best = k;
            else
                second = fmax(second, value[k]);
        }
        if (most - second < 1e-9)
            continue;                            // too near to call
        assert_int_equal(predict(p, other + r * DIM, CLASSES), best);
        seen |= 1u << best;
        n_right += best == unused[r];
    }
    assert_int_equal(seen, 7);
    assert_in_range(n_right, 200, 499);          // better than a third, as the features say something
    distill_probe_destroy(p);
}

static void test_separable(void **state)
{
    (void) state;
    const float corner[] = { 0, 0, 0, 1, 1, 0, 1, 1 };
    const uint32_t both[] = { 0, 0, 0, 1 }, odd[] = { 0, 1, 1, 0 }, three[] = { 0, 1, 2, 1 };
    distill_probe *p = fit(corner, both, 4, 2, 2, 1e-3);
    assert_true(accuracy(p, corner, both, 4) == 1.0);
    distill_probe_destroy(p);
    p = fit(corner, odd, 4, 2, 2, 1e-3);         // no line parts these
    assert_true(accuracy(p, corner, odd, 4) == 0.5);
    distill_probe_destroy(p);
    p = fit(corner, three, 4, 2, 3, 1e-3);
    assert_true(accuracy(p, corner, three, 4) >= 0.75);
    distill_probe_destroy(p);
}

// Features of one value, the same feature twice, rows that hold a NaN or an infinity.
static void test_odd_rows(void **state)
{
    (void) state;
    const float x[] = { -1, 7, -1,  1, 7, 1,  -1, 7, -1,  1, 7, 1 };
    const float y[] = { -1, 7, -1,  NAN, 7, 1,  1, 7, 1,  -1, 7, -1,  1, INFINITY, 1,  1, 7, 1 };
    const uint32_t label[] = { 0, 1, 0, 1 }, more[] = { 0, 0, 1, 0, 0, 1 };
    const float far[] = { 0.1f, 1e6f, 0.1f }, both[] = { -1, 7, -1, (float) NAN, 7, -1 };
    const uint32_t zero[] = { 0, 0 };
    distill_probe *p = fit(x, label, 4, 3, 2, 0.01), *q = fit(y, more, 6, 3, 2, 0.01);
    assert_int_equal(predict(p, far, 2), 1);     // the second feature never told anything
    assert_int_equal(predict(q, far, 2), 1);
    assert_true(accuracy(p, both, zero, 2) == 0.5);
    assert_true(accuracy(q, x, label, 4) == 1.0);
    distill_probe_destroy(p);
    distill_probe_destroy(q);
    const float same[] = { 3, 3, 3, 3, 3 }, bad[] = { (float) NAN, (float) NAN };
    const uint32_t mostly[] = { 1, 1, 0, 1, 0 }, one[] = { 1, 1 };
    p = fit(same, mostly, 5, 1, 2, 0.01);        // nothing to go by: the commoner class
    assert_int_equal(predict(p, same, 2), 1);
    distill_probe_destroy(p);
    p = fit(bad, one, 2, 1, 2, 0.01);
    assert_true(accuracy(p, bad, one, 2) == 0.0);
    distill_probe_destroy(p);
}

static void test_bad(void **state)
{
    (void) state;
    const float x[] = { 1, 2 };
    const uint32_t label[] = { 0, 1 };
    distill_probe *p = NULL;
    assert_int_equal(distill_probe_create(x, label, 0, 1, 2, 0.1, &p), VKC_E_ARG);
    assert_int_equal(distill_probe_create(x, label, 2, 0, 2, 0.1, &p), VKC_E_ARG);
    assert_int_equal(distill_probe_create(x, label, 2, 1, 1, 0.1, &p), VKC_E_ARG);
    assert_int_equal(distill_probe_create(x, label, 2, 1, 2, 0.0, &p), VKC_E_ARG);
    assert_int_equal(distill_probe_create(x, label, 2, 1, 2, (double) NAN, &p), VKC_E_ARG);
    assert_null(p);
    distill_probe_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),  cmocka_unit_test(test_equations), cmocka_unit_test(test_separable),
        cmocka_unit_test(test_odd_rows), cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
