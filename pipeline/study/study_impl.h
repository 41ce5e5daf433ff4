// study_impl.h — what both studies share: variants, settings and the run folder. Internal.
#ifndef PIPELINE_STUDY_IMPL_H
#define PIPELINE_STUDY_IMPL_H

#include "distill/study/study_log.h"
#include "distill/study/study_models.h"
#include "pipeline/study/study.h"

typedef struct study_work {
    const pipeline_context *c;
    const pipeline_study_params *p; // `own`
    pipeline_study_params own;      // whose data set has the classes of the teacher at work
    const nn_dataset   *set;        // the data set as it was given
    nn_dataset         *view;
    pipeline_variants  *v;          // of the result
    pipeline_run        run;
    distill_study_log  *log;
    distill_study_clock clock;
    nn_model   *ready[PIPELINE_MAX_VARIANTS];   // of students that were given, owned; else NULL
    json_t     *hashes;             // of their models
} study_work;

// setup.c
// Mixers and seeds into variants; is there something to judge by? E_ARG in words. study_close the work.
vkc_status pipeline__study_read(study_work *w, const pipeline_context *c, const pipeline_study_params *p,
                                pipeline_variants *v);
// What can be said of the parameters of a study before a device is opened, by the study's own way of reading them:
// pipeline__study_read, or one that calls it.
typedef vkc_status (*pipeline__study_read_fn)(study_work *w, const pipeline_context *c, const pipeline_study_params *p,
                                              pipeline_variants *v);
vkc_status pipeline__study_check(const pipeline_context *c, const pipeline_study_params *p,
                                 pipeline__study_read_fn read);
// Put a view of the data set with a teacher's classes into w->own; what there is to say is said the first time alone.
vkc_status pipeline__study_match(study_work *w, const nn_model_config *m, const char *name);
// Load the students that were given, a variant each: mixer of its layers, seed of its provenance or else its place in
// the list.
vkc_status pipeline__study_load_ready(study_work *w, const nn_model *teacher, const bool *fixed);
// Start or take up the run; `inputs` are those of the kind of study, to which what both share is added; taken over.
vkc_status pipeline__study_start(study_work *w, json_t *inputs);
// What all studies ask models with. `dir` is a folder in the run folder; both are borrowed.
distill_study_models pipeline__study_models(study_work *w, const nn_model *teacher, const char *dir);
// The jobs of a study more, for the time left.
void       pipeline__study_expect(study_work *w, const distill_study *s, uint32_t times);
// {mixers, seeds, split, epochs, tune_epochs, device, driver}; NULL = out of memory.
json_t    *pipeline__study_json(const study_work *w);
// Say what became of it, free it; returns `st`.
vkc_status pipeline__study_close(study_work *w, vkc_status st, char run_dir[PIPELINE_PATH_MAX]);

// sparsity.c: how sparse a teacher's attention is, measured once a study: on val, or where that is empty on the split
// of the study; from the study's log if it is there, else it goes there.
vkc_status pipeline__study_sparsity_get(study_work *w, const nn_model *teacher, const char *name,
                                        distill_sparsity *out);

// groups_json.c, teachers_json.c: for run.json. *out may be set after a failure too; json_decref it.
vkc_status pipeline__study_groups_json(const study_work *w, const pipeline_groups_result *r, json_t **out);
vkc_status pipeline__study_teachers_json(const study_work *w, const pipeline_teachers_result *r, json_t **out);

#endif
