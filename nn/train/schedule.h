// schedule.h — the learning rate of every step.
#ifndef NN_SCHEDULE_H
#define NN_SCHEDULE_H

#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_BASE_SIZE 256u

typedef struct nn_schedule {
    double   lr, min_lr;            // after the warm-up, and at the end
    uint64_t warmup, total;         // steps
    double   warmup_lr;             // of the first step of the warm-up; 0 = lr / warmup
} nn_schedule;

// Of step 0, 1, 2 ... total - 1: rises in a straight line to lr, over `warmup` steps. Without a warmup_lr the first of
// them already takes lr / warmup, and the last takes lr; with one, the first takes that, and the step behind them lr.
// Then half a cosine down to min_lr, which step `total` and later get.
double nn_schedule_lr(const nn_schedule *s, uint64_t step);

// What a run says of its learning rate besides the peak; zero = as usual.
typedef struct nn_rates {
    double   min_lr;                // at the end
    double   warmup;                // epochs; 0 = the training's usual, < 0 = none
    double   warmup_lr;             // of the first step; 0 = a share of the peak
    double   base;                  // > 0: the peak is base * batch / base_size, whatever else it would be
    uint32_t base_size;             // 0 = NN_BASE_SIZE
} nn_rates;

double      nn_rates_peak(const nn_rates *r, double lr, uint32_t batch);
// E_ARG with a sentence: numbers below 0, or min_lr or warmup_lr above the peak.
vkc_status  nn_rates_check(const nn_rates *r, double lr, uint32_t batch);
// Of epochs of `batches` steps; usual_warmup in steps.
nn_schedule nn_rates_schedule(const nn_rates *r, double lr, uint32_t batch, uint64_t epochs, uint64_t batches,
                              uint64_t usual_warmup);

#ifdef __cplusplus
}
#endif
#endif
