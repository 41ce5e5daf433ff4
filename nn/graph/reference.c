// reference.c — a built graph in double, call by call.
#include "nn/graph/reference.h"

#include "nn/graph/graph_impl.h"

#include <stdlib.h>

struct nn_reference {
    const nn_graph *g;
    double **value;                 // (n_tensors), owned; NULL where another tensor has the values
    bool    *changed;               // (n_tensors)
};

static uint32_t index_of(const nn_reference *r, const nn_tensor *t)
{
    uint32_t i = 0;
    while (i < r->g->n_tensors && r->g->tensor[i] != t->root)
        i++;
    return i;
}

vkc_status nn_reference_create(const nn_graph *g, nn_reference **out)
{
    nn_reference *r = (nn_reference *) calloc(1, sizeof *r);
    bool ok = r != NULL;
    if (ok) {
        r->g = g;
        r->value = (double **) calloc(g->n_tensors + 1, sizeof *r->value);
        r->changed = (bool *) calloc(g->n_tensors + 1, sizeof *r->changed);
        ok = r->value && r->changed;
    }
    for (uint32_t i = 0; ok && i < g->n_tensors; i++)
        if (g->tensor[i]->root == g->tensor[i])
            ok = (r->value[i] = (double *) calloc(nn_shape_len(&g->tensor[i]->shape) + 1, sizeof(double))) != NULL;
    if (!ok) {
        nn_reference_destroy(r);
        return VKC_FAIL(VKC_E_NOMEM, "reference: out of host memory");
    }
    nn_reference_touch_all(r);
    *out = r;
    return VKC_OK;
}

void nn_reference_destroy(nn_reference *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; r->value && i < r->g->n_tensors; i++)
        free(r->value[i]);
    free(r->value);
    free(r->changed);
    free(r);
}

double *nn_reference_values(nn_reference *r, const nn_tensor *t)
{
    return r->value[index_of(r, t)];
}

void nn_reference_touch(nn_reference *r, const nn_tensor *t)
{
    r->changed[index_of(r, t)] = true;
}

void nn_reference_touch_all(nn_reference *r)
{
    for (uint32_t i = 0; i < r->g->n_tensors; i++)
        r->changed[i] = true;
}

void nn_reference_run(nn_reference *r)
{
    for (uint32_t i = 0; i < r->g->n_nodes; i++) {
        const nn_node *n = &r->g->node[i];
        const double *in[NN_MAX_IO] = { 0 };
        double *out[NN_MAX_IO] = { 0 };
        bool changed = false;
        for (uint32_t k = 0; k < n->op->n_in; k++) {
            if (!n->in[k])
                continue;
            in[k] = nn_reference_values(r, n->in[k]);
            changed = changed || r->changed[index_of(r, n->in[k])];
        }
        for (uint32_t k = 0; k < n->op->n_out; k++) {
            if (!n->out[k])
                continue;
            out[k] = nn_reference_values(r, n->out[k]);
            r->changed[index_of(r, n->out[k])] = changed;
        }
        if (changed)
            n->op->ref(&n->call, in, out);
    }
    for (uint32_t i = 0; i < r->g->n_tensors; i++)
        r->changed[i] = false;
}
