// stepper_impl.h — the stepper's insides, shared by stepper.c and checkpoint.c only.
#ifndef NN_STEPPER_IMPL_H
#define NN_STEPPER_IMPL_H

#include "nn/stepper.h"

struct nn_stepper {
    nn_stepper_params p;
    nn_tensor *watch[NN_MAX_LOSSES];
    bool      *trained;             // (params->n)
    nn_adamw  *opt;
    nn_adamw_block *range;
    uint32_t   n_ranges;
    vkc_buffer *moment[2][NN_MAX_BLOCKS];       // m, v
    vkc_buffer *pixels[NN_STEPPER_SLOTS], *labels[NN_STEPPER_SLOTS], *knobs, *readback, *counters;
    vkc_recording *copy[NN_STEPPER_SLOTS], *step;
    uint64_t   ticket;
};

#endif
