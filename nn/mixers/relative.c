// relative.c — tables of relative positions in a graph.
#include "nn/mixers/relative.h"

#include <string.h>

uint32_t nn_relative_rows(uint32_t grid_h, uint32_t grid_w)
{
    return (2 * grid_h - 1) * (2 * grid_w - 1) + 3;
}

bool nn_relative_is_table(const char *name)
{
    const size_t len = strlen(name), suffix = strlen(NN_RELATIVE_TABLE);
    return len > suffix && strcmp(name + len - suffix, NN_RELATIVE_TABLE) == 0;
}

nn_tensor *nn_relative_build(nn_graph *g, const nn_relative *r, nn_tensor *own)
{
    if (!r->is_own || !r->shared)
        return r->is_own ? own : r->shared;
    return NN_APPLY0(g, add, NULL, own, r->shared);
}
