// stepper_impl.h — the stepper's insides, shared by stepper.c, average.c and checkpoint.c only.
#ifndef NN_STEPPER_IMPL_H
#define NN_STEPPER_IMPL_H

#include "nn/graph/runner.h"
#include "nn/train/stepper.h"

struct nn_stepper {
    nn_stepper_params p;
    bool      *trained;             // (params->n)
    nn_adamw  *opt;
    nn_adamw_block *range;
    uint32_t   n_ranges;
    vkc_buffer *moment[2][NN_MAX_BLOCKS];       // m, v
    vkc_buffer *average[NN_MAX_BLOCKS];         // of the values; NULL without ema
    bool       has_average;                     // it has started
    nn_runner *run;                 // all of a step, or up to the gradients
    uint32_t  *lengths[NN_STEPPER_SLOTS];       // host; NULL without has_lengths
    vkc_slice *grad;                // (n_ranges) what is exchanged; these four NULL without an exchange
    vkc_recording *update;          // the optimiser alone
    vkc_buffer *norm;               // host; what it reads back
    uint64_t   step;                // submitted last
};

// Let the average start with the values as they are, unless it has.
vkc_status nn__stepper_start_average(nn_stepper *s);

#endif
