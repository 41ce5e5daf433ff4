// sparsity.h — how sparse each attention layer and head is, measured in one streaming pass.
//
// A row p of an attention map are the weights of one query over the n keys of its image. Sorted, p_1 >= p_2 ...:
//   entropy        -sum p ln p / ln n                          1 = even over all keys, 0 = one key
//   effective      exp(-sum p ln p) / n                        1 = even, 1 / n = one key
//   gini           sum p_i (n + 1 - 2 i) / n                   0 = even, 1 - 1 / n = one key
//   hoyer          (sqrt n - 1 / |p|) / (sqrt n - 1)           0 = even, 1 = one key
//   participation  1 / (n sum p^2)                             1 = even, 1 / n = one key
//   below          share of the keys with p < 1 / n            0 = even, 1 - 1 / n = one key
//   top10          weight on the ceil(n / 10) largest          about 0.1 = even, 1 = one key
//   mass90         smallest k whose k largest hold 0.9, / n    about 0.9 = even, 1 / n = one key
// Ties count as even: the thresholds of below and mass90 are lowered by a ten-thousandth
// (shaders/attention/attention_stats.h).
// n is the row's own: with tokens dropped on the way, those that are left. Rows of fewer than two keys are skipped.
// Sources: Hurley & Rickard, Comparing Measures of Sparsity, 2009 (gini, hoyer); Shannon entropy and its exponential,
// the number of keys an even row of the same entropy has; inverse participation ratio.
// No map is stored: rows live in workgroup memory, their sums are taken here in double (Welford).
#ifndef DISTILL_SPARSITY_H
#define DISTILL_SPARSITY_H

#include <stdbool.h>

#include "nn/data/dataset.h"
#include "nn/base/progress.h"
#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    DISTILL_ENTROPY, DISTILL_EFFECTIVE, DISTILL_GINI, DISTILL_HOYER, DISTILL_PARTICIPATION, DISTILL_BELOW,
    DISTILL_TOP10, DISTILL_MASS90, DISTILL_N_MEASURES
} distill_measure;
const char *distill_measure_name(distill_measure m);                            // "entropy", "effective" ...
vkc_status  distill_measure_get(const char *name, distill_measure *out);        // E_ARG with all names
bool        distill_measure_is_high(distill_measure m);     // a larger value means sparser (gini, hoyer, below, top10)

// Over which keys: all, or all but the class token, the rest scaled to sum 1 (n - 1 of them). The class token draws
// weight that no patch gets, so the two can order layers differently. Where it is dropped, both are the same.
typedef enum { DISTILL_KEYS_ALL, DISTILL_KEYS_PATCHES, DISTILL_N_KEYS } distill_keys;
const char *distill_keys_name(distill_keys k);                                  // "all", "patches"
vkc_status  distill_keys_get(const char *name, distill_keys *out);              // E_ARG with both names

typedef struct distill_sparsity_params {
    const nn_dataset *data;
    nn_split    split;
    uint32_t    images;             // 0 = 128, spread evenly over the split
    uint32_t    batch;              // 0 = 64
    nn_progress_fn progress;
    void       *user;
} distill_sparsity_params;

// Mean and standard deviation (n - 1) over images and queries (class token and patches), each
// (DISTILL_N_KEYS, depth, heads, DISTILL_N_MEASURES); NaN for layers without attention.
typedef struct distill_sparsity {
    uint32_t depth, heads, images;
    double  *mean, *std;            // owned
} distill_sparsity;

// Errors: E_FORMAT no usable picture; E_STOPPED by `progress`; E_UNSUPPORTED more tokens than rows can be sorted.
vkc_status distill_sparsity_measure(const nn_model *m, const distill_sparsity_params *p, distill_sparsity *out);
void       distill_sparsity_finish(distill_sparsity *s);    // zeroed is fine

bool   distill_sparsity_has(const distill_sparsity *s, uint32_t layer);         // has the layer attention?
double distill_sparsity_get(const distill_sparsity *s, distill_keys k, uint32_t layer, uint32_t head,
                            distill_measure m);
double distill_sparsity_std(const distill_sparsity *s, distill_keys k, uint32_t layer, uint32_t head,
                            distill_measure m);
// Mean of the layer's heads.
double distill_sparsity_layer(const distill_sparsity *s, distill_keys k, uint32_t layer, distill_measure m);
// The layer's value turned so that larger is sparser: itself, or its negative. For ordering layers.
double distill_sparsity_score(const distill_sparsity *s, distill_keys k, uint32_t layer, distill_measure m);

// Do measures order the heads of all layers alike? Spearman's correlation of the turned values over layers and heads,
// each pair of measures. NaN with fewer than two heads in all, or when one is constant. Errors: E_NOMEM.
vkc_status distill_sparsity_agreement(const distill_sparsity *s, distill_keys k,
                                      double rho[DISTILL_N_MEASURES][DISTILL_N_MEASURES]);

#ifdef __cplusplus
}
#endif
#endif
