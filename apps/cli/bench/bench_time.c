// bench_time.c — one replay timed, a median.
#include "apps/cli/bench/bench_time.h"

#include "vk/clock.h"

#include <stdlib.h>

vkc_status bench_replay(vkc_device *dev, vkc_recording *rec, uint32_t first, double *ms)
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

static int compare(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

double bench_median(double *ms, uint32_t n)
{
    qsort(ms, n, sizeof ms[0], compare);
    return 0.5 * (ms[(n - 1) / 2] + ms[n / 2]);
}
