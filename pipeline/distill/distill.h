// distill.h — the whole of pare distill: measure a teacher, transfer to mixers, search which layers to replace,
// assemble the student, tune it, compare it and write it.
#ifndef PIPELINE_DISTILL_H
#define PIPELINE_DISTILL_H

#include "distill/search/search.h"
#include "distill/sparsity/sparsity.h"
#include "distill/transfer/transfer.h"
#include "pipeline/base/measure.h"
#include "pipeline/timing/costs.h"
#include "pipeline/run/run.h"
#include "pipeline/base/students.h"
#include "pipeline/train/tuning.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_BASELINES 6
#define PIPELINE_TUNES 2

typedef enum pipeline_objective { PIPELINE_ACCURACY, PIPELINE_LATENCY, PIPELINE_PARAMS, PIPELINE_N_OBJECTIVES }
    pipeline_objective;
const char *pipeline_objective_name(pipeline_objective o);          // "accuracy", "latency", "params"

typedef enum pipeline_distill_stage {
    PIPELINE_DISTILL_SPARSITY,      // of the teacher
    PIPELINE_DISTILL_TRANSFER,      // to mixer i
    PIPELINE_DISTILL_COST,          // times of a block, for the objective latency
    PIPELINE_DISTILL_SEARCH,        // the path
    PIPELINE_DISTILL_BASELINES,     // other orders, the path on test
    PIPELINE_DISTILL_TUNE           // training i of the student
} pipeline_distill_stage;

typedef struct pipeline_distill_result pipeline_distill_result;
// A stage is over; what it found is in `so_far`. Anything but VKC_OK ends the run with it.
typedef vkc_status (*pipeline_distill_told_fn)(void *user, pipeline_distill_stage stage, uint32_t i,
                                               const pipeline_distill_result *so_far);

typedef struct pipeline_distill_params {        // PIPELINE_DISTILL_DEFAULTS, in brackets, and the first lines
    const char  *teacher;           // model folder
    pipeline_data data;             // batch [64]
    pipeline_place place;           // `out`: the student
    uint64_t     seed;
    const char *const *mixer;       // (n_mixers) what may replace attention: "linear", "ssd:state=128"
    const char *const *from;        // (n_from) folders of students without attention, besides or instead
    uint32_t     n_mixers, n_from;
    pipeline_objective objective;   // accuracy, latency of a block on this device, or parameters [accuracy]
    nn_size      size;              // of the pictures of the objective; 0 x 0 = the model's
    double       max_drop;          // points of top-1 on val that may be lost [1]
    double       confidence;        // of the interval that must stay within that too; 0 = it need not, and 0.9 is shown
    bool         best;              // the student is the most accurate on the way, else that with the most replaced
    bool         baselines;         // search other orders too
    bool         path_test;         // judge each step of the search on test too
    bool         whole_trials;      // run all layers in every trial: slower, the same scores
    // Of the transfer.
    uint32_t     epochs, match_epochs;          // [3]; [0] that match learned features to the attention weights first
    double       lr, match_lr, weight_decay, clip;      // [1e-2], [1e-2], [0], [0 = any]
    distill_match_loss match_loss;              // what that first stage minimises [kl]
    distill_target   target;
    distill_distance distance;
    pipeline_tuning  tune;          // of the student; 0 epochs = none
    uint32_t     tune_all_epochs;   // of the whole network after that, with the same settings; [0]
    double       tune_all_lr;       // [< 0: as usual]
    uint32_t     max_steps;         // stop training after so many steps in all; 0 = no limit
    uint32_t     timing_batch;      // pictures at once when timing [4]
    bool         no_timing;         // do not time teacher and student
    pipeline_distill_told_fn told;  // with the context's user; may be NULL
} pipeline_distill_params;

#define PIPELINE_DISTILL_DEFAULTS { .data = { .batch = 64 }, .max_drop = 1.0, .lr = 1e-2, .epochs = 3, \
    .match_lr = 1e-2, .timing_batch = 4, .tune = PIPELINE_TUNING_DEFAULTS(0), .tune_all_lr = -1.0 }

typedef struct pipeline_choice {    // of the search, for each layer
    char    text[PIPELINE_LAYER_TEXT];          // "linear:features=hedgehog"; of a folder, that or its name
    bool    is_given;               // read from a folder, not transferred
    nn_layer_config mixer;          // to transfer to
    nn_layer_config layer[NN_MAX_DEPTH];        // what it is in each layer
    distill_transfer_result transfer;
} pipeline_choice;

typedef struct pipeline_baseline {
    char name[16];
    distill_search_result *path;    // owned
} pipeline_baseline;

typedef struct pipeline_tuned {
    const char         *what;       // "tune", "tune-all"
    pipeline_tuning     settings;
    distill_tune_result result;
} pipeline_tuned;

struct pipeline_distill_result {    // some hundred KiB: not for the stack
    char        run_dir[PIPELINE_PATH_MAX];     // "" = none was opened
    json_t     *json;               // owned: what run.json has as its results; NULL unless the student was written
    uint32_t    depth, n_mixers;
    pipeline_choice mixer[DISTILL_MAX_CHOICES];
    pipeline_objective objective;
    uint32_t    image;              // side of the pictures of the objective
    double      max_drop;           // fraction
    double      confidence;         // of the intervals
    bool        guarded;
    distill_sparsity sparsity;      // owned
    double      block_ms[1 + DISTILL_MAX_CHOICES];      // latency: of the first layer as the teacher's, as each choice
    distill_search_result search;
    uint32_t    n_chosen;           // steps of the search that the student has
    bool        is_best;            // the best on the way, not the most replaced
    uint8_t     choice[DISTILL_MAX_LAYERS];     // of the student
    nn_layer_config layer[NN_MAX_DEPTH];        // of the student
    uint32_t    n_baselines;
    pipeline_baseline baseline[PIPELINE_BASELINES];
    bool        has_path_test;
    double      path_test[DISTILL_MAX_LAYERS];  // top-1 on test after each step of the search
    uint32_t    n_tunes;
    pipeline_tuned tune[PIPELINE_TUNES];
    nn_split    split;              // of the final accuracies
    nn_eval_result teacher, student;
    nn_eval_result teacher_at, student_at;      // at `image`, where that is not the model's
    uint64_t    teacher_params, student_params;
    uint32_t    timing_batch, n_times;          // 0 = not timed
    pipeline_model_time time[PIPELINE_SIZES + 1];
    pipeline_costs costs;           // at the models' own size
};

// What can be said before a device is opened, and pipeline_distill says too. E_ARG in words.
vkc_status pipeline_distill_check(const pipeline_context *c, const pipeline_distill_params *p);
// Ends in a student in place.out and a finished run, or as it was stopped, to be gone on with by place.resume: to the
// same bits. pipeline_distill_finish the result, after a failure too. Errors: E_ARG and E_FORMAT in words, E_CHECK
// (nothing can be replaced within the tolerance; numbers that are not finite), E_STOPPED, E_IO, device errors.
vkc_status pipeline_distill(const pipeline_context *c, const pipeline_distill_params *p, pipeline_distill_result *out);
void       pipeline_distill_finish(pipeline_distill_result *r);

// The time at the size of the objective; NULL when it was not measured.
const pipeline_model_time *pipeline_distill_time(const pipeline_distill_result *r);
// "1.25 x faster", of the student.
const char *pipeline_distill_verdict(const pipeline_model_time *t, char out[32]);

#ifdef __cplusplus
}
#endif
#endif
