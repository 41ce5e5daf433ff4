// statistics.h — statistics for small samples: rank correlation, permutation tests, paired bootstrap.
//
// Host only, in double, the same on every machine: random draws follow from the seed (nn/base/rng.h).
// Sources: Spearman 1904, Kendall 1945 (tau-b); Good, Permutation Tests; Efron & Tibshirani, An Introduction to the
// Bootstrap, ch. 13 (percentile intervals). Thread-safety: safe.
#ifndef DISTILL_STATISTICS_H
#define DISTILL_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Ranks 1 .. n of x, smallest first; equal numbers share the mean of their ranks. NaN is not allowed.
vkc_status distill_ranks(const double *x, uint32_t n, double *rank);

// Correlation of ranks, -1 .. 1; NaN for n < 2 or when one of the two is constant.
vkc_status distill_spearman(const double *a, const double *b, uint32_t n, double *rho);
vkc_status distill_kendall(const double *a, const double *b, uint32_t n, double *tau);     // tau-b

// How often a random pairing of a with b is correlated (Spearman) at least as strongly, both signs counted. All n!
// pairings for n <= 9, so the p-value is exact; else `draws` (0 = 100,000) random ones, counted as
// (1 + hits) / (1 + draws).
vkc_status distill_spearman_p(const double *a, const double *b, uint32_t n, uint32_t draws, uint64_t seed, double *p);

// Mean of x - y over n pairs (x[i], y[i] of the same picture), and its percentile interval: with probability
// `confidence` (0.9: from the 5th to the 95th percentile of `draws` (0 = 2,000) resampled means) it lies inside.
typedef struct distill_interval { double low, mean, high; } distill_interval;
vkc_status distill_bootstrap(const uint8_t *x, const uint8_t *y, uint32_t n, double confidence, uint32_t draws,
                             uint64_t seed, distill_interval *out);

// Mean and standard deviation (n - 1) of x; the deviation is 0 for n = 1.
void distill_mean_std(const double *x, uint32_t n, double *mean, double *std);

#ifdef __cplusplus
}
#endif
#endif
