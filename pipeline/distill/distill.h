// distill.h — the whole of pare distill: measure a teacher, transfer to mixers, search which layers to replace,
// assemble the student, tune it, compare it and write it.
#ifndef PIPELINE_DISTILL_H
#define PIPELINE_DISTILL_H

#include "distill/search/impact.h"
#include "distill/search/search.h"
#include "distill/sparsity/sparsity.h"
#include "distill/transfer/transfer.h"
#include "pipeline/distill/schedule.h"
#include "pipeline/base/measure.h"
#include "pipeline/timing/costs.h"
#include "pipeline/run/run.h"
#include "pipeline/base/students.h"
#include "pipeline/train/tuning.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_BASELINES 7
#define PIPELINE_TUNES (NN_MAX_DEPTH + 1)    // one a step of a schedule, and the second

typedef enum pipeline_objective { PIPELINE_ACCURACY, PIPELINE_LATENCY, PIPELINE_PARAMS, PIPELINE_N_OBJECTIVES }
    pipeline_objective;
const char *pipeline_objective_name(pipeline_objective o);          // "accuracy", "latency", "params"

typedef enum pipeline_distill_stage {
    PIPELINE_DISTILL_SPARSITY,      // of the teacher
    PIPELINE_DISTILL_TRANSFER,      // to mixer i
    PIPELINE_DISTILL_COST,          // times of a block, for the objective latency
    PIPELINE_DISTILL_SEARCH,        // the path
    PIPELINE_DISTILL_BASELINES,     // other orders, the path on test
    PIPELINE_DISTILL_TUNE,          // training i of the student
    PIPELINE_DISTILL_STEP           // step i of a schedule
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
    const uint32_t *layers;         // (n_layers) the only ones that may be replaced; NULL = all with attention
    uint32_t     n_layers;
    uint32_t     schedule;          // replace all of these without a search, so many at a time (schedule.h); 0 = search
    pipeline_schedule_order order;           // of a schedule [shallow]
    bool         limited;           // a schedule, too, ends before the step that would cost more than is allowed
    pipeline_objective objective;   // accuracy, latency of a block on this device, or parameters [accuracy]
    nn_size      size;              // of the pictures of the objective; 0 x 0 = the model's
    double       max_drop;          // points of top-1 on val that may be lost [1]
    double       min_share;         // or, in place of it: share of the teacher's top-1 to keep, above 0 to 1; 0 = none
    double       confidence;        // of the interval that must stay within that too; 0 = it need not, and 0.9 is shown
    bool         best;              // the student is the most accurate on the way, else that with the most replaced;
                                    // the other one is written beside it (pipeline_distill_beside)
    bool         baselines;         // search other orders too
    bool         path_test;         // judge each step of the search on test too
    bool         whole_trials;      // run all layers in every trial: slower, the same scores
    // Of the transfer.
    uint32_t     epochs;            // [3]; 0 = none: mixers start from what they take from the attention
    uint32_t     match_epochs;      // [0] that match learned features to the attention weights first
    double       lr, match_lr, weight_decay, clip;      // [1e-2], [1e-2], [0], [0 = any]
    distill_match_loss match_loss;              // what that first stage minimises [kl]
    distill_target   target;
    distill_distance distance;
    // Of the student: its mixers, with a schedule in every step; and after that the whole network. Neither takes
    // anything from the other. 0 epochs = none.
    pipeline_tuning  tune, tune_all;
    uint32_t     max_steps;         // stop training after so many steps in all; 0 = no limit
    uint32_t     timing_batch;      // pictures at once when timing [4]
    bool         no_timing;         // do not time teacher and student
    pipeline_distill_told_fn told;  // with the context's user; may be NULL
} pipeline_distill_params;

#define PIPELINE_DISTILL_DEFAULTS { .data = { .batch = 64 }, .max_drop = 1.0, .lr = 1e-2, .epochs = 3, \
    .match_lr = 1e-2, .timing_batch = 4, .tune = PIPELINE_TUNING_DEFAULTS(0), \
    .tune_all = PIPELINE_TUNING_DEFAULTS_OF(0, DISTILL_TRAIN_ALL) }

