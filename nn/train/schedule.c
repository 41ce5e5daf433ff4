// schedule.c — warm-up and cosine decay.
#include "nn/train/schedule.h"

#include <math.h>

double nn_schedule_lr(const nn_schedule *s, uint64_t step)
{
    if (step < s->warmup)
        return s->lr * (double) (step + 1) / (double) s->warmup;
    if (step >= s->total)
        return s->min_lr;
    double done = (double) (step - s->warmup) / (double) (s->total - s->warmup);
    return s->min_lr + (s->lr - s->min_lr) * 0.5 * (1 + cos(3.141592653589793 * done));
}
