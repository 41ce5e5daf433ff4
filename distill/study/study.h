// study.h — relates the sparsity of attention to the cost of replacing it: groups of layers, each replaced alone.
//
// A group study orders layers by how sparse their attention is, cuts the order into groups, replaces
// each group alone under an equal budget and asks whether sparser groups cost less; contiguous groups and the layer's
// depth as predictor are its controls. A teacher sweep replaces all layers of teachers that keep fewer and fewer tokens
// and asks whether the gap narrows: to this code a study of one group, once a teacher.
//
// A transfer is teacher-forced: every layer learns alone, on the teacher's residual stream, from the same pictures in
// the same order. So one transfer of all layers serves all groups: the layers of a group come out to the bit as when
// only they are transferred (without a clipped gradient norm, which would couple them). Study code knows nothing of
// models: it asks for a base score, for a student of each variant (a mixer and a seed) and for scores of groups, and
// keeps each answer in a log, so that a study that was stopped asks for nothing twice and ends in the same figures.
// Thread-safety: as the callbacks.
#ifndef DISTILL_STUDY_H
#define DISTILL_STUDY_H

#include "distill/study/study_log.h"
#include "nn/base/progress.h"
#include "nn/models/config/model_config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    DISTILL_SINGLE,                 // one layer
    DISTILL_BY_SPARSITY,            // neighbours in the order of sparsity
    DISTILL_CONTIGUOUS,             // neighbours in the model
    DISTILL_N_GROUPINGS
} distill_grouping;
const char *distill_grouping_name(distill_grouping k);      // "single", "sparsity", "contiguous"

typedef struct distill_group {
    distill_grouping kind;
    uint32_t n, layer[NN_MAX_DEPTH];        // ascending
    double   score;                 // mean of its layers; larger = sparser
    double   depth;                 // mean of its layers' numbers
} distill_group;

// All three kinds of groups of the layers that are not `fixed` and whose score is a number: first each layer alone,
// then n_groups by sparsity, the sparsest first, equal scores in the order of the model, then n_groups contiguous
// ones. Sizes differ by at most one. `score` is (n_layers), larger = sparser. free(*out).
// Errors: E_ARG for less than two groups and for more groups than layers; E_NOMEM.
vkc_status distill_cut_groups(const double *score, const bool *fixed, uint32_t n_layers, uint32_t n_groups,
                              distill_group **out, uint32_t *n);

typedef struct distill_variant { const char *mixer; uint64_t seed; } distill_variant;

typedef struct distill_figures {
    double top1, loss;              // a fraction; mean cross-entropy
    double keep;                    // mean share of patches at the entry of a block; 1 = all
} distill_figures;

// How far a study is. One clock may go through several studies.
enum { DISTILL_JOB_BASE, DISTILL_JOB_TRANSFER, DISTILL_JOB_SCORE, DISTILL_N_JOBS };
typedef struct distill_study_clock {
    nn_progress_fn progress;        // may be NULL
    void    *user;
    uint32_t left[DISTILL_N_JOBS];  // jobs that are not done, the running one included
    uint32_t timed[DISTILL_N_JOBS];
    double   seconds[DISTILL_N_JOBS];       // of the timed ones together
    uint32_t now;                   // kind of the running job
    char     note[160];             // which one it is
} distill_study_clock;
// Nn_progress_fn with a clock as user, for what runs inside a job: says which job it is and the time left of them all.
bool distill_study_tell(void *clock, const nn_progress *p);

typedef struct distill_study {
    const char *teacher;            // its name in the log
    uint32_t n_layers, n_groups, n_variants;
    const distill_group   *group;
    const distill_variant *variant;
    // The teacher's figures.
    vkc_status (*base)(void *user, distill_figures *out);
    // Make the student of a variant ready; error[l] (n_layers) of its transfer, NaN = not known. `again`: an earlier
    // part of this study has begun it, so its checkpoint may be taken up.
    vkc_status (*prepare)(void *user, uint32_t variant, bool again, double *error);
    // The teacher with this group's layers from that student, which is ready.
    vkc_status (*score)(void *user, uint32_t variant, const distill_group *g, bool again, distill_figures *out);
    void       *user;
    distill_study_log   *log;       // may be NULL
    distill_study_clock *clock;     // may be NULL
} distill_study;

typedef struct distill_study_run {  // one group, one variant
    distill_figures figures;
    double drop, loss_rise;         // base's top1 - its; its loss - base's
    double error;                   // of the transfer, mean of the group's layers
} distill_study_run;

typedef struct distill_study_result {
    distill_figures base;
    distill_study_run *run;         // (n_variants, n_groups), owned
} distill_study_result;

// How many jobs of each kind a study has, for its clock.
void       distill_study_count(const distill_study *s, uint32_t jobs[DISTILL_N_JOBS]);
// Errors: those of the callbacks, E_STOPPED among them; E_CHECK (a score that is no finite number); E_IO. The log then
// holds all that was found.
vkc_status distill_study_go(const distill_study *s, distill_study_result *out);
void       distill_study_finish(distill_study_result *r);       // zeroed is fine

typedef enum { DISTILL_OF_DROP, DISTILL_OF_LOSS_RISE, DISTILL_OF_ERROR, DISTILL_N_OF } distill_study_of;
const char *distill_study_of_name(distill_study_of of);     // "drop", "loss_rise", "error"

typedef struct distill_correlation { uint32_t n; double rho, p; } distill_correlation;

// Spearman's correlation over the groups of a kind, of their sparsity (or with by_depth their mean depth) and the mean
// over seeds of what their replacement by this mixer costs; its permutation p-value (statistics.h). NaN with fewer than
// two groups or where a figure is not known.
vkc_status distill_study_correlate(const distill_study *s, const distill_study_result *r, distill_grouping kind,
                                   const char *mixer, distill_study_of of, bool by_depth, distill_correlation *out);

#ifdef __cplusplus
}
#endif
#endif