typedef struct pipeline_choice {    // of the search, for each layer
    char    text[PIPELINE_LAYER_TEXT];          // "linear:features=hedgehog"; of a folder, that or its name
    bool    is_given;               // read from a folder, not transferred
    nn_layer_config mixer;          // to transfer to
    nn_layer_config layer[NN_MAX_DEPTH];        // what it is in each layer
    distill_transfer_result transfer;
} pipeline_choice;

typedef enum pipeline_pick { PIPELINE_MOST, PIPELINE_BEST, PIPELINE_N_PICKS } pipeline_pick;
const char *pipeline_pick_name(pipeline_pick k);        // "most", "best"

typedef struct pipeline_baseline {
    char name[16];
    distill_search_result *path;    // owned
    uint32_t n_trials;              // it took to find the order, without those of its path
    double top1[PIPELINE_N_PICKS];  // on the split of the final accuracies, with as many layers as each student; NaN =
                                    // it has not so many
} pipeline_baseline;

typedef struct pipeline_picked {    // a student of the search, before any tuning
    uint32_t n;                     // steps of the search that it has; 0 = it is the teacher
    uint8_t  choice[DISTILL_MAX_LAYERS];
    nn_layer_config layer[NN_MAX_DEPTH];
    double   val_top1;              // in the search
    nn_eval_result eval;            // on the split of the final accuracies
    uint64_t params;
    bool     is_written;            // in a model folder: the one that was asked for tuned
} pipeline_picked;

typedef struct pipeline_tuned {
    char                what[16];   // "tune", of the second step of a schedule "tune-2"; "tune-all"
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
    double      max_drop;           // fraction; with min_share what that comes to, once the teacher was judged
    double      min_share;          // 0 = none
    double      confidence;         // of the intervals
    bool        guarded;
    distill_sparsity sparsity;      // owned
    double      block_ms[1 + DISTILL_MAX_CHOICES];      // latency: of the first layer as the teacher's, as each choice
    distill_search_result search;   // of a schedule: its base, and a step a layer, without tie, interval and cost
    uint32_t    schedule;           // as in the parameters
    pipeline_schedule_order order;
    bool        limited;
    uint32_t    n_scheduled;        // layers
    uint32_t    n_steps;            // of the schedule, that the student has
    pipeline_step step[NN_MAX_DEPTH];
    pipeline_step refused;          // the step that would have cost too much; n = 0: none
    pipeline_picked picked[PIPELINE_N_PICKS];   // both students of the search; of a schedule one, not judged
    bool        is_one;             // and they are one model
    uint32_t    n_chosen;           // steps of the search that the student that was asked for has
    bool        is_best;            // it is the best on the way, not the most replaced
    uint8_t     choice[DISTILL_MAX_LAYERS];     // of the student
    nn_layer_config layer[NN_MAX_DEPTH];        // of the student
    uint32_t    n_baselines;
    pipeline_baseline baseline[PIPELINE_BASELINES];
    distill_impact *impact;         // owned; of the baseline of that name, else NULL
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

// Which of the two students is asked for, and which is the other.
pipeline_pick pipeline_distill_asked(const pipeline_distill_result *r);
pipeline_pick pipeline_distill_other(const pipeline_distill_result *r);
// Trials of the search but for the teacher's, if no step is refused: K L (L + 1) / 2 of K mixers and L layers; 0 of a
// schedule.
uint32_t pipeline_distill_most_trials(const pipeline_distill_result *r);
// Where the other goes: "S-best" beside S, with `best` "S-most". E_ARG when that is too long.
vkc_status pipeline_distill_beside(const pipeline_place *p, bool best, char out[PIPELINE_PATH_MAX]);

// What can be said before a device is opened, and pipeline_distill says too. E_ARG in words.
vkc_status pipeline_distill_check(const pipeline_context *c, const pipeline_distill_params *p);
// Ends in a student in place.out, the search's other one beside it, unless that is the same or the teacher itself, and
// a finished run; or as it was stopped, to be gone on with by place.resume: to the same bits. place.beside is not read.
// pipeline_distill_finish the result, after a failure too. Errors: E_ARG and E_FORMAT in words, E_CHECK
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
