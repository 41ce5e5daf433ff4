// retain_stats.h — statistics of token pruning: keep ratios per layer, agreement of the kept patches with a dense
// model's class attention, and, for synthetic pictures, with the patches that decide the class.
//
// A keep ratio: patches at the entry of a block / patches of a full image. Block 0 counts as 1; the class token does
// not count. Over a model: mean over the blocks, then over images.
#ifndef DISTILL_RETAIN_STATS_H
#define DISTILL_RETAIN_STATS_H

#include "nn/data/dataset.h"
#include "nn/base/progress.h"
#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

// Of n patches, kept[i] is 1 where patch i is there.
// Share of the kept ones among the k with the highest scores, k = number kept (the lower place wins a tie); NaN for 0.
double distill_overlap(const uint8_t *kept, const float *score, uint32_t n);
// How well the score tells kept from dropped: area under precision over recall in steps (average precision). Equal
// scores are one step, so that their order does not matter. By chance: the keep ratio. NaN when none is kept.
double distill_auprc(const uint8_t *kept, const float *score, uint32_t n);

// Sums over images of what of a mask's inside and outside was there at the entry of each block.
typedef struct distill_survival {
    uint64_t inside, outside;       // patches
    uint64_t in[NN_MAX_DEPTH], out[NN_MAX_DEPTH];   // of them, at the entry of block l
} distill_survival;

// blocks[i] of n patches is the number of blocks that patch i went through, 1 .. depth.
void   distill_survival_add(distill_survival *s, const uint8_t *blocks, const uint8_t *mask, uint32_t n,
                            uint32_t depth);
// How many times as often a patch inside is there as one outside: at the entry of block l, or for l = depth by the mean
// over all blocks. Infinite when of the outside nothing is left, NaN when there was no inside or outside.
double distill_survival_ratio(const distill_survival *s, uint32_t l, uint32_t depth);

typedef struct distill_retain_stats {
    uint32_t depth, images;
    double   keep;                  // mean over blocks and images
    double   layer[NN_MAX_DEPTH];   // at the entry of block l, mean over images
    // Against the class attention of the dense model in the same layer; NaN where it has none, or without one.
    double   overlap[NN_MAX_DEPTH], auprc[NN_MAX_DEPTH];
    bool     has_truth;             // the data are synth:ringed-digit: inside = patches of the ring and what is in it
    distill_survival ring;
} distill_retain_stats;

typedef struct distill_retain_stats_params {
    const nn_dataset *data;
    nn_split    split;
    const nn_model *dense;            // of the same patches; NULL = no comparison
    uint32_t    images;             // 0 = 512
    uint32_t    batch;              // 0 = 64
    uint32_t    threads;
    nn_progress_fn progress;
    void       *user;
} distill_retain_stats_params;

// Errors: E_FORMAT (no usable image), E_ARG (dense has other patches), E_STOPPED, device errors.
// Is it known what matters in the pictures of this split, at the size of the model's?
bool       distill_has_truth(const nn_dataset *data, nn_split split, const nn_model_config *c);
vkc_status distill_retain_measure(const nn_model *m, const distill_retain_stats_params *p, distill_retain_stats *out);

#ifdef __cplusplus
}
#endif
#endif
