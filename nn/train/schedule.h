// schedule.h — the learning rate of every step.
#ifndef NN_SCHEDULE_H
#define NN_SCHEDULE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_schedule {
    double   lr, min_lr;            // after the warm-up, and at the end
    uint64_t warmup, total;         // steps
} nn_schedule;

// Of step 0, 1, 2 ... total - 1: rises in a straight line to lr over `warmup` steps, the first of
// which already takes lr / warmup; then half a cosine down to min_lr, which step `total` and later get.
double nn_schedule_lr(const nn_schedule *s, uint64_t step);

#ifdef __cplusplus
}
#endif
#endif
