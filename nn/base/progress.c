// progress.c — rate and time left from what is done.
#include "nn/base/progress.h"

#include "vk/clock.h"

bool nn_progress_report(nn_progress_fn fn, void *user, const char *what, const char *unit, const char *note,
                        double start, uint64_t from, uint64_t done, uint64_t total)
{
    if (!fn)
        return true;
    double seconds = vkc_seconds() - start, made = (double) (done - from);
    return fn(user, &(nn_progress) {
        .what = what, .unit = unit, .note = note, .done = done, .total = total, .seconds = seconds,
        .rate = seconds > 0 ? made / seconds : 0,
        .left = made > 0 && total >= done ? seconds / made * (double) (total - done) : -1,
    });
}
