// timing.c — contenders replayed in turn.
#include "pipeline/timing/timing.h"

#include "vk/clock.h"

#include <stdlib.h>
#include <string.h>

static bool tell(const pipeline_context *c, const pipeline_race *race, const pipeline_contender *one)
{
    nn_progress p = race->progress;
    if (!p.what)
        return pipeline_ask((void *) c, &p);
    if (race->shows_rounds)
        p.done = race->rounds;
    if (one->note)
        p.note = one->note;
    return pipeline_tell(c, &p);
}

vkc_status pipeline_race_round(const pipeline_context *c, pipeline_race *race, bool counts)
{
    race->round_ms = 0.0;
    for (uint32_t i = 0; i < race->n; i++) {
        pipeline_contender *one = &race->contender[i];
        double ms = 0.0;
        if (!one->replay)
            continue;
        vkc_status st = one->replay(one->user, &ms);
        if (st != VKC_OK)
            return st;
        if (counts) {
            one->least = one->n == 0 || ms < one->least ? ms : one->least;
            one->ms[one->n++ % PIPELINE_TIMES] = ms;
        }
        race->round_ms += ms;
        if (!tell(c, race, one))
            return VKC_FAIL(VKC_E_STOPPED, "stopped while timing");
    }
    race->spent_ms += race->round_ms;
    race->rounds += counts;
    return VKC_OK;
}

static bool goes_on(const pipeline_race *race, const pipeline_timing *t)
{
    if (race->rounds == 0 || race->rounds >= t->most)
        return race->rounds < t->most;
    if (t->limit_ms > 0 && race->spent_ms > t->limit_ms)
        return false;
    return race->rounds < t->least || race->spent_ms + race->round_ms <= t->budget_ms;
}

vkc_status pipeline_race_run(const pipeline_context *c, pipeline_race *const *race, uint32_t n,
                             const pipeline_timing *timing)
{
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < n; i++) {
        const double before = race[i]->spent_ms;
        for (uint32_t r = 0; r < timing->warm_up && st == VKC_OK; r++)
            st = pipeline_race_round(c, race[i], false);
        race[i]->spent_ms = before;
    }
    for (bool any = true; any && st == VKC_OK;) {
        any = false;
        for (uint32_t i = 0; i < n && st == VKC_OK; i++) {
            if (!goes_on(race[i], timing))
                continue;
            st = pipeline_race_round(c, race[i], true);
            any = true;
        }
    }
    return st;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

double pipeline_median(const pipeline_contender *c)
{
    double ms[PIPELINE_TIMES];
    const uint32_t n = c->n < PIPELINE_TIMES ? c->n : PIPELINE_TIMES;
    memcpy(ms, c->ms, n * sizeof ms[0]);
    qsort(ms, n, sizeof ms[0], compare);
    return 0.5 * (ms[(n - 1) / 2] + ms[n / 2]);
}

vkc_status pipeline_replay(vkc_device *dev, vkc_recording *rec, uint32_t first, double *ms)
{
    double start = vkc_seconds();
    uint64_t ticket;
    vkc_status st = vkc_submit(rec, &ticket);
    if (st == VKC_OK)
        st = vkc_wait(dev, ticket);
    *ms = 1e3 * (vkc_seconds() - start);
    if (st != VKC_OK || !vkc_device_has(dev, VKC_FEATURE_TIMESTAMPS))
        return st;
    if (!vkc_recording_get_info(rec).is_profiled)
        return vkc_recording_get_total(rec, ms);
    *ms = 0.0;
    uint32_t n = vkc_recording_get_info(rec).n_dispatches;
    for (uint32_t i = first; i < n && st == VKC_OK; i++) {
        double one = 0.0;
        st = vkc_recording_get_time(rec, i, NULL, &one);
        *ms += one;
    }
    return st;
}
