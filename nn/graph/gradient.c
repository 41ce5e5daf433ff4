// gradient.c — backward passes that start at a tensor of any shape, and gradients of inputs.
#include "nn/graph/graph_impl.h"

void nn_graph_add_seed(nn_graph *g, nn_tensor *t, nn_tensor *seed)
{
    if (!t || !seed || g->status != VKC_OK)
        return;
    if (t->root != t || t->out != 0 || t->dtype != NN_DTYPE_F32 || nn__is_seeded(t)) {
        nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "graph: a seed goes to an fp32 tensor that is the first an op made or an "
                                  "input, once"));
        return;
    }
    if (seed->kind != NN_KIND_INPUT || seed->dtype != NN_DTYPE_F32 || seed->rows != t->rows ||
        !nn_shape_is(&seed->shape, t->shape.rank, t->shape.dim)) {
        nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "graph: a seed is an fp32 input of the shape and layout of its tensor"));
        return;
    }
    t->seed_from = seed;
}

nn_tensor *nn_graph_want_gradient(nn_graph *g, nn_tensor *t)
{
    if (!t || g->status != VKC_OK || t->own_grad)
        return t;
    if (t->kind != NN_KIND_INPUT || t->root != t || t->dtype != NN_DTYPE_F32)
        return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "graph: only an fp32 input can be given a gradient"));
    const vkc_status st = vkc_buffer_create(g->dev, VKC_MEM_DEVICE, t->value.size, "gradient of an input",
                                            &t->own_grad);
    if (st != VKC_OK)
        return nn_graph_fail(g, st);
    t->grad = (vkc_slice) { t->own_grad, 0, t->value.size };
    t->requires_grad = true;
    return t;
}

vkc_slice nn_graph_gradient(const nn_tensor *t)
{
    return t->grad;
}
