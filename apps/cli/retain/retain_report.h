// retain_report.h — what pare retain says: what is kept layer by layer, and a series of models side by side.
#ifndef CLI_RETAIN_REPORT_H
#define CLI_RETAIN_REPORT_H

#include "apps/cli/distill/measure.h"
#include "apps/cli/retain/retain_setup.h"
#include "distill/retain/retain_stats.h"

typedef struct retain_dense {       // the teacher, with all tokens
    nn_eval_result figures;
    double         images_per_s;    // 0 = not timed
} retain_dense;

typedef struct retain_outcome {
    const retain_item    *item;
    distill_retain_result train;
    nn_eval_result        val, test;    // images = 0 where the split has none
    distill_retain_stats  stats;
    double                images_per_s;
} retain_outcome;

// {keep, keep_per_layer, overlap, auprc, ring_survival, ring_survival_mean, ring_per_layer, others_per_layer}; the last
// four with a truth only; null where there is nothing to compare with.
json_t *retain_stats_json(const distill_retain_stats *s);
// Adds to `o` what is known of the ring.
void    retain_add_ring(json_t *o, const distill_retain_stats *s);
void    retain_print_ring(FILE *f, const distill_retain_stats *s);
void    retain_stats_print(FILE *f, const distill_retain_stats *s);

json_t *retain_json(const retain_outcome *o, const retain_dense *d, const nn_model *v);
void    retain_print(FILE *f, const retain_outcome *o, const retain_dense *d);
void    retain_print_series(FILE *f, const retain_outcome *o, uint32_t n, const retain_dense *d);
// Markdown for the model card, on the heap, or NULL when memory is short.
char   *retain_markdown(const retain_outcome *o, const retain_dense *d);

#endif
