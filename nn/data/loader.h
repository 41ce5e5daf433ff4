// loader.h — batches of a data set, decoded and augmented by a decoder's threads while the caller works.
//
// Batch k of epoch e is a pure function of (data, seed, e, k): the number of threads, what was read before and
// where reading began change nothing. Broken pictures are left out of their batch, named and counted.
//
// Memory: that of a decoder (nn/data/decoder.h) of three batches of floats, and the cache.
// Thread-safety: one caller at a time per loader. The data set must outlive the loader.
#ifndef NN_LOADER_H
#define NN_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/data/augment.h"
#include "nn/data/augment_recipe.h"
#include "nn/data/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_loader_params {
    const nn_dataset *data;
    nn_split split;
    uint32_t batch;                 // pictures of a batch
    uint32_t height, width, channels;   // pixels; 1 or 3 channels (0 = 3)
    nn_preprocess preprocess;       // how pictures come to this size; zero = both edges squashed to it
    double   mean[3], std[3];       // of the channels; all std 0 = means and stds of 0.5
    uint64_t seed;
    bool     shuffle;               // another order in every epoch
    bool     drop_last;             // leave out the last batch of an epoch when it is not full
    nn_augment_params augment;      // zero = none; shift is in pixels of these
    nn_augment_recipe recipe;       // after that; zero = none. Repeats want `shuffle`; its texts are not kept
    uint32_t epochs;                // 0 = no end
    uint32_t max_images;            // of an epoch; 0 = all. Not shuffled: spread evenly over the split
    uint32_t threads;               // 0 = as many as cores
    size_t   cache_bytes;           // keep the decoded pictures when they fit; 0 = 1 GiB, 1 = never. Of random crops
                                    // none is kept
} nn_loader_params;

// What training does to pictures unless told otherwise: flips, transposes (of square ones) and shifts of a sixteenth
// of the side; nothing where a mirrored picture would be another (digits).
nn_augment_params nn_augment_default(const nn_dataset *data, uint32_t height, uint32_t width);

typedef struct nn_loader nn_loader;

// Starts decoding epoch 0, batch 0. Errors: E_ARG, E_NOMEM, E_FORMAT (no picture in this split).
vkc_status nn_loader_create(const nn_loader_params *params, nn_loader **out);
void       nn_loader_destroy(nn_loader *l);

uint32_t   nn_loader_batches(const nn_loader *l);       // of an epoch
uint32_t   nn_loader_images(const nn_loader *l);        // of an epoch, broken ones included

// Which picture of the split stands at place `at` of batch `batch`, counted from epoch 0, when none before it is
// broken. With repeats, several places in a row have the same one.
uint32_t   nn_loader_find(const nn_loader *l, uint64_t batch, uint32_t at);

// Go on with this batch. Blocking. Errors: E_ARG beyond the last batch of an epoch.
vkc_status nn_loader_seek(nn_loader *l, uint64_t epoch, uint32_t batch);

// Wait for the next batch and write its pictures (n, channels, height, width), normalised, and their labels (n),
// unless `labels` is NULL. There is room for `batch` of both. After the last batch of an epoch comes the first of the
// next. *n is less than `batch` in the last batch and where pictures are broken; it may be 0.
// Errors: E_FORMAT no picture of the split is usable; E_ARG after the last epoch; E_NOMEM.
vkc_status nn_loader_get(nn_loader *l, float *pixels, uint32_t *labels, uint32_t *n);

// Which picture of the split stands at place i, below *n, of the batch that was taken last.
uint32_t   nn_loader_taken(const nn_loader *l, uint32_t i);

// Broken pictures of the batches taken so far, each counted once, and what is wrong with the first few:
// "x/y.jpg is cut off". NULL from the eighth on.
uint32_t    nn_loader_bad(nn_loader *l);
const char *nn_loader_bad_text(nn_loader *l, uint32_t i);

#ifdef __cplusplus
}
#endif
#endif
