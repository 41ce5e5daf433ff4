// distill_report.h — what a distillation found: tables, JSON, and Markdown for the model card.
#ifndef CLI_DISTILL_REPORT_H
#define CLI_DISTILL_REPORT_H

#include "apps/cli/distill/measure.h"
#include "apps/cli/sparsity/sparsity_table.h"
#include "apps/cli/distill/tune_setup.h"
#include "distill/search/search.h"
#include "distill/transfer/transfer.h"

#define REPORT_BASELINES 6
#define REPORT_TUNES 2
#define REPORT_TEXT (sizeof(nn_layer_config) + 2)

typedef enum { OBJECTIVE_ACCURACY, OBJECTIVE_LATENCY, OBJECTIVE_PARAMS, N_OBJECTIVES } report_objective;

typedef struct report_mixer {       // a choice of the search
    char text[REPORT_TEXT];         // "linear:features=hedgehog"; of a folder that was given, that or its name
    bool is_given;                  // read from a folder, not transferred
    nn_layer_config mixer;          // to transfer to
    nn_layer_config layer[NN_MAX_DEPTH];    // what it is in each layer
    distill_transfer_result transfer;
} report_mixer;

typedef struct report_walk {        // a baseline
    char name[16];
    distill_search_result *path;    // owned
} report_walk;

typedef struct report_tune {
    const char  *what;              // "tune", "tune-all"
    tune_options options;
    distill_tune_result result;
} report_tune;

typedef struct distill_report {
    uint32_t    depth, n_mixers;
    report_mixer mixer[DISTILL_MAX_CHOICES];
    report_objective objective;
    uint32_t    image;              // of --img-size, or the model's
    double      max_drop;           // fraction
    double      confidence;         // of the intervals
    bool        guarded;
    distill_sparsity sparsity;
    distill_search_result search;
    uint32_t    n_chosen;           // steps of the search that the student has
    bool        is_best;            // the best on the way, not the most replaced
    uint8_t     choice[DISTILL_MAX_LAYERS];         // of the student
    nn_layer_config layer[NN_MAX_DEPTH];            // of the student
    uint32_t    n_walks;
    report_walk walk[REPORT_BASELINES];
    bool        has_path_test;
    double      path_test[DISTILL_MAX_LAYERS];      // top-1 on test after each step of the search
    uint32_t    n_tunes;
    report_tune tune[REPORT_TUNES];
    nn_split    split;              // of the final accuracies
    nn_eval_result teacher, student;
    nn_eval_result teacher_at, student_at;          // at `image`, where that is not the model's
    uint64_t    teacher_params, student_params;
    uint32_t    timing_batch, n_times;              // 0 = not timed
    measure_time time[MEASURE_SIZES + 1];
} distill_report;

const char *report_objective_name(report_objective o);          // "accuracy", "latency", "params"
vkc_status  report_objective_get(const char *name, report_objective *out);
// "linear:features=hedgehog"
void    report_layer_text(const nn_layer_config *layer, char out[REPORT_TEXT]);
// The time at the size of the objective; NULL when it was not measured.
const measure_time *report_time(const distill_report *r);

void    distill_report_print_transfer(FILE *f, const distill_report *r, uint32_t mixer);
void    distill_report_print_path(FILE *f, const distill_report *r);
void    distill_report_print_walks(FILE *f, const distill_report *r);
void    distill_report_print_result(FILE *f, const distill_report *r);
json_t *distill_report_json(const distill_report *r, const vkc_device *dev);
char   *distill_report_markdown(const distill_report *r);      // on the heap; NULL when memory is short
void    distill_report_finish(distill_report *r);

#endif
