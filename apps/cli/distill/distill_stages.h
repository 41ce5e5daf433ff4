// distill_stages.h — the stages of pare distill, one after the other; what each finds goes into the report.
#ifndef CLI_DISTILL_STAGES_H
#define CLI_DISTILL_STAGES_H

#include "apps/cli/distill/distill_report.h"
#include "apps/cli/core/run.h"
#include "apps/cli/distill/tune_setup.h"

typedef struct distill_args {
    common_args common;
    data_args   d;
    const char *mixer, *from, *out, *run, *target, *distance, *objective;
    double      max_drop, confidence, lr, weight_decay, clip, match_lr;
    tune_options tune;              // after the search; 0 epochs = no tuning
    double      tune_all_lr;        // < 0: not given
    uint32_t    epochs, max_steps, timing_batch, match_epochs, tune_all_epochs;
    nn_size     img_size;
    bool        most, best, baselines, path_test, whole_trials, no_timing, resume, force;
} distill_args;

typedef struct distill_work {       // what the stages hand on
    const distill_args *a;
    const char  *teacher_dir;
    nn_dataset  *data;
    vkc_device  *dev;
    nn_model      *teacher, *student;
    nn_model      *replaced[DISTILL_MAX_CHOICES];     // (report.n_mixers) the teacher with every attention replaced
    bool         fixed[NN_MAX_DEPTH];               // layers that stay
    run_folder   run;
    bool         is_refused;        // the search leaves the teacher as it is: no broken run, but no student either
    distill_report report;
} distill_work;

// distill_mixers.c: --mixer and --from, and a student of all layers for each.
vkc_status mixers_read(distill_work *w);        // before a device is opened
vkc_status mixers_load(distill_work *w);        // the folders of --from; E_ARG, E_FORMAT
vkc_status mixers_inputs(const distill_work *w, json_t **out);  // for run.json
vkc_status mixers_transfer(distill_work *w);

// distill_cost.c: what layer l costs with choice k, into cost (depth, 1 + n_mixers). Times are measured once a run.
vkc_status cost_fill(distill_work *w, double *cost);

// distill_search_stage.c
vkc_status search_check(distill_work *w);       // is there something to replace, and something to judge it by?
vkc_status search_run(distill_work *w);         // which layers are replaced; baselines; the student put together

vkc_status stage_run(distill_work *w);          // the run folder
vkc_status stage_sparsity(distill_work *w);     // of the teacher
vkc_status stage_tune(distill_work *w);         // the student, end to end
vkc_status stage_compare(distill_work *w);      // accuracy and time of both
vkc_status stage_save(distill_work *w);         // model folder, run.json, the final table

// The steps that --max-steps leaves for training; UINT32_MAX = no limit. E_STOPPED when there are none.
vkc_status stage_steps_left(const distill_work *w, uint32_t *left);

#endif
