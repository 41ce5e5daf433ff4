// relative.h — relative positions of attention: a table that is added to its scores, of a layer's own, one that all
// layers share, or both (shaders/attention/attention_bias.h).
//
// Thread-safety: as the device.
#ifndef NN_RELATIVE_H
#define NN_RELATIVE_H

#include "nn/graph/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_RELATIVE_TABLE "relative_position_bias_table"       // the parameter, (rows, heads)

typedef struct nn_relative {
    bool       is_own;              // the layer has a table of its own
    uint32_t   grid_h, grid_w;      // patches of a full picture; not read without a table
    nn_tensor *shared;              // of all layers, in the graph that is built; NULL = none
} nn_relative;

uint32_t   nn_relative_rows(uint32_t grid_h, uint32_t grid_w);
bool       nn_relative_is_table(const char *name);     // is a parameter of this name such a table, a layer's or shared?
// What attention adds: the sum of the two, or the one that there is, `own` being NULL unless is_own; NULL = nothing.
nn_tensor *nn_relative_build(nn_graph *g, const nn_relative *r, nn_tensor *own);

#ifdef __cplusplus
}
#endif
#endif
