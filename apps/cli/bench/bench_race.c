// bench_race.c — recorded blocks replayed in turn, the least time of each kept.
#include "apps/cli/bench/bench_race.h"

#include <stdio.h>

void bench_race_finish(bench_race *r)
{
    for (int i = 0; i < BENCH_RACE_MAX; i++)
        pipeline_block_destroy(r->block[i]);
    *r = (bench_race) { .race = { .n = 0 } };
}

void bench_race_line_up(bench_race *r, const nn_progress *p)
{
    for (int i = 0; i < BENCH_RACE_MAX; i++) {
        r->of[i].replay = r->block[i] ? pipeline_block_replay : NULL;
        r->of[i].user = r->block[i];
    }
    r->race.contender = r->of;
    r->race.n = BENCH_RACE_MAX;
    r->race.progress = *p;
}

bool bench_is_skippable(vkc_status st)
{
    return st == VKC_E_ARG || bench_is_too_large(st);
}

bool bench_is_too_large(vkc_status st)
{
    return st == VKC_E_UNSUPPORTED || st == VKC_E_DEVMEM || st == VKC_E_NOMEM;
}
