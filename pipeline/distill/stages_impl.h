// stages_impl.h — the stages of a distillation, one after the other; what each finds goes into the result. Internal.
#ifndef PIPELINE_STAGES_IMPL_H
#define PIPELINE_STAGES_IMPL_H

#include "pipeline/distill/distill.h"

#include <stdio.h>

typedef struct distill_work {       // what the stages hand on
    const pipeline_context *c;
    const pipeline_distill_params *p;           // whose data set has the teacher's classes, once that is loaded
    nn_dataset   *view;
    nn_model     *teacher, *student;
    nn_model     *other;            // the search's other student; NULL = there is none to write
    char          beside[PIPELINE_PATH_MAX];        // where that goes
    nn_model     *replaced[DISTILL_MAX_CHOICES];    // (r->n_mixers) the teacher with every attention replaced
    bool          fixed[NN_MAX_DEPTH];              // layers that stay
    pipeline_run  run;
    bool          is_refused;       // the search leaves the teacher as it is: no broken run, but no student either
    pipeline_distill_result *r;
} distill_work;

// result.c
vkc_status pipeline__work_tell(const distill_work *w, pipeline_distill_stage stage, uint32_t i);
// The steps that max_steps leaves for training; 0 = no limit. E_STOPPED when there are none.
vkc_status pipeline__work_steps_left(const distill_work *w, uint32_t *left);
// Of all training; of the student before tuning without `tuned`.
double     pipeline__work_seconds(const pipeline_distill_result *r, bool tuned);
// result_json.c, result_card.c: NULL = out of memory
json_t    *pipeline__work_json(const pipeline_distill_result *r, const vkc_device *dev);
char      *pipeline__work_card(const pipeline_distill_result *r, pipeline_pick k);    // Markdown on the heap

// students.c: both students of the search.
void       pipeline__students_pick(distill_work *w);          // from the path
vkc_status pipeline__students_measure(const distill_work *w, const uint8_t *choice, nn_eval_result *out);  // r->split
vkc_status pipeline__students_judge(distill_work *w);         // after the comparison; puts the other together
vkc_status pipeline__students_save_other(distill_work *w);    // with the figures of r->json

// choices.c: mixers to transfer to and students that were given, with a student of all layers for each.
vkc_status pipeline__choices_read(const pipeline_context *c, const pipeline_distill_params *p,
                                  pipeline_distill_result *r);        // before a device is opened
vkc_status pipeline__choices_load(distill_work *w);                   // the folders that were given; E_ARG, E_FORMAT
vkc_status pipeline__choices_inputs(const distill_work *w, json_t **out);     // for run.json
vkc_status pipeline__choices_transfer(distill_work *w);
// The transfer of a student, or of some of its layers (only; NULL = all); `tag` ends the names of its files.
vkc_status pipeline__choices_train(const distill_work *w, nn_model *student, const char *tag, const bool *only,
                                   distill_transfer_result *out);

// schedule_check.c
vkc_status pipeline__schedule_check(const pipeline_context *c, const pipeline_distill_params *p);   // without a device
vkc_status pipeline__layers_check(const distill_work *w);       // those that were named, against the teacher
vkc_status pipeline__layers_limit(distill_work *w);     // after the search's check: all others stay
bool       pipeline__layers_has(const pipeline_distill_params *p, uint32_t l);     // was it named, if any was?
void       pipeline__schedule_inputs(const pipeline_distill_params *p, json_t *inputs);
json_t    *pipeline__schedule_name(uint32_t schedule);          // "all", "sequential:2"

// schedule.c
vkc_status pipeline__schedule_run(distill_work *w);     // transfer, tuning and the student, without a search

// schedule_result.c: NULL = out of memory
// {layers, val_top1, val_loss, loss, transfer_steps, tune_steps}; null where there is no such figure.
json_t    *pipeline__step_json(const pipeline_step *t);
// {name, order, limited, steps: [a step], refused: a step or null}; null without a schedule.
json_t    *pipeline__schedule_json(const pipeline_distill_result *r);
// A sentence of Markdown without its end.
void       pipeline__schedule_print(FILE *f, const pipeline_distill_result *r);

// cost.c: what layer l costs with choice k, into cost (depth, 1 + n_mixers). Times are measured once a run.
vkc_status pipeline__cost_fill(distill_work *w, double *cost);

// search.c
vkc_status pipeline__search_check(distill_work *w);   // is there something to replace, and something to judge it by?
vkc_status pipeline__search_run(distill_work *w);     // which layers are replaced; the student put together

// baselines.c: other orders, and the search's path on test.
vkc_status pipeline__baselines_walk(distill_work *w, const distill_search_params *p);
vkc_status pipeline__baselines_path_test(distill_work *w);
vkc_status pipeline__baselines_judge(distill_work *w);        // on r->split, at the students' numbers of layers

// picks_json.c
json_t    *pipeline__students_layers(const pipeline_distill_result *r, const pipeline_picked *m);
json_t    *pipeline__students_replaced(const pipeline_distill_result *r, const pipeline_picked *m);
json_t    *pipeline__students_json(const pipeline_distill_result *r);
void       pipeline__baselines_add_json(const pipeline_distill_result *r, json_t *o);     // to the results

// stages.c
vkc_status pipeline__stage_run(distill_work *w);      // the run folder
vkc_status pipeline__stage_sparsity(distill_work *w); // of the teacher
vkc_status pipeline__tuning_check(const pipeline_context *c, const pipeline_distill_params *p);     // both of them
vkc_status pipeline__stage_tune(distill_work *w);     // the student, end to end
vkc_status pipeline__stage_tune_as(distill_work *w, const char *what, const pipeline_tuning *settings);    // once
vkc_status pipeline__stage_compare(distill_work *w);  // accuracy and time of both
vkc_status pipeline__stage_save(distill_work *w);     // model folder, run.json

#endif
