// plan.c — which calls run backward, how long each tensor lives, where it lies.
#include "nn/graph/graph_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Walk backward from the losses: a tensor has a gradient when a loss needs it and a trained parameter
// lies upstream; a node runs backward when its first output has one.
static void mark_backward(nn_graph *g)
{
    for (uint32_t i = 0; i < g->n_tensors; i++)
        g->tensor[i]->has_grad = nn__is_seeded(g->tensor[i]) && g->tensor[i]->requires_grad;
    for (uint32_t i = g->n_nodes; i-- > 0;) {
        nn_node *n = &g->node[i];
        n->backward = n->out[0]->has_grad && n->op->bwd;
        for (uint32_t k = 0; n->backward && k < n->op->n_in; k++)
            if (n->in[k] && n->in[k]->requires_grad && (n->op->grad & BIT(IN(k))))
                n->in[k]->has_grad = true;
    }
}

static void use(nn_tensor *t, uint32_t time)
{
    if (t && t->root->kind == NN_KIND_ACTIVATION && t->root->piece.end < time)
        t->root->piece.end = time;
}

static void find_lifetimes(nn_graph *g)
{
    const uint32_t last = 2 * g->n_nodes + 1;
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        nn_tensor *t = g->tensor[i];
        if (t->root != t || t->kind != NN_KIND_ACTIVATION)
            continue;
        const size_t size = nn_shape_bytes(&t->shape, t->dtype), grad = nn_shape_bytes(&t->shape, NN_DTYPE_GRAD);
        t->piece = (nn_piece) { .size = size, .start = t->node, .end = t->kept || g->check ? last : t->node };
        if (t->has_grad)            // from its first addition, or its seed, to its producer's turn
            t->grad_piece = (nn_piece) { .size = grad, .start = nn__bwd_time(g, t->node),
                                         .end = nn__bwd_time(g, t->node) };
    }
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        nn_node *n = &g->node[i];
        uint32_t back = nn__bwd_time(g, i);
        for (uint32_t k = 0; k < n->op->n_in; k++) {
            use(n->in[k], i);
            if (n->backward && (n->op->keep & BIT(IN(k))))
                use(n->in[k], back);
            if (n->backward && n->in[k] && n->in[k]->has_grad && n->in[k]->kind == NN_KIND_ACTIVATION &&
                (n->op->grad & BIT(IN(k))) && n->in[k]->grad_piece.start > back)
                n->in[k]->grad_piece.start = back;
            size_t size = nn_shape_bytes(&n->call.in[k], NN_DTYPE_GRAD);
            if (n->backward && (n->op->grad & ~n->op->skip & BIT(IN(k))) && n->in[k] && !n->in[k]->has_grad &&
                size > g->discard.size)
                g->discard.size = size;
        }
        for (uint32_t k = 0; k < n->op->n_out; k++)
            if (n->backward && (n->op->keep & BIT(OUT(k))))
                use(n->out[k], back);
        for (uint32_t k = 0; k < NN_MAX_SCRATCH; k++) {
            n->scratch_fwd[k] = (nn_piece) { .size = n->call.scratch_fwd[k], .start = i, .end = i };
            if (n->backward)
                n->scratch_bwd[k] = (nn_piece) { .size = n->call.scratch_bwd[k], .start = back, .end = back };
        }
    }
    g->discard.end = last;
}

// Times of the additions into t's gradient: the first, and the first by another node than `node`.
static uint32_t next_addition(const nn_graph *g, const nn_tensor *t, uint32_t node)
{
    uint32_t next = UINT32_MAX;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const nn_node *n = &g->node[i];
        for (uint32_t k = 0; k < n->op->n_in && i != node && n->backward; k++)
            if (n->in[k] == t && (n->op->grad & BIT(IN(k))) && nn__bwd_time(g, i) < next)
                next = nn__bwd_time(g, i);
    }
    return next;
}

// May the inputs of a sum use the memory of its gradient? They must first be added to here, and whatever is added
// to one later must come after the producer of the other has read its own: residual streams are like this.
static bool can_share(const nn_graph *g, uint32_t i, nn_tensor *const *in, uint32_t n_in)
{
    for (uint32_t k = 0; k < n_in; k++) {
        const nn_tensor *t = in[k];
        if (t->kind != NN_KIND_ACTIVATION || nn__is_seeded(t) || t->grad_piece.start != nn__bwd_time(g, i))
            return false;
        uint32_t next = next_addition(g, t, i);
        for (uint32_t j = 0; j < n_in; j++) {
            if (j == k)
                continue;
            // A producer that is a sum may pass the memory on, and it is read later than the sum's own time.
            bool chain = g->node[in[j]->node].op->pass != 0;
            if (in[j] == t || next <= nn__bwd_time(g, in[j]->node) || (chain && next != UINT32_MAX))
                return false;
        }
    }
    return true;
}

static void share_gradients(nn_graph *g)
{
    for (uint32_t i = 0; i < g->n_tensors; i++)
        g->tensor[i]->grad_root = g->tensor[i];
    for (uint32_t i = g->n_nodes; i-- > 0;) {
        nn_node *n = &g->node[i];
        nn_tensor *in[NN_MAX_IO];
        uint32_t n_in = 0;
        bool all = n->backward && n->op->pass && !nn__is_seeded(n->out[0]);
        for (uint32_t k = 0; k < n->op->n_in && all; k++) {
            if (!n->in[k] || !n->in[k]->has_grad || !(n->op->grad & BIT(IN(k))))
                continue;
            all = (n->op->pass & BIT(IN(k))) != 0;
            in[n_in++] = n->in[k];
        }
        if (!all || !can_share(g, i, in, n_in))
            continue;
        nn_tensor *root = n->out[0]->grad_root;
        for (uint32_t k = 0; k < n_in; k++) {
            in[k]->grad_root = root;
            in[k]->grad_piece.size = 0;
            if (root->grad_piece.end < in[k]->grad_piece.end)
                root->grad_piece.end = in[k]->grad_piece.end;
        }
        n->passed = true;
    }
}

