// dataset_impl.h — what a data set is, for those who open one. Internal.
#ifndef NN_DATASET_IMPL_H
#define NN_DATASET_IMPL_H

#include <stdatomic.h>

#include "nn/data/dataset.h"
#include "nn/data/listing.h"

#define NN_SYNTH_NAME "synth:ringed-digit"

struct nn_dataset {
    char       *spec;
    bool        is_view;            // all but `classes` and `to` belongs to another
    bool        has_splits, is_synth, is_fresh;
    bool        is_split;           // a plain folder of classes, by split_seed
    uint64_t    split_seed, contents;
    uint32_t    pillow;             // 0 = as the caller's settings say
    nn_names    classes;
    uint32_t   *to;                 // of a view: its class of a picture's label; else NULL
    nn_listing  list[NN_N_SPLITS];  // of a whole folder only the first
    nn_left_out left_out;
    atomic_uchar *bad[NN_N_SPLITS]; // (list.n) 1 = was read and is broken
    uint32_t    synth_len[NN_N_SPLITS];
};

vkc_status nn__dataset_open_synth(nn_dataset *d);                               // dataset_synth.c
vkc_status nn__dataset_open_folder(nn_dataset *d, const nn_dataset_params *p);  // dataset_folder.c

#endif
