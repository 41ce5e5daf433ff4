// stepper_impl.h — the stepper's insides, shared by stepper.c, average.c and checkpoint.c only.
#ifndef NN_STEPPER_IMPL_H
#define NN_STEPPER_IMPL_H

#include "nn/train/stepper.h"

struct nn_stepper {
    nn_stepper_params p;
    nn_tensor *watch[NN_MAX_LOSSES];
    bool      *trained;             // (params->n)
    nn_adamw  *opt;
    nn_adamw_block *range;
    uint32_t   n_ranges;
    vkc_buffer *moment[2][NN_MAX_BLOCKS];       // m, v
    vkc_buffer *average[NN_MAX_BLOCKS];         // of the values; NULL without ema
    bool       has_average;                     // it has started
    vkc_buffer *pixels[NN_STEPPER_SLOTS], *labels[NN_STEPPER_SLOTS], *knobs, *readback, *counters;
    vkc_recording *copy[NN_STEPPER_SLOTS], *step;
    nn_recipe_inputs recipe;
    vkc_buffer *other[NN_STEPPER_SLOTS], *share[NN_STEPPER_SLOTS], *key[NN_STEPPER_SLOTS];   // host; of the recipe
    float     *plain;               // pixels of a slot before they are mixed; NULL: the loader writes where they go
    uint64_t   ticket;
};

// Let the average start with the values as they are, unless it has.
vkc_status nn__stepper_start_average(nn_stepper *s);

#endif
