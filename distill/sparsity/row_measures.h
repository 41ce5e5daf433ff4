// row_measures.h — the measures of sparsity.h, and a ranking's agreement with another, of rows that the host has.
//
// What op attention_stats takes on the device of attention's own rows, for rows of any other origin.
// Thread-safety: a struct by one thread at a time.
#ifndef DISTILL_ROW_MEASURES_H
#define DISTILL_ROW_MEASURES_H

#include "distill/sparsity/sparsity.h"

#ifdef __cplusplus
extern "C" {
#endif

// Of n >= 2 weights >= 0 whose sum is not 0, taken as if it were 1; they are put in order, largest first.
void distill_row_measures(double *p, uint32_t n, double out[DISTILL_N_MEASURES]);

// Of two rows over the same n keys, the share of the k largest of one among the k largest of the other,
// k = ceil(n / 10) (overlap@k; of equal ones the first count). 1 = the same keys, about k / n by chance.
double distill_row_overlap(const double *a, const double *b, uint32_t n);

// Means over rows.
typedef struct distill_row_figures {
    uint64_t rows, empty;           // rows that count, and rows that are all zeros, which do not
    double   mean[DISTILL_N_MEASURES];
    uint64_t compared;              // rows that were held against another's
    double   overlap;               // mean of distill_row_overlap; 0 without
} distill_row_figures;

// Add a row (n), and how it agrees with `other` (n), NULL = nothing to compare with. Rows of one key are left out.
// Errors: E_NOMEM.
vkc_status distill_row_figures_add(distill_row_figures *f, const double *p, const double *other, uint32_t n);

#ifdef __cplusplus
}
#endif
#endif
