// pruning.h — token pruning as a training is asked for it, which pare retain and pare train share: the gate, and the
// weights of its losses.
#ifndef PIPELINE_PRUNING_H
#define PIPELINE_PRUNING_H

#include "distill/retain/retain.h"
#include "nn/infer/eval.h"
#include "pipeline/base/context.h"
#include "shaders/halt/halt_loss.h"

#include <jansson.h>
#include <math.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_USUAL_GATE ((double) NAN)

typedef struct pipeline_pruning {   // PIPELINE_PRUNING_DEFAULTS, in brackets; but for the first two halting's
    nn_policy policy;               // [halting]
    nn_gaps   gaps;                 // [skip]
    uint32_t  every;                // drop halted tokens after every N-th block [1]
    bool      fixed_gate;           // no keep ratio is asked for: the gate stays as it is, as A-ViT has it
    double    gate_scale;           // of channel 0; 0 = fitted to the model, not with a fixed gate.
                                    // PIPELINE_USUAL_GATE: fitted, or A-ViT's 10
    double    gate_centre;          // of a fixed gate, or where training towards a keep ratio begins.
                                    // PIPELINE_USUAL_GATE: A-ViT's 30, or what keeps 97 %
    double    ponder, prior;        // weights of ponder cost and depth prior, 0 = none [5e-4, 1e-3]
    uint32_t  prior_target;         // HALT_TARGET_*  [released]
    double    prior_mean;           // 0 = that of the keep ratio
    double    ramp;                 // part of the training in which the ratio falls [0.2]
    double    read_patches;         // weight of the mean patch in the classifier's input
    bool      drop_class;           // the class token may halt too
} pipeline_pruning;

#define PIPELINE_PRUNING_DEFAULTS { .policy = NN_POLICY_HALTING, .gaps = NN_GAPS_SKIP, .every = 1, \
    .gate_scale = PIPELINE_USUAL_GATE, .gate_centre = PIPELINE_USUAL_GATE, .ponder = 5e-4, .prior = 1e-3, \
    .prior_target = HALT_TARGET_RELEASED, .ramp = 0.2 }

// E_ARG in words, for numbers out of range and a fixed gate without a scale.
vkc_status pipeline_pruning_check(const pipeline_context *c, const pipeline_pruning *p);
// What a model of this config that halts is created with, `cfg` being dense or not; gate_scale 0 = to be fitted.
nn_retention_config pipeline_pruning_config(const pipeline_pruning *p, const nn_model_config *cfg);
// What of it decides how the gate moves and is trained, into the settings of a training.
void       pipeline_pruning_fill(const pipeline_pruning *p, distill_retain_params *out);
// What decides the result, into the inputs of a run (run.h).
void       pipeline_pruning_add_inputs(json_t *inputs, const pipeline_pruning *p);
// Say so where a trained model keeps another part of the patches than was asked for, or by a fixed gate all or none of
// those that may halt. `e` is what was measured on that split.
void       pipeline_pruning_tell(const pipeline_context *c, const pipeline_pruning *p, const nn_model_config *cfg,
                                 double asked, const nn_eval_result *e, nn_split split);

#ifdef __cplusplus
}
#endif
#endif
