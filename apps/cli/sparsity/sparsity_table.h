// sparsity_table.h — sparsity figures as a table and as JSON.
#ifndef CLI_SPARSITY_TABLE_H
#define CLI_SPARSITY_TABLE_H

#include "apps/cli/distill/measure.h"
#include "distill/sparsity/sparsity.h"

typedef struct sparsity_view {
    distill_keys keys;
    bool heads;                     // a line a head too
    bool is_sorted;                 // layers from sparse to dense by `by`, else as they stand
    distill_measure by;
} sparsity_view;

// A line a layer: mean over pictures, queries and heads, +- standard deviation. Layers without attention come last
// when sorted.
void       sparsity_print(FILE *f, const distill_sparsity *s, const sparsity_view *view);
// Do the measures order the heads of all layers alike?
vkc_status sparsity_print_agreement(FILE *f, const distill_sparsity *s, distill_keys keys);
// {images, depth, heads, measures: [{name, sparser}], keys: {all: {mean: [layer][head][measure], std}, patches},
// agreement: {all: [[rho]], patches}, device, driver}; NULL when out of memory.
json_t    *sparsity_json(const distill_sparsity *s, const vkc_device *dev);

#endif
