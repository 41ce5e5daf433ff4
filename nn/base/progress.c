// progress.c — rate and time left from what is done; kernels that are compiled.
#include "nn/base/progress.h"

#include "vk/clock.h"

nn_pace nn_pace_start(void)
{
    return (nn_pace) { .start = vkc_seconds() };
}

void nn_pace_count(nn_pace *p, uint64_t done)
{
    p->last = vkc_seconds();
    p->done = done;
    if (p->is_counted)
        return;
    p->is_counted = true;
    p->first = p->last;
    p->first_done = done;
}

void nn_pace_skip(nn_pace *p, double seconds)
{
    p->start += seconds;
    p->first += seconds;
    p->last += seconds;
}

double nn_pace_rate(const nn_pace *p)
{
    const double seconds = p->last - p->first;
    return p->done > p->first_done && seconds > 0 ? (double) (p->done - p->first_done) / seconds : 0;
}

bool nn_progress_report(nn_progress_fn fn, void *user, const char *what, const char *unit, const char *note,
                        nn_pace *pace, uint64_t done, uint64_t total)
{
    nn_pace_count(pace, done);
    const double rate = nn_pace_rate(pace);
    return !fn || fn(user, &(nn_progress) {
        .what = what, .unit = unit, .note = note, .done = done, .total = total, .seconds = pace->last - pace->start,
        .rate = rate, .left = rate > 0 && total >= done ? (double) (total - done) / rate : -1,
    });
}

static bool tell_compiling(void *watch, uint32_t done, uint32_t total, double seconds)
{
    const nn_compile_watch *w = (const nn_compile_watch *) watch;
    return w->fn(w->user, &(nn_progress) { .what = NN_COMPILING, .unit = "kernels", .note = "", .done = done,
                                           .total = total, .seconds = seconds, .left = -1 });
}

void nn_compile_watch_begin(nn_compile_watch *w, vkc_device *dev, nn_progress_fn fn, void *user)
{
    *w = (nn_compile_watch) { .dev = fn ? dev : NULL, .fn = fn, .user = user };
    if (w->dev)
        vkc_device_on_compile(dev, tell_compiling, w, &w->before, &w->before_user);
}

void nn_compile_watch_end(nn_compile_watch *w)
{
    if (w->dev)
        vkc_device_on_compile(w->dev, w->before, w->before_user, NULL, NULL);
    w->dev = NULL;
}
