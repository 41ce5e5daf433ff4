// bench_race.c — recorded blocks replayed in turn, the least time of each kept.
#include "apps/cli/bench/bench_race.h"

#include <stdio.h>

void bench_race_finish(bench_race *r)
{
    for (int i = 0; i < BENCH_RACE_MAX; i++)
        bench_block_destroy(r->block[i]);
    *r = (bench_race) { .repeats = 0 };
}

vkc_status bench_race_play(bench_race *r, bool counts, const nn_progress *p)
{
    vkc_status st = VKC_OK;
    r->round_ms = 0.0;
    for (int i = 0; i < BENCH_RACE_MAX && st == VKC_OK; i++) {
        double ms = 0.0;
        if (!r->block[i])
            continue;
        st = bench_block_replay(r->block[i], &ms);
        if (counts && (r->repeats == 0 || ms < r->ms[i]))
            r->ms[i] = ms;
        r->round_ms += ms;
        if (st == VKC_OK && !console_progress(NULL, p))
            st = VKC_FAIL(VKC_E_STOPPED, "bench: stopped");
    }
    r->spent_ms += r->round_ms;
    r->repeats += counts;
    return st;
}

bool bench_is_skippable(vkc_status st)
{
    return st == VKC_E_ARG || bench_is_too_large(st);
}

bool bench_is_too_large(vkc_status st)
{
    return st == VKC_E_UNSUPPORTED || st == VKC_E_DEVMEM || st == VKC_E_NOMEM;
}
