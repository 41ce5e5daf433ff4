// graph_create.c — make an empty graph, and destroy one with all that belongs to it.
#include "nn/graph/graph_impl.h"

#include <stdlib.h>

vkc_status nn_graph_create(vkc_device *dev, nn_graph **out)
{
    nn_graph *g = (nn_graph *) calloc(1, sizeof *g);
    if (!g)
        return VKC_FAIL(VKC_E_NOMEM, "graph: out of host memory");
    g->dev = dev;
    const vkc_status st = nn_context_get(dev, &g->context);
    if (st != VKC_OK) {
        free(g);
        return st;
    }
    g->check = g->context->check;
    *out = g;
    return VKC_OK;
}

void nn_graph_destroy(nn_graph *g)
{
    if (!g)
        return;
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        vkc_buffer_destroy(g->tensor[i]->own);
        vkc_buffer_destroy(g->tensor[i]->own_grad);
        free(g->tensor[i]->name);
        free(g->tensor[i]);
    }
    for (uint32_t i = 0; i < g->n_nodes; i++)
        free(g->node[i].attr);
    for (uint32_t b = 0; b < g->n_blocks; b++)
        vkc_buffer_destroy(g->block[b]);
    if (g->recorded)
        nn_run_destroy(&g->run);
    nn__finite_finish(g);
    nn__check_finish(g);
    free(g->tensor);
    free(g->node);
    free(g);
}
