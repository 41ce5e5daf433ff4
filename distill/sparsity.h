// sparsity.h — how sparse each attention layer and head is, measured in one streaming pass.
//
// A row p of an attention map are the weights of one query over n keys. Measures (algorithms: Hurley & Rickard
// 2009 for the families):
//   entropy   -sum p ln p / ln n            1 = uniform, 0 = one key
//   mass90    smallest k whose k largest weights hold 0.9 of the mass, / n
//   top10     mass in the ceil(n / 10) largest weights
// Means over images and queries. No map is stored: rows live in workgroup memory.
#ifndef DISTILL_SPARSITY_H
#define DISTILL_SPARSITY_H

#include "nn/dataset.h"
#include "nn/progress.h"
#include "nn/vit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { DISTILL_ENTROPY, DISTILL_MASS90, DISTILL_TOP10, DISTILL_N_MEASURES } distill_measure;
const char *distill_measure_name(distill_measure m);    // "entropy", "mass90", "top10"

typedef struct distill_sparsity_params {
    const nn_dataset *data;
    nn_split    split;
    uint32_t    images;             // 0 = 128
    uint32_t    batch;              // 0 = 64
    nn_progress_fn progress;
    void       *user;
} distill_sparsity_params;

typedef struct distill_sparsity {
    uint32_t depth, heads, images;
    double  *head;                  // (depth, heads, DISTILL_N_MEASURES); NaN for layers without attention
} distill_sparsity;

vkc_status distill_sparsity_measure(const nn_vit *v, const distill_sparsity_params *p, distill_sparsity *out);
double     distill_sparsity_layer(const distill_sparsity *s, uint32_t layer, distill_measure m);   // mean of heads
void       distill_sparsity_finish(distill_sparsity *s);

#ifdef __cplusplus
}
#endif
#endif
