// record.c — append a planned graph to a recording: forward in order, backward in reverse.
#include "nn/graph/graph_impl.h"

#include <string.h>

static void bind_values(const nn_graph *g, const nn_node *n, bool backward, nn_bind *b)
{
    for (uint32_t k = 0; k < n->op->n_in; k++)
        if (n->in[k])
            b->in[k] = n->in[k]->root->value;
    for (uint32_t k = 0; k < n->op->n_out; k++)
        if (n->out[k])
            b->out[k] = n->out[k]->value;
    for (uint32_t k = 0; k < NN_MAX_SCRATCH; k++) {
        const nn_piece *p = backward ? &n->scratch_bwd[k] : &n->scratch_fwd[k];
        b->scratch[k] = nn__slice(g, p, backward ? n->call.scratch_bwd[k] : n->call.scratch_fwd[k]);
    }
}

static vkc_status record_forward(nn_graph *g, vkc_recording *rec)
{
    uint32_t spoiled;
    vkc_status st = nn__fault_find(g, &spoiled);
    if (st != VKC_OK)
        return st;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        nn_bind b = { 0 };
        bind_values(g, &g->node[i], false, &b);
        st = nn_run_fwd(&g->run, g->node[i].op, &g->node[i].call, &b);
        if (st == VKC_OK && i == spoiled)
            st = nn__fault_record(g, i, rec);
        if (st == VKC_OK)
            st = nn__finite_record_node(g, i, rec);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

// What a gradient is before the first addition: its weight as a loss, its seed, 0 for all that have neither.
static vkc_status fill_gradient(const nn_tensor *t, vkc_recording *rec)
{
    uint32_t word;
    memcpy(&word, &t->seed, 4);
    return t->seed_from ? vkc_record_copy(rec, t->grad, t->seed_from->value) : vkc_record_fill(rec, t->grad, word);
}

// That of a gradient whose life starts at `time`.
static vkc_status start_gradient(const nn_tensor *t, uint32_t time, vkc_recording *rec)
{
    return t->grad_piece.size && t->grad_piece.start == time ? fill_gradient(t, rec) : VKC_OK;
}

// The gradients that are first needed at this node's backward time: of what it made and of what it read.
static vkc_status start_gradients(const nn_node *n, uint32_t time, vkc_recording *rec)
{
    vkc_status st = start_gradient(n->out[0], time, rec);
    for (uint32_t k = 0; k < n->op->n_in && st == VKC_OK; k++) {
        nn_tensor *t = n->in[k];
        bool again = false;         // the same tensor may be two inputs of one call
        for (uint32_t j = 0; j < k; j++)
            again = again || n->in[j] == t;
        if (t && !again && t->has_grad)
            st = start_gradient(t, time, rec);
    }
    return st;
}

static vkc_status record_backward(nn_graph *g, vkc_recording *rec)
{
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        const vkc_status st = g->tensor[i]->own_grad ? fill_gradient(g->tensor[i], rec) : VKC_OK;
        if (st != VKC_OK)
            return st;
    }
    for (uint32_t i = g->n_nodes; i-- > 0;) {
        nn_node *n = &g->node[i];
        if (!n->backward || n->passed)
            continue;
        nn_bind b = { 0 };
        bind_values(g, n, true, &b);
        b.dout[0] = n->out[0]->grad;
        b.discard = nn__slice(g, &g->discard, g->discard.size);
        for (uint32_t k = 0; k < n->op->n_in; k++)
            if (n->in[k] && n->in[k]->has_grad && (n->op->grad & BIT(IN(k)))) {
                b.din[k] = n->in[k]->grad;
                b.wanted |= BIT(IN(k));
            }
        vkc_status st = start_gradients(n, nn__bwd_time(g, i), rec);
        if (st == VKC_OK)
            st = nn_run_bwd(&g->run, n->op, &n->call, &b);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

vkc_status nn_graph_record(nn_graph *g, vkc_recording *rec)
{
    if (!g->planned || g->recorded)
        return VKC_FAIL(VKC_E_ARG, "graph: %s", g->recorded ? "recorded twice" : "recorded before it is planned");
    g->recorded = true;
    vkc_status st = nn_run_init(&g->run, g->dev, rec, g->layouts, g->n_layouts);
    if (st == VKC_OK)
        st = nn__finite_start(g, rec);
    if (st == VKC_OK)
        st = record_forward(g, rec);
    if (st == VKC_OK)
        st = record_backward(g, rec);
    return st == VKC_OK ? nn_run_finish(&g->run) : st;
}
