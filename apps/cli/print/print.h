// print.h — what commands print of results, as text; --json prints the pipelines' own JSON.
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdio.h>

#include "pipeline/distill/distill.h"
#include "pipeline/retain/retain.h"
#include "pipeline/study/orders.h"
#include "pipeline/study/study.h"

// A line of accuracy.
void       print_eval(FILE *f, const char *what, const nn_eval_result *r);

typedef struct sparsity_view {
    distill_keys keys;
    bool heads;                     // a line a head too
    bool is_sorted;                 // layers from sparse to dense by `by`, else as they stand
    distill_measure by;
} sparsity_view;

// A line a layer: mean over pictures, queries and heads, +- standard deviation. Layers without attention come last
// when sorted.
void       print_sparsity(FILE *f, const distill_sparsity *s, const sparsity_view *view);
// Do the measures order the heads of all layers alike?
vkc_status print_sparsity_agreement(FILE *f, const distill_sparsity *s, distill_keys keys);

// A line of the epoch that was kept; nothing where none was judged.
void       print_best(FILE *f, const nn_best *b);

// A line of losses and one of distances.
void       print_tuning(FILE *f, const char *what, const distill_tune_result *r, uint32_t depth);

// Of a distillation, stage by stage.
void       print_transfer(FILE *f, const pipeline_distill_result *r, uint32_t mixer);
void       print_block_times(FILE *f, const pipeline_distill_result *r, uint32_t batch);
void       print_path(FILE *f, const pipeline_distill_result *r);
void       print_schedule_step(FILE *f, const pipeline_distill_result *r, uint32_t i);
void       print_baselines(FILE *f, const pipeline_distill_result *r);
void       print_impact(FILE *f, const pipeline_distill_result *r);        // nothing without scores
void       print_student(FILE *f, const pipeline_distill_result *r);       // against its teacher
void       print_students(FILE *f, const pipeline_distill_result *r);      // both of the search, and other orders

// Of a teacher, if there is one, and its student.
void       print_costs(FILE *f, const pipeline_costs *c);

// Of models with token pruning.
void       print_ring(FILE *f, const distill_retain_stats *s);
void       print_retained(FILE *f, const pipeline_retained *m, const pipeline_retain_result *r);
void       print_series(FILE *f, const pipeline_retain_result *r);

vkc_status print_groups_result(FILE *f, const pipeline_groups_result *r);
vkc_status print_teachers_result(FILE *f, const pipeline_teachers_result *r);
vkc_status print_orders_result(FILE *f, const pipeline_orders_result *r);

#endif
