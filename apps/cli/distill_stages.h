// distill_stages.h — the stages of pare distill, one after the other; what each finds goes into the report.
#ifndef CLI_DISTILL_STAGES_H
#define CLI_DISTILL_STAGES_H

#include "apps/cli/distill_report.h"
#include "apps/cli/run.h"

typedef struct distill_args {
    common_args common;
    data_args   d;
    const char *mixer, *out, *run;
    double      max_drop, lr, weight_decay, clip, match_lr;
    uint32_t    epochs, max_steps, timing_batch, match_epochs;
    bool        no_timing, resume, force;
} distill_args;

typedef struct distill_work {       // what the stages hand on
    const distill_args *a;
    const char  *teacher_dir;
    char         mixer_text[sizeof(nn_layer_config)];
    nn_layer_config mixer;
    nn_dataset  *data;
    vkc_device  *dev;
    nn_vit      *teacher, *transferred, *student;
    run_folder   run;
    distill_report report;
} distill_work;

vkc_status stage_run(distill_work *w);          // the run folder
vkc_status stage_sparsity(distill_work *w);            // sparsity of the teacher
vkc_status stage_transfer(distill_work *w);              // a student of all layers
vkc_status stage_search(distill_work *w);             // which layers are replaced; the student put together
vkc_status stage_compare(distill_work *w);            // accuracy and time of both
vkc_status stage_save(distill_work *w);               // model folder, run.json, the final table

#endif
