// bench_race.h — recorded blocks replayed in turn, the least time of each kept.
#ifndef CLI_BENCH_RACE_H
#define CLI_BENCH_RACE_H

#include "apps/cli/core/app.h"
#include "pipeline/timing/block.h"
#include "pipeline/timing/timing.h"

#define BENCH_RACE_MAX 12

typedef struct bench_race {
    pipeline_block    *block[BENCH_RACE_MAX];   // owned; NULL = none there
    pipeline_contender of[BENCH_RACE_MAX];
    pipeline_race      race;        // the rounds of these
} bench_race;

void       bench_race_finish(bench_race *r);            // zeroed is fine
// Let the blocks that are there take part; `p` is told after each replay. Again after a block went.
void       bench_race_line_up(bench_race *r, const nn_progress *p);

// A failure that says that this size or mixer cannot be measured here, and the next may.
bool       bench_is_skippable(vkc_status st);
bool       bench_is_too_large(vkc_status st);           // of those: a smaller batch may do

#endif
