// trials.h — scores of hybrids for a search (distill/search/search.h): top-1 on a split, with what trials share kept.
//
// The pictures are decoded once. Of the committed model, the residual stream of every picture at the entry of each
// layer is kept in host memory, so that a trial runs the layers from the first that differs on. Scores have the same
// bits as without that. It takes depth * pictures * tokens * dim * 4 bytes (1,000 pictures of 65 tokens, width 192, 12
// layers: 600 MB); a model for which that is too much, and one with token pruning (nn/models/retention.h), is
// run whole.
//
// Metric: top-1. Tie: the mean over pictures of KL(teacher || hybrid) in nats, 1e6 at most, also where the hybrid gives
// what is no number. Interval: paired bootstrap (distill/statistics/statistics.h) of the hybrid against the teacher,
// which is the base of a search. Thread-safety: as the device.
#ifndef DISTILL_TRIALS_H
#define DISTILL_TRIALS_H

#include "distill/search/search.h"
#include "nn/infer/eval.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_trials distill_trials;

typedef struct distill_trials_params {
    const nn_model *teacher;
    const nn_model *const *student;   // (n_students) each replaced throughout, of the teacher's shape
    uint32_t n_students;
    // The pictures, as nn_eval reads them: broken ones are left out, check_finite is heeded, and progress ("trial",
    // images) may stop a trial: E_STOPPED.
    nn_eval_params eval;
    bool     cached;
    size_t   cache_bytes;           // 0 = 2 GiB
    double   confidence;            // of the interval; 0 = 0.9
    uint64_t seed;                  // of the bootstrap
} distill_trials_params;

// What is pointed to must outlive it. Nothing is run yet: the first score reads the pictures.
// Errors: E_ARG, E_FORMAT (other classes, no usable picture), E_NOMEM.
vkc_status distill_trials_create(const distill_trials_params *p, distill_trials **out);
void       distill_trials_destroy(distill_trials *t);

// For distill_search; `user` is the distill_trials. Any choice may be scored at any time. Errors: also E_CHECK (see
// eval.check_finite), E_STOPPED, device errors; what was kept stays usable.
vkc_status distill_trials_score(void *user, const uint8_t *choice, uint32_t n_layers, distill_score *out);
// What is kept follows when next something is scored.
vkc_status distill_trials_commit(void *user, const uint8_t *choice, uint32_t n_layers);

typedef struct distill_trials_info {
    bool     is_cached;
    uint64_t cache_size;            // bytes of host memory that streams take (or would take, when not cached)
    uint32_t images, bad;           // judged; broken ones left out. 0 before the first score
    uint32_t n_runs;                // passes over the pictures
    uint32_t n_layers_run;          // blocks run in them, a pass counted once
    double   seconds;               // of all passes, decoding and preparation included
    double   prepare_seconds;       // of these, for planning and recording
} distill_trials_info;
distill_trials_info distill_trials_get_info(const distill_trials *t);

#ifdef __cplusplus
}
#endif
#endif
