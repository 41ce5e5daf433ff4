// bench_time.c — one replay timed, a median, a form forced by the environment.
#include "apps/cli/bench/bench_time.h"

#include "vk/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

vkc_status bench_env_set(bench_env *e, const char *name, const char *value)
{
    const char *had = getenv(name);
    *e = (bench_env) { .name = name, .before = had ? strdup(had) : NULL };
    if ((had && !e->before) || setenv(name, value, 1) != 0)
        return VKC_FAIL(VKC_E_NOMEM, "bench: cannot set %s: %s", name, strerror(errno));
    return VKC_OK;
}

void bench_env_restore(bench_env *e)
{
    if (e->before)
        setenv(e->name, e->before, 1);
    else
        unsetenv(e->name);
    free(e->before);
    *e = (bench_env) { .name = e->name };
}
