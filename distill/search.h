// search.h — greedy replacement on a validation metric (algorithms C.2): replace the layer that costs least,
// again and again, until the next step would cost more than allowed.
//
// The search knows nothing of models: it asks a scorer for the metric of a set of replaced layers. So it can be
// tested on scripted metrics, resumed from its log, and used with any objective.
#ifndef DISTILL_SEARCH_H
#define DISTILL_SEARCH_H

#include "nn/progress.h"
#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DISTILL_MAX_LAYERS 128

// Score of a model whose layers with replaced[l] are replaced; higher is better.
typedef vkc_status (*distill_score_fn)(void *user, const bool *replaced, uint32_t n_layers, double *score);

typedef struct distill_search_params {
    uint32_t n_layers;
    const bool *fixed;              // layers not to touch; NULL = none
    double   max_drop;              // commit while score >= base - max_drop
    distill_score_fn score;
    void    *score_user;
    const char *log_path;           // one JSON line a trial; a later search with the same log repeats no trial; NULL = none
    nn_progress_fn progress;
    void    *user;
} distill_search_params;

typedef struct distill_step { uint32_t layer; double score; } distill_step;

typedef struct distill_search_result {
    double       base;              // score with nothing replaced
    uint32_t     n_steps;           // committed
    distill_step step[DISTILL_MAX_LAYERS];
    distill_step refused;           // the step that would have cost too much; layer = UINT32_MAX: none left
    uint32_t     n_best;            // steps[0 .. n_best) give the best score on the way (ties: more replaced)
    uint32_t     n_trials;          // scores asked for, from the log included
} distill_search_result;

// First maximum wins a tie. E_STOPPED when told to stop; the log then holds all trials so far.
vkc_status distill_search(const distill_search_params *p, distill_search_result *out);

#ifdef __cplusplus
}
#endif
#endif
