// bench_race.h — recorded blocks replayed in turn, the least time of each kept.
#ifndef CLI_BENCH_RACE_H
#define CLI_BENCH_RACE_H

#include "apps/cli/bench/bench_block.h"

#define BENCH_RACE_MAX 12

typedef struct bench_race {
    bench_block *block[BENCH_RACE_MAX]; // owned; NULL = none there
    double   ms[BENCH_RACE_MAX];    // the least of the replays that count
    double   spent_ms, round_ms;    // of all rounds; of the newest
    uint32_t repeats;               // rounds that counted
} bench_race;

void       bench_race_finish(bench_race *r);            // zeroed is fine
// One round: a replay of each block, with `p` shown after each. `counts`: its times are kept. E_STOPPED.
vkc_status bench_race_play(bench_race *r, bool counts, const nn_progress *p);

// A failure that says that this size or mixer cannot be measured here, and the next may.
bool       bench_is_skippable(vkc_status st);
bool       bench_is_too_large(vkc_status st);           // of those: a smaller batch may do

#endif
