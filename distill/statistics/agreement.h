// agreement.h — do two rankings agree? Kendall's tau and Spearman's rho with their p-values.
//
// Host only, in double; random draws follow from a fixed seed. Thread-safety: safe.
#ifndef DISTILL_AGREEMENT_H
#define DISTILL_AGREEMENT_H

#include "distill/statistics/statistics.h"

#ifdef __cplusplus
extern "C" {
#endif

// How often a random pairing of a with b agrees (Kendall) at least as strongly, both signs counted. Exact for any n of
// values without ties, from the distribution of inversions; with ties exact for n <= 9, where all n! pairings are
// counted, else of 100,000 random ones, as (1 + hits) / (1 + draws). NaN where tau is. Errors: E_ARG (NaN among the
// values, more than 4,096 of them), E_NOMEM.
vkc_status distill_kendall_p(const double *a, const double *b, uint32_t n, double *p);

// All of them; NaN for n < 2, or when one of the two is constant.
typedef struct distill_agreement {
    uint32_t n;
    double tau, tau_p;              // Kendall, tau-b
    double rho, rho_p;              // Spearman; the p-value is exact for n <= 9 (distill_spearman_p)
} distill_agreement;
vkc_status distill_agree(const double *a, const double *b, uint32_t n, distill_agreement *out);

#ifdef __cplusplus
}
#endif
#endif
