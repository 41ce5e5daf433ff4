// study.h — the whole of pare study: relates sparsity to the cost of replacing attention, by groups of layers or by
// teachers with falling keep ratios (distill/study/study.h has the design).
#ifndef PIPELINE_STUDY_H
#define PIPELINE_STUDY_H

#include "distill/sparsity/sparsity.h"
#include "distill/study/study.h"
#include "pipeline/base/measure.h"
#include "pipeline/retain/retain.h"
#include "pipeline/run/run.h"
#include "pipeline/base/students.h"
#include "pipeline/train/tuning.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_MAX_VARIANTS 256
#define PIPELINE_MAX_TEACHERS 32

typedef struct pipeline_study_params {      // PIPELINE_STUDY_DEFAULTS, in brackets
    pipeline_data  data;            // batch [64]
    nn_split       split;           // to judge by [val]
    pipeline_place place;           // `run`: the run folder; no `out`
    uint64_t       seed;
    const char *const *mixer;       // (n_mixers) what replaces attention, each in a study of its own; or, of groups,
    const char *const *from;        // (n_from) folders of students with all attention replaced
    uint32_t       n_mixers, n_from;
    uint32_t       seeds;           // transfers of each mixer, with seeds from `seed` on [3]
    uint32_t       epochs, match_epochs;        // of each transfer [3]; that match learned features first [0]
    double         lr, weight_decay, match_lr;  // [1e-2, 0, 1e-2]
    pipeline_tuning tune;           // 0 epochs = none [none]
    uint32_t       max_steps;       // stop any training after so many steps; 0 = no limit
    // Of groups.
    distill_measure by;             // orders layers [mass90]
    distill_keys   keys;            // [all]
    uint32_t       groups;          // so many of each kind; 0 = 4, 3 or 2 of equal size
    uint32_t       images;          // pictures of val to measure sparsity on; 0 = 1000
    // Of teachers, to make them from the only one that is given.
    uint32_t       n_keep;          // 0 = all are given
    double         keep[PIPELINE_MAX_SERIES];   // shares of patches kept; 1 = the teacher itself
    nn_policy      policy;          // [halting]
    uint32_t       retain_epochs;   // 0 = as usual
} pipeline_study_params;

#define PIPELINE_STUDY_DEFAULTS { .data = { .batch = 64 }, .split = NN_SPLIT_VAL, .seeds = 3, .epochs = 3, .lr = 1e-2, \
    .match_lr = 1e-2, .by = DISTILL_MASS90, .policy = NN_POLICY_HALTING, .tune = PIPELINE_TUNING_DEFAULTS(0) }

// A variant is a mixer and a seed: all seeds of the first mixer first; of students that were given, one a folder. It
// points into itself.
typedef struct pipeline_variants {
    uint32_t    n, n_mixers;
    distill_variant variant[PIPELINE_MAX_VARIANTS];
    nn_layer_config mixer[PIPELINE_MAX_VARIANTS];
    char        text[PIPELINE_MAX_VARIANTS][PIPELINE_LAYER_TEXT];
    const char *mixers[PIPELINE_MAX_VARIANTS];  // (n_mixers) each text once
} pipeline_variants;

typedef struct pipeline_groups_result {         // large: not for the stack, and not to be copied
    json_t     *json;               // owned: what run.json has as its results; NULL unless the study was finished
    char        run_dir[PIPELINE_PATH_MAX];
    nn_split    split;
    pipeline_variants    variants;
    distill_measure      measure;
    distill_keys         keys;
    distill_sparsity     sparsity;  // owned
    distill_group       *group;     // owned
    distill_study        study;     // its groups and variants
    distill_study_result result;    // owned
} pipeline_groups_result;

typedef struct pipeline_teacher {
    char     name[PIPELINE_PATH_MAX];           // its folder; of a series made here "keep-0.80"
    char     dir[PIPELINE_PATH_MAX];            // where it is; of a series, where it will be
    uint32_t item;                  // of the series; UINT32_MAX = is there already
    uint64_t params;
    distill_group group;            // all that is replaced
    distill_study study;
    distill_study_result result;    // owned
} pipeline_teacher;

typedef struct pipeline_teachers_result {       // likewise
    json_t     *json;
    char        run_dir[PIPELINE_PATH_MAX];
    nn_split    split;
    pipeline_variants variants;
    uint32_t    n;
    pipeline_teacher teacher[PIPELINE_MAX_TEACHERS];
} pipeline_teachers_result;

// What can be said before a device is opened, and both studies say too.
vkc_status pipeline_groups_check(const pipeline_context *c, const pipeline_study_params *p);
vkc_status pipeline_teachers_check(const pipeline_context *c, const pipeline_study_params *p);

// Groups of a teacher's layers, by sparsity and by place, each replaced alone. pipeline_groups_finish the result, after
// a failure too. Errors: E_ARG and E_FORMAT in words, E_STOPPED, E_CHECK, E_IO, device errors.
vkc_status pipeline_groups(const pipeline_context *c, const pipeline_study_params *p, const char *teacher,
                           pipeline_groups_result *out);
void       pipeline_groups_finish(pipeline_groups_result *r);
// A measure's own value from a score of a group, which is turned so that larger is sparser.
double     pipeline_groups_value(const pipeline_groups_result *r, double score);

// All attention of each of n teachers replaced. pipeline_teachers_finish the result. Errors: likewise.
vkc_status pipeline_teachers(const pipeline_context *c, const pipeline_study_params *p, const char *const *teacher,
                             uint32_t n, pipeline_teachers_result *out);
void       pipeline_teachers_finish(pipeline_teachers_result *r);

// Of teacher i and its students with this mixer: means over the seeds, and the spread of the gap.
typedef struct pipeline_gap { double mean, std, top1, error; } pipeline_gap;
pipeline_gap pipeline_teachers_gap(const pipeline_teachers_result *r, uint32_t i, const char *mixer);
// Spearman's correlation of gap and share kept, over the teachers.
vkc_status pipeline_teachers_correlate(const pipeline_teachers_result *r, const char *mixer, distill_correlation *out);

#ifdef __cplusplus
}
#endif
#endif
