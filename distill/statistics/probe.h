// probe.h — a linear probe: how well classes can be read off features by a linear map.
//
// Ridge regression of one-hot labels on features, in closed form: with z = (x - mean) / std of the training rows, W
// minimises the mean of |W z - (y - mean of y)|^2, plus ridge |W|^2; the class with the highest value of W z + mean of
// y is predicted, of equal ones the first. Host only, in double, by Cholesky's decomposition in one fixed order: the
// same bits for the same rows. Features of one value are left out. A row with what is no finite number takes no part
// in the fit, and is predicted wrong.
// Thread-safety: safe; a probe may be asked by many threads.
#ifndef DISTILL_PROBE_H
#define DISTILL_PROBE_H

#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DISTILL_PROBE_RIDGE 0.01    // of standardised features: a hundredth of the weight of the data

typedef struct distill_probe distill_probe;

// Fit to x (n, dim) with label (n), each below `classes`. Errors: E_ARG (no rows, features or classes, a label beyond
// them, a ridge that is not above 0), E_NOMEM.
vkc_status distill_probe_create(const float *x, const uint32_t *label, uint32_t n, uint32_t dim, uint32_t classes,
                                double ridge, distill_probe **out);
void       distill_probe_destroy(distill_probe *p);             // NULL is fine
// Share of n rows whose label is predicted; NaN for n = 0. E_NOMEM.
vkc_status distill_probe_test(const distill_probe *p, const float *x, const uint32_t *label, uint32_t n, double *out);

#ifdef __cplusplus
}
#endif
#endif