static int by_size(const void *a, const void *b)
{
    const nn_piece *x = *(nn_piece *const *) a, *y = *(nn_piece *const *) b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return x->start < y->start ? -1 : x->start > y->start;
}

// Lowest offset in block `b` where p fits between the pieces placed before it that live at its time.
static size_t find_gap(nn_piece *const *placed, uint32_t n, const nn_piece *p, uint32_t b)
{
    size_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < n; i++) {
            const nn_piece *q = placed[i];
            if (q->block == b && q->start <= p->end && p->start <= q->end && q->offset < at + p->size &&
                at < q->offset + q->size) {
                at = q->offset + q->size;
                moved = true;
            }
        }
    }
    return at;
}

vkc_status nn__place(nn_piece **p, uint32_t n, size_t align, size_t most, size_t *block_size,
                     uint32_t *n_blocks)
{
    for (uint32_t i = 0; i < n; i++)
        p[i]->size = (p[i]->size + align - 1) / align * align;
    qsort(p, n, sizeof *p, by_size);
    *n_blocks = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t b = 0;; b++) {
            if (b == *n_blocks) {
                if (b == NN_MAX_BLOCKS)
                    return VKC_FAIL(VKC_E_UNSUPPORTED, "activations need more than %d blocks of %zu MiB",
                                    NN_MAX_BLOCKS, most >> 20);
                block_size[(*n_blocks)++] = 0;
            }
            const size_t at = find_gap(p, i, p[i], b), first = block_size[b] ? block_size[b] : p[i]->size;
            if (at + p[i]->size <= (first > most ? first : most)) {
                p[i]->block = b;
                p[i]->offset = at;
                if (block_size[b] < at + p[i]->size)
                    block_size[b] = at + p[i]->size;
                break;
            }
        }
    }
    return VKC_OK;
}

static uint32_t collect(nn_graph *g, nn_piece **list)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        nn_tensor *t = g->tensor[i];
        if (t->piece.size && t->root == t)
            list[n++] = &t->piece;
        if (t->grad_piece.size)
            list[n++] = &t->grad_piece;
    }
    for (uint32_t i = 0; i < g->n_nodes; i++)
        for (uint32_t k = 0; k < NN_MAX_SCRATCH; k++) {
            if (g->node[i].scratch_fwd[k].size)
                list[n++] = &g->node[i].scratch_fwd[k];
            if (g->node[i].scratch_bwd[k].size)
                list[n++] = &g->node[i].scratch_bwd[k];
        }
    if (g->discard.size)
        list[n++] = &g->discard;
    return n;
}

vkc_status nn_graph_plan(nn_graph *g)
{
    if (g->status != VKC_OK)
        return vkc_failure_again(g->status, &g->failure);
    if (g->planned)
        return VKC_FAIL(VKC_E_ARG, "graph: planned twice");
    mark_backward(g);
    find_lifetimes(g);
    share_gradients(g);
    nn_piece **list = (nn_piece **) malloc((2 * g->n_tensors + 8 * g->n_nodes + 1) * sizeof *list);
    if (!list)
        return VKC_FAIL(VKC_E_NOMEM, "graph: out of host memory");
    uint32_t n = collect(g, list);
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < n && st == VKC_OK; i++) {
        g->unplanned_bytes += list[i]->size;
        st = vkc_check_bind(g->dev, "one tensor", list[i]->size);
        if (st != VKC_OK)
            st = VKC_FAIL(st, "%s: use a smaller batch", vkc_last_error());
    }
    const size_t align = vkc_align(g->dev, 1);
    if (st == VKC_OK)
        st = nn__place(list, n, align < 256 ? 256 : align, vkc_block_size(g->dev), g->block_size, &g->n_blocks);
    free(list);
    uint64_t all = 0;
    for (uint32_t b = 0; b < g->n_blocks; b++)
        all += g->block_size[b];
    if (st == VKC_OK)
        st = vkc_check_memory(g->dev, "activations of a batch take", all);
    for (uint32_t b = 0; b < g->n_blocks && st == VKC_OK; b++)
        st = vkc_buffer_create(g->dev, VKC_MEM_DEVICE, g->block_size[b], "activations", &g->block[b]);
    if (st != VKC_OK && g->check)
        st = VKC_WRAP(st, "%s; to compare with the CPU every tensor of the forward pass keeps memory of its own: a "
                      "smaller batch needs less", vkc_last_error());
    if (st != VKC_OK) {
        g->status = st;
        vkc_failure_keep(&g->failure);
        return st;
    }
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        nn_tensor *t = g->tensor[i];
        if (t->kind == NN_KIND_ACTIVATION && t->root == t)
            t->value = nn__slice(g, &t->piece, nn_shape_bytes(&t->shape, t->dtype));
        if (t->has_grad && t->kind == NN_KIND_ACTIVATION)
            t->grad = nn__slice(g, &t->grad_root->grad_piece, nn_shape_bytes(&t->shape, NN_DTYPE_GRAD));
    }
    g->planned = true;
    return VKC_OK;
}
