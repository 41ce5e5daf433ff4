// graph_ref.c — a built graph in double, see graph_ref.h.
#include "tests/graph_ref.h"

#include "nn/graph_impl.h"

#include <stdlib.h>

struct graph_ref {
    const nn_graph *g;
    double **value;                 // (n_tensors), owned; NULL where another tensor has the values
    bool    *changed;               // (n_tensors)
};

static uint32_t index_of(const graph_ref *r, const nn_tensor *t)
{
    uint32_t i = 0;
    while (i < r->g->n_tensors && r->g->tensor[i] != t->root)
        i++;
    return i;
}

graph_ref *graph_ref_create(const nn_graph *g)
{
    graph_ref *r = (graph_ref *) calloc(1, sizeof *r);
    bool ok = r != NULL;
    if (!ok)
        return NULL;
    r->g = g;
    r->value = (double **) calloc(g->n_tensors + 1, sizeof *r->value);
    r->changed = (bool *) calloc(g->n_tensors + 1, sizeof *r->changed);
    ok = r->value && r->changed;
    for (uint32_t i = 0; i < g->n_tensors && ok; i++)
        if (g->tensor[i]->root == g->tensor[i])
            ok = (r->value[i] = (double *) calloc(nn_shape_len(&g->tensor[i]->shape) + 1, sizeof(double))) != NULL;
    if (!ok) {
        graph_ref_destroy(r);
        return NULL;
    }
    graph_ref_touch_all(r);
    return r;
}

void graph_ref_destroy(graph_ref *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; r->value && i < r->g->n_tensors; i++)
        free(r->value[i]);
    free(r->value);
    free(r->changed);
    free(r);
}

double *graph_ref_values(graph_ref *r, const nn_tensor *t)
{
    return r->value[index_of(r, t)];
}

void graph_ref_touch(graph_ref *r, const nn_tensor *t)
{
    r->changed[index_of(r, t)] = true;
}

void graph_ref_touch_all(graph_ref *r)
{
    for (uint32_t i = 0; i < r->g->n_tensors; i++)
        r->changed[i] = true;
}

void graph_ref_run(graph_ref *r)
{
    for (uint32_t i = 0; i < r->g->n_nodes; i++) {
        const nn_node *n = &r->g->node[i];
        const double *in[NN_MAX_IO] = { 0 };
        double *out[NN_MAX_IO] = { 0 };
        bool changed = false;
        for (uint32_t k = 0; k < n->op->n_in; k++) {
            if (!n->in[k])
                continue;
            in[k] = graph_ref_values(r, n->in[k]);
            changed = changed || r->changed[index_of(r, n->in[k])];
        }
        for (uint32_t k = 0; k < n->op->n_out; k++) {
            if (!n->out[k])
                continue;
            out[k] = graph_ref_values(r, n->out[k]);
            r->changed[index_of(r, n->out[k])] = changed;
        }
        if (changed)
            n->op->ref(&n->call, in, out);
    }
    for (uint32_t i = 0; i < r->g->n_tensors; i++)
        r->changed[i] = false;
}
