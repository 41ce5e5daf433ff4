// report_page.h — the page of `pare report`: its frame, and the sections that several kinds of run share.
#ifndef CLI_REPORT_PAGE_H
#define CLI_REPORT_PAGE_H

#include "apps/cli/report/report_html.h"
#include "apps/cli/report/report_plot.h"
#include "apps/cli/report/report_run.h"
#include "apps/cli/report/report_values.h"

typedef struct report_page {
    FILE             *f;
    const report_run *run;
    plotter           plots;
} report_page;

// Write the whole page. Errors: E_IO (a temporary folder for the plots), E_NOMEM.
vkc_status report_page_write(report_page *p);
void       report_head_write(FILE *f, const char *title);       // up to and with <main>: titles and styles
void       report_foot_write(report_page *p);                   // provenance, all figures, the end of the page

// The first paragraphs, which answer what came out. A run that is not finished says so before them.
void report_distill_answer(report_page *p);
void report_groups_answer(report_page *p);
void report_teachers_answer(report_page *p);
void report_orders_answer(report_page *p);
void report_model_answer(report_page *p);       // train, retain, tune, prune
void report_bench_answer(report_page *p);       // bench scaling, bench retention

// Sections. Each writes nothing, or says which command gives it, where the run has nothing of the kind.
vkc_status report_sparsity(report_page *p);
vkc_status report_path(report_page *p);         // the search of a distillation, and its baselines
void       report_students(report_page *p);     // of a distillation: both models of its search, orders, impact scores
vkc_status report_layers(report_page *p);       // of a distillation: mixers, transfer, single layers against sparsity
vkc_status report_groups(report_page *p);       // drop against sparsity
vkc_status report_teachers(report_page *p);     // gap against the teacher's keep ratio
vkc_status report_orders(report_page *p);       // of replacement, mixer by mixer
vkc_status report_model(report_page *p);        // train, retain, tune, prune
vkc_status report_bench(report_page *p);        // bench scaling, bench retention
vkc_status report_curves(report_page *p);       // loss, from log.jsonl
vkc_status report_timing(report_page *p);
void       report_costs(report_page *p);        // of distillations and tunings

// On which device and driver, and whether they say anything of a GPU.
void   report_device_write(report_page *p, const char *what);
// "at 65 tokens 34.4 ms in place of 27.6 ms" for the smallest and the largest size; nothing without times.
void   report_speed_write(report_page *p);
void   report_tunes_write(report_page *p);      // stages of tuning; nothing without them
// Lists of layers, "0, 2 and 5".
void   report_numbers_write(FILE *f, const json_t *list);
// "6 teachers, 2 mixers, 3 seeds; accuracy on the val split", with as many of `what` as the list `rows` has.
void   report_study_write(FILE *f, const report_run *r, const char *rows, const char *what);
// "0.45 points less", "as much"; of fractions.
void   report_change_write(FILE *f, double from, double to);
// A warning where an accuracy is of less than 200 pictures.
void report_few_write(FILE *f, double images);
// The value of a sparsity measure, mean over heads; NaN = none.
double report_sparsity_get(const report_run *r, size_t layer, size_t measure);
const char *report_measure_name(const report_run *r, size_t measure);   // "" past the last

#endif
