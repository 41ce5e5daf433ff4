// timing.h — the timing loop: contenders replayed in turn, so that what disturbs the machine disturbs all alike.
//
// Whatever is timed here, blocks, models or single ops, one or many, goes through it. Times are those that a replay
// gives of itself, in milliseconds: device time of a recording, wall time of a model.
#ifndef PIPELINE_TIMING_H
#define PIPELINE_TIMING_H

#include "pipeline/base/context.h"
#include "vk/recording.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_TIMES 64           // of which the median is taken

typedef struct pipeline_contender {
    vkc_status (*replay)(void *user, double *ms);   // once, and wait for it; NULL = no contender here
    void       *user;
    const char *note;               // of the progress told after it; NULL = the race's
    uint32_t    n;                  // replays that counted
    double      least;              // of them, ms; 0 before the first
    double      ms[PIPELINE_TIMES]; // the newest of them
} pipeline_contender;

typedef struct pipeline_race {      // contenders with a budget in common
    pipeline_contender *contender;  // (n)
    uint32_t    n;
    nn_progress progress;           // told after each replay; `what` NULL: asks only whether to go on
    bool        shows_rounds;       // `done` counts the rounds of this race
    uint32_t    rounds;             // that counted
    double      round_ms, spent_ms; // of the newest round; of all
} pipeline_race;

typedef struct pipeline_timing {    // how long a race goes on
    uint32_t warm_up;               // rounds before it of which nothing counts: in the first replay pipelines are
                                    // compiled, and recordings are cut by what it took
    uint32_t least, most;           // rounds: at least so many, whatever they take; at most
    double   budget_ms;             // beyond `least` no round begins that would go over it
    double   limit_ms;              // after it not even those of `least` begin, but the first; 0 = no such limit
} pipeline_timing;

// One round: a replay of each contender. `counts`: its times are kept. Errors: those of the replays, E_STOPPED.
vkc_status pipeline_race_round(const pipeline_context *c, pipeline_race *race, bool counts);
// Races in turn, round by round, each until its own end.
vkc_status pipeline_race_run(const pipeline_context *c, pipeline_race *const *race, uint32_t n,
                             const pipeline_timing *timing);
double     pipeline_median(const pipeline_contender *c);           // of its newest times; needs one

// Replay a recording once and wait. One with a profile: the device time of its dispatches from `first` on. Else the
// device time of all of it; where the device has no timestamps, wall time, and `first` does not matter.
vkc_status pipeline_replay(vkc_device *dev, vkc_recording *rec, uint32_t first, double *ms);

#ifdef __cplusplus
}
#endif
#endif
