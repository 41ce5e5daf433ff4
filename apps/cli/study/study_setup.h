// study_setup.h — what both studies share: options, mixers and seeds, the settings they make, and the run folder.
#ifndef CLI_STUDY_SETUP_H
#define CLI_STUDY_SETUP_H

#include "apps/cli/distill/distill_report.h"
#include "apps/cli/distill/measure.h"
#include "apps/cli/core/run.h"
#include "apps/cli/distill/tune_setup.h"
#include "distill/study/study_models.h"

#define STUDY_MAX_VARIANTS 256
#define STUDY_MAX_TEACHERS 32

typedef struct study_args {
    common_args common;
    data_args   d;
    const char *mixer, *from, *by, *keys, *keep, *policy, *out;
    uint32_t    groups, seeds, epochs, match_epochs, images, retain_epochs, max_steps;
    double      lr, weight_decay, match_lr;
    tune_options tune;              // epochs 0 = no tuning
    bool        resume, force;
} study_args;

typedef struct study_work {
    const study_args *a;
    nn_dataset *data;
    vkc_device *dev;
    nn_split    split;
    run_folder  run;
    distill_study_log  *log;
    distill_study_clock clock;
    // A variant is a mixer and a seed: of --mixer, all seeds of the first mixer first; of --from, one a folder.
    uint32_t    n_variants, n_mixers;
    distill_variant variant[STUDY_MAX_VARIANTS];
    nn_layer_config mixer[STUDY_MAX_VARIANTS];
    char        text[STUDY_MAX_VARIANTS][REPORT_TEXT];
    const char *mixers[STUDY_MAX_VARIANTS];     // (n_mixers) each text once
    nn_model     *ready[STUDY_MAX_VARIANTS];      // of --from, owned; else NULL
    json_t     *hashes;                         // of the models of --from
    distill_tune_params tune;
} study_work;

// --mixer and --seeds into variants; settings of tuning; --split. E_ARG in words.
vkc_status study_read(study_work *w);
// Data and device. E_ARG for a split without pictures.
vkc_status study_open(study_work *w);
// Load the students of --from, a variant each: mixer of its layers, seed of its provenance or else its place in the
// list.
vkc_status study_load_ready(study_work *w, const nn_model *teacher, const bool *fixed);
// Start or take up the run; `inputs` are those of the kind of study, to which what both share is added; taken over.
vkc_status study_start(study_work *w, json_t *inputs);
// What all studies ask models with. `dir` is a folder in the run folder; both are borrowed.
distill_study_models study_models(study_work *w, const nn_model *teacher, const char *dir);
void       study_close(study_work *w);
// The jobs of a study more, for the time left.
void       study_expect(study_work *w, const distill_study *s, uint32_t times);

// {mixers, seeds, split, epochs, tune_epochs, device, driver}; NULL = out of memory.
json_t    *study_json(const study_work *w);

#endif
