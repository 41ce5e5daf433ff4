// schedule.c — warm-up and cosine decay.
#include "nn/train/schedule.h"

#include <math.h>

double nn_schedule_lr(const nn_schedule *s, uint64_t step)
{
    if (step < s->warmup && s->warmup_lr > 0)
        return s->warmup_lr + (s->lr - s->warmup_lr) * (double) step / (double) s->warmup;
    if (step < s->warmup)
        return s->lr * (double) (step + 1) / (double) s->warmup;
    if (step >= s->total)
        return s->min_lr;
    double done = (double) (step - s->warmup) / (double) (s->total - s->warmup);
    return s->min_lr + (s->lr - s->min_lr) * 0.5 * (1 + cos(3.141592653589793 * done));
}

double nn_rates_peak(const nn_rates *r, double lr, uint32_t batch)
{
    return r->base > 0 ? r->base * batch / (r->base_size ? r->base_size : NN_BASE_SIZE) : lr;
}

vkc_status nn_rates_check(const nn_rates *r, double lr, uint32_t batch)
{
    const double peak = nn_rates_peak(r, lr, batch);
    const struct { const char *name; double value; } rate[] = {
        { "lr-base", r->base }, { "min-lr", r->min_lr }, { "warmup-lr", r->warmup_lr },
    };
    for (size_t i = 0; i < sizeof rate / sizeof rate[0]; i++) {
        if (!(rate[i].value >= 0) || isinf(rate[i].value))
            return VKC_FAIL(VKC_E_ARG, "%s is %g, want a number that is not below 0", rate[i].name, rate[i].value);
        if (i > 0 && !(rate[i].value <= peak))
            return VKC_FAIL(VKC_E_ARG, "%s is %g, more than the peak learning rate %g", rate[i].name, rate[i].value,
                            peak);
    }
    if (isnan(r->warmup))
        return VKC_FAIL(VKC_E_ARG, "warmup is no number");
    return VKC_OK;
}

nn_schedule nn_rates_schedule(const nn_rates *r, double lr, uint32_t batch, uint64_t epochs, uint64_t batches,
                              uint64_t usual_warmup)
{
    const double steps = r->warmup < 0 ? 0 : r->warmup * (double) batches;
    return (nn_schedule) {
        .lr = nn_rates_peak(r, lr, batch), .min_lr = r->min_lr, .total = epochs * batches,
        .warmup = r->warmup == 0 ? usual_warmup : steps < 9e18 ? (uint64_t) steps : (uint64_t) 9e18,
        .warmup_lr = r->warmup_lr,
    };
}
