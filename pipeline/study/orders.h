// orders.h — the whole of pare study orders: in which order attention layers are replaced, mixer by mixer, and whether
// these orders agree: between mixers, between seeds of one, and between the search and orders that are cheaper to find.
#ifndef PIPELINE_ORDERS_H
#define PIPELINE_ORDERS_H

#include "distill/search/impact.h"
#include "distill/statistics/agreement.h"
#include "pipeline/study/study.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pipeline_order {
    PIPELINE_ORDER_GREEDY,          // of a search through all layers, whatever they cost
    PIPELINE_ORDER_ONE_SHOT,        // by the scores of each layer replaced alone, the best first
    PIPELINE_ORDER_IMPACT,          // by impact scores (distill/search/impact.h), the lowest first
    PIPELINE_ORDER_ERROR,           // by the error of the transfer, the lowest first
    PIPELINE_ORDER_SPARSITY,        // the sparsest attention first, whatever the mixer
    PIPELINE_ORDER_DEPTH,           // as they stand
    PIPELINE_N_ORDERS
} pipeline_order;
const char *pipeline_order_name(pipeline_order o);          // "greedy", "one-shot", "impact", ...

typedef struct pipeline_order_run { // of a variant
    bool     has[PIPELINE_N_ORDERS];
    uint32_t layer[PIPELINE_N_ORDERS][NN_MAX_DEPTH];        // (n_layers) in the order of replacement
    double   top1[NN_MAX_DEPTH];    // (n_layers) on the study's split, after each step of the greedy order
    uint32_t n_best;                // steps of it after which top-1 is best
    uint32_t trials;                // of the search, the teacher's among them
} pipeline_order_run;

typedef struct pipeline_orders_result {     // large: not for the stack, and not to be copied
    json_t     *json;               // owned: what run.json has as its results; NULL unless the study was finished
    char        run_dir[PIPELINE_PATH_MAX];
    nn_split    split;
    pipeline_variants variants;
    distill_measure   measure;      // of the order by sparsity
    distill_keys      keys;
    distill_sparsity  sparsity;     // owned
    uint32_t    depth, n_layers;    // of the teacher; those that can be replaced
    bool        fixed[NN_MAX_DEPTH];
    double      teacher_top1;
    pipeline_order_run *run;        // (variants.n), owned
} pipeline_orders_result;

// What can be said before a device is opened, and pipeline_orders says too.
vkc_status pipeline_orders_check(const pipeline_context *c, const pipeline_study_params *p);
// Of pipeline_study_params, what is of groups serves the order by sparsity; tuning is refused. pipeline_orders_finish
// the result, after a failure too. Errors: as pipeline_groups.
vkc_status pipeline_orders(const pipeline_context *c, const pipeline_study_params *p, const char *teacher,
                           pipeline_orders_result *out);
void       pipeline_orders_finish(pipeline_orders_result *r);

// Ranks of layers, 1 = replaced first: of each layer (depth) mean and spread over the seeds of a mixer; NaN for layers
// that stay. False, and all NaN, when the mixer has no such order.
bool       pipeline_orders_rank(const pipeline_orders_result *r, const char *mixer, pipeline_order o,
                                double mean[NN_MAX_DEPTH], double std[NN_MAX_DEPTH]);
// Do the mean ranks of two orders agree, of one mixer or of two? n = 0 when one is not there.
vkc_status pipeline_orders_agree(const pipeline_orders_result *r, const char *mixer_a, pipeline_order a,
                                 const char *mixer_b, pipeline_order b, distill_agreement *out);
// Mean of Kendall's tau over the pairs of runs of two mixers, or of two seeds of one; NaN without a pair.
vkc_status pipeline_orders_agree_runs(const pipeline_orders_result *r, const char *mixer_a, const char *mixer_b,
                                      pipeline_order o, uint32_t *n, double *tau);

#ifdef __cplusplus
}
#endif
#endif
