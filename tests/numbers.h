// numbers.h — what tests compare numbers with: normalised mean square errors, and a stream of random ones.
#ifndef TESTS_NUMBERS_H
#define TESTS_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

// 0 <= u < 1, 24 bits.
static inline double test_rand(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return (double) (*s >> 40) / (double) (1u << 24);
}

static inline double test_ratio(double num, double den)
{
    return num == 0 ? 0 : num / (den > 0 ? den : 1e-30);
}

// The larger of two errors; NaN is the largest and stays, where fmax() would drop it.
static inline double test_worst(double worst, double e)
{
    return worst != worst || worst > e ? worst : e;
}

// sum |a - b|^2 / sum |b|^2; 0 / 0 = 0. NaN in either gives NaN: compare with !(e <= bar).
static inline double test_nmse(const float *a, const double *b, size_t n)
{
    double num = 0, den = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double) a[i] - b[i];
        num += d * d;
        den += b[i] * b[i];
    }
    return test_ratio(num, den);
}

// The same of two float arrays, b times `scale`.
static inline double test_nmse_scaled(const float *a, const float *b, size_t n, double scale)
{
    double num = 0, den = 0;
    for (size_t i = 0; i < n; i++) {
        double want = scale * (double) b[i], d = (double) a[i] - want;
        num += d * d;
        den += want * want;
    }
    return test_ratio(num, den);
}

static inline double test_nmse_float(const float *a, const float *b, size_t n)
{
    return test_nmse_scaled(a, b, n, 1);
}

#endif
