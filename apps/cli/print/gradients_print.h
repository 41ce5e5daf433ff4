// gradients_print.h — how sparse the rows of gradient maps are, to be printed.
#ifndef CLI_GRADIENTS_PRINT_H
#define CLI_GRADIENTS_PRINT_H

#include "distill/sparsity/row_measures.h"

#include <jansson.h>
#include <stdio.h>

typedef struct gradient_figures {   // of the rows of what was drawn
    uint32_t images, depth;
    bool     all_queries;           // of every token and the heads drawn, and not the class token's alone
    bool     has_teacher;
    bool     chosen[NN_MAX_DEPTH];
    char     mixer[NN_MAX_DEPTH][24];        // as nn_layer_config
    distill_row_figures layer[NN_MAX_DEPTH];
} gradient_figures;

// A table, a line a layer.
void       print_gradients(FILE *f, const gradient_figures *g);
// {of, images, queries, layers: [{layer, mixer, rows, empty, mean: {entropy ..}, teacher_overlap}]}.
json_t    *build_gradients_json(const gradient_figures *g);

#endif
