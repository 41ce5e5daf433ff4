// average.c — the exponential moving average of a stepper's parameters: how it starts, and how it ends in their place.
// What happens in a step is the optimiser's (nn/train/optim.h).
#include "nn/train/stepper_impl.h"

// Copy between the values of all trained parameters and their average, on the device.
static vkc_status copy_values(nn_stepper *s, bool to_average)
{
    vkc_recording *rec = NULL;
    vkc_status st;
    VKC_TRY(vkc_recording_create(s->p.dev, &(vkc_recording_params) { .name = "average" }, &rec));
    for (uint32_t i = 0; i < s->n_ranges; i++) {
        const nn_adamw_block *r = &s->range[i];
        VKC_TRY(vkc_record_copy(rec, to_average ? r->average : r->params, to_average ? r->params : r->average));
    }
    VKC_TRY(vkc_recording_finish(rec));
    VKC_TRY(vkc_submit(rec, NULL));
    VKC_TRY(vkc_wait(s->p.dev, 0));
done:
    vkc_recording_destroy(rec);
    return st;
}

vkc_status nn__stepper_start_average(nn_stepper *s)
{
    if (s->p.adamw.ema <= 0 || s->has_average)
        return VKC_OK;
    vkc_status st = copy_values(s, true);
    s->has_average = st == VKC_OK;
    return st;
}

bool nn_stepper_has_average(const nn_stepper *s)
{
    return s->has_average;
}

vkc_status nn_stepper_write_average(nn_stepper *s)
{
    return s->has_average ? copy_values(s, false) : VKC_OK;
}
