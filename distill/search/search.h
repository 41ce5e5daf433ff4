// search.h — greedy search on a validation metric: replace the layer that costs least, again and again, until the next
// step would cost more than allowed.
//
// The search knows nothing of models: it asks a scorer for the metric of a choice of mixers. So it can be tested on
// scripted metrics, resumed from its log, and used with any objective.
//
// Round by round, every layer that is still the teacher's is tried with every mixer, on top of what is committed. Of
// the trials that are allowed (within max_drop of the base; when `guarded`, by the interval too) the best is committed:
//   accuracy    the best metric; among equals the lower tie, then the lower layer, then the lower choice
//   with costs  only choices that cost less than the teacher's layer are tried; the least drop from the model so far
//               for each unit saved. Trials that drop nothing go before all others, the most saved first. Among equals
//               the lower tie, then the lower layer, then the lower choice
// When none is allowed the search ends, and `refused` is the trial with the best metric (the lower tie, then the
// first). A search in which nothing meets the tolerance, or nothing saves, is no error: it has no steps, and `refused`
// says what came nearest (layer UINT32_MAX: there was nothing to try).
//
// Two models come of it: the most replaced, with all steps, and the best on the way, with the first n_best of them:
// equal metrics move it on to the one with more replaced. What the tolerance refuses is neither, whatever its metric.
//
// At most 1 + K L (L + 1) / 2 evaluations, for K mixers and L layers that are not fixed. Thread-safety: safe on
// different logs, as the scorer.
#ifndef DISTILL_SEARCH_H
#define DISTILL_SEARCH_H

#include "nn/base/progress.h"
#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DISTILL_MAX_LAYERS 128
#define DISTILL_MAX_CHOICES 16

typedef struct distill_score {
    double metric;                  // a fraction; higher is better
    double tie;                     // among equal metrics the lower wins
    double low, high;               // interval of metric - base's metric; both 0 = none
} distill_score;

// The score of a model; choice[l] is 0 for the teacher's layer, k for mixer k of the search (1 .. n_choices).
typedef vkc_status (*distill_score_fn)(void *user, const uint8_t *choice, uint32_t n_layers, distill_score *out);
// Told of the model that the trials to come differ least from: the base after its own score; then, in a search, what is
// committed with each step; in a walk along an order, each prefix before its score is asked for.
typedef vkc_status (*distill_commit_fn)(void *user, const uint8_t *choice, uint32_t n_layers);

typedef struct distill_search_params {
    uint32_t n_layers, n_choices;
    const bool *fixed;              // (n_layers) not to touch; NULL = none
    double   max_drop;              // a trial is allowed while metric >= base's metric - max_drop
    double   min_share;             // 0, or in place of max_drop: while metric >= min_share * base's metric; 1 at most
    bool     guarded;               // and while low >= -max_drop
    const double *cost;             // (n_layers, 1 + n_choices) of layer l as choice k: ms, parameters; NULL = accuracy
    const char *const *name;        // (n_choices) of the mixers, for progress; NULL = "choice 2"
    distill_score_fn  score;
    distill_commit_fn commit;       // may be NULL
    void    *score_user;
    const char *log_path;           // NULL = none
    nn_progress_fn progress;        // "trial 8 of 22, round 2 of 6: layer 3 linear, best 93.8 %" (of
                                    // the round; 22: at most)
    void    *user;
} distill_search_params;

typedef struct distill_step {
    uint32_t layer;
    uint8_t  choice;
    distill_score score;
    double   cost;                  // of the whole model after it; 0 without costs
} distill_step;

typedef struct distill_search_result {
    uint32_t      n_layers, n_choices;
    distill_score base;             // nothing replaced
    double        base_cost;
    double        max_drop;         // that was allowed: the parameter, or what min_share comes to
    uint32_t      n_steps;          // committed: the most replaced within the tolerance
    distill_step  step[DISTILL_MAX_LAYERS];
    distill_step  refused;          // layer = UINT32_MAX: none left to try
    uint32_t      n_best;           // steps[0 .. n_best) have the best metric on the way (ties: more replaced)
    uint32_t      n_trials;         // scores asked for, from the log included
    // Scores of the first round: layer l alone, with choice k at [l][k - 1]. A metric of NaN = not tried.
    distill_score first[DISTILL_MAX_LAYERS][DISTILL_MAX_CHOICES];
} distill_search_result;

// The log has one JSON line a trial: {"layers", "choice": [..], "metric", "tie", "low", "high"}. A later search or
// walk with the same log, layers and mixers repeats no trial, so one that was killed comes to the same decisions. A
// line that is cut off, or not of such a trial (an older format, another model), is left as it is and its trial made
// again.
// Errors: E_ARG (parameters; a score that is no finite number), E_STOPPED when told to stop, E_IO, E_FORMAT (a log too
// large), those of scorer and commit. The log then holds all trials so far, and *out is as it was.
vkc_status distill_search(const distill_search_params *p, distill_search_result *out);

// Baselines: commit `order` step by step, whatever it costs, and score each prefix. Of the steps, layer and choice are
// read; cost may be NULL or not, max_drop, min_share and guarded decide nothing. n_best is the best prefix; first is
// all NaN.
// Errors: as above; E_ARG for a layer named twice or fixed.
vkc_status distill_search_along(const distill_search_params *p, const distill_step *order, uint32_t n,
                                distill_search_result *out);

// choice (n_layers) of the model after the first n steps.
void distill_search_choice(const distill_search_result *r, uint32_t n, uint8_t *choice);

#ifdef __cplusplus
}
#endif
#endif
