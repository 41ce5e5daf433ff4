// sparsity_table.h — sparsity figures as a table and as JSON.
#ifndef CLI_SPARSITY_TABLE_H
#define CLI_SPARSITY_TABLE_H

#include "apps/cli/measure.h"
#include "distill/sparsity.h"

// A line a layer, and with `heads` one a head. Layers without attention have none.
void    sparsity_print(FILE *f, const distill_sparsity *s, bool heads);
// {images, layers: [{layer, entropy, mass90, top10, heads: [{entropy, mass90, top10}]}]}
json_t *sparsity_json(const distill_sparsity *s);

#endif
