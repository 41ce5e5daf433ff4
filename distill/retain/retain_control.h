// retain_control.h — halting while a model trains: where its gate begins, what moves it between steps towards a keep
// ratio or leaves it where it is, and where it ends. Internal to distill.
//
//   open -> a live input NN_TRAIN_GATE (GATE_LEN), halt_loss with distill_control_prior, its second output watched
//   as `keep_at` -> a loop with the hooks below and `total` set -> end -> close
#ifndef DISTILL_RETAIN_CONTROL_H
#define DISTILL_RETAIN_CONTROL_H

#include "distill/retain/retain_centre.h"
#include "nn/train/fit.h"
#include "shaders/halt/halt_loss.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a run knows beside its parameters.
typedef struct distill_control {
    const distill_retain_params *p;         // borrowed, as is m
    nn_model *m;
    uint64_t total;                 // steps
    uint32_t keep_at;               // which of the watched scalars is the keep ratio; 0 = none
    double   unit;                  // standard deviation of the gate's argument at the start
    double   start_centre, start_keep;
    double   ponder, prior;
    double   centre, keep, target;  // newest
    distill_pictures pictures;      // on which the keep ratio is measured; n = 0 for a model that does not halt
} distill_control;

// Of a model that halts: pictures, gate and the centre where training begins; the config has both afterwards. Of any
// other nothing but the parameters. Errors: E_ARG in words for a gate that stays as it is and lets every patch halt at
// once, E_CHECK for a channel 0 that cannot be a gate. Close it then too.
vkc_status distill_control_open(distill_control *c, nn_model *m, const distill_retain_params *p);
struct halt_loss_attr distill_control_prior(const distill_control *c);
// Words that the hook keeps from step to step.
uint32_t   distill_control_words(const distill_control *c);
// Hooks of nn_train and nn_fit, with the control as user; `begin` sets total. The judge is p->judge, of the model as it
// would be written then.
void       distill_control_begin(void *control, uint64_t steps);
void       distill_control_tune(void *control, nn_stepper *s, uint64_t step, const float *watch, uint64_t *state);
bool       distill_control_report(void *control, const nn_progress *p);
vkc_status distill_control_judge(void *control, uint64_t epoch, nn_score *out);
// After training: the centre that gives the keep ratio asked for, or what the gate as it is keeps; *keep on the
// pictures. E_CHECK in words where no centre does.
vkc_status distill_control_end(distill_control *c, double *keep);
void       distill_control_close(distill_control *c);           // zeroed is fine

#ifdef __cplusplus
}
#endif
#endif
