// distill_report.h — what a distillation found: tables, JSON, and Markdown for the model card.
#ifndef CLI_DISTILL_REPORT_H
#define CLI_DISTILL_REPORT_H

#include "apps/cli/measure.h"
#include "apps/cli/sparsity_table.h"
#include "distill/search.h"
#include "distill/transfer.h"

typedef struct distill_report {
    const char *mixer;              // "linear:features=hedgehog"
    double      max_drop;           // fraction
    uint32_t    depth;
    distill_sparsity sparsity;
    distill_transfer_result transfer;
    distill_search_result   search;
    nn_split    split;              // of the final accuracies
    nn_eval_result teacher, student;
    uint64_t    teacher_params, student_params;
    uint32_t    timing_batch;       // 0 = not timed
    measure_time time[MEASURE_SIZES];
} distill_report;

// Does step or layer l belong to the student?
bool    distill_report_has(const distill_report *r, uint32_t layer);
void    distill_report_print_transfer(FILE *f, const distill_report *r);
void    distill_report_print_path(FILE *f, const distill_report *r);
void    distill_report_print_result(FILE *f, const distill_report *r);
json_t *distill_report_json(const distill_report *r, const vkc_device *dev);
char   *distill_report_markdown(const distill_report *r);      // on the heap; NULL when memory is short

#endif
