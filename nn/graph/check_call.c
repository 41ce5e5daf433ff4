// check_call.c — one call that the device has run: its tensors read back, its definition run on the host.
#include "nn/base/half.h"
#include "nn/graph/check_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDING 0x1p-22            // of an input's size; single precision rounds by a quarter of it at most

static vkc_status fail_memory(void)
{
    return VKC_FAIL(VKC_E_NOMEM, "check: out of host memory: a smaller batch needs less");
}

static uint32_t index_of(const nn_graph *g, const nn_tensor *t)
{
    uint32_t i = 0;
    while (i < g->n_tensors && g->tensor[i] != t)
        i++;
    return i;
}

// The values of a tensor as floats, words in place.
static vkc_status read_floats(nn_graph *g, const nn_tensor *t, float *to)
{
    vkc_status st = vkc_read(g->dev, t->root->value, to);
    if (st == VKC_OK && t->dtype == NN_DTYPE_F16)
        nn_half_widen(to, nn_shape_len(&t->shape));
    return st;
}

// The values of a tensor as the call saw them.
static vkc_status read_values(nn_graph *g, const nn_tensor *t, float *to)
{
    const uint32_t i = g->before ? index_of(g, t->root) : 0;
    if (g->before && g->before[i]) {
        memcpy(to, g->before[i], nn_shape_len(&t->shape) * sizeof *to);
        return VKC_OK;
    }
    return read_floats(g, t, to);
}

static vkc_status read_input(nn_graph *g, nn__checked *k, uint32_t i)
{
    const nn_tensor *t = k->node->in[i];
    const size_t len = nn_shape_len(&t->shape), live = nn__live(&t->shape, t->rows);
    const bool are_words = t->dtype == NN_DTYPE_U32;
    float *x = (float *) malloc((len + 1) * sizeof *x);
    k->in[i] = (double *) calloc(len + 1, sizeof **k->in);
    k->in_len[i] = live;
    vkc_status st = x && k->in[i] ? read_values(g, t, x) : fail_memory();
    for (size_t j = 0; j < live && st == VKC_OK; j++) {
        uint32_t word;
        memcpy(&word, &x[j], sizeof word);
        k->in[i][j] = are_words ? (double) word : (double) x[j];
        k->is_plain = k->is_plain && (are_words || isfinite(x[j]));
    }
    free(x);
    return st;
}

vkc_status nn__checked_read(nn_graph *g, const nn_node *n, nn__checked *out)
{
    vkc_status st = VKC_OK;
    *out = (nn__checked) { .node = n, .is_plain = true };
    for (uint32_t i = 0; i < n->op->n_in && st == VKC_OK; i++)
        if (n->in[i])
            st = read_input(g, out, i);
    for (uint32_t i = 0; i < n->op->n_out && st == VKC_OK; i++) {
        if (!n->out[i])
            continue;
        const size_t len = nn_shape_len(&n->out[i]->shape);
        out->out_len[i] = nn__live(&n->out[i]->shape, n->out[i]->rows);
        out->out[i] = (float *) malloc((len + 1) * sizeof **out->out);
        out->ref[i] = (double *) calloc(len + 1, sizeof **out->ref);
        st = out->out[i] && out->ref[i] ? read_floats(g, n->out[i], out->out[i]) : fail_memory();
    }
    return st;
}

// Every value of the inputs a little up or down, by a fixed pattern.
static void move_inputs(nn__checked *k)
{
    uint32_t noise = 2463534242u;
    for (uint32_t i = 0; i < k->node->op->n_in; i++) {
        if (!k->in[i] || k->node->call.in_dtype[i] == NN_DTYPE_U32)
            continue;
        for (size_t j = 0; j < k->in_len[i]; j++) {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            k->in[i][j] *= 1 + (noise & 1 ? ROUNDING : -ROUNDING);
        }
    }
}

// Beyond a bar: is it what rounding makes of this call?
static vkc_status judge_again(nn__checked *k, nn__verdict *v)
{
    double *moved[NN_MAX_IO] = { 0 };
    const double *in[NN_MAX_IO];
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < k->node->op->n_out; i++)
        if (k->ref[i] && !(moved[i] = (double *) calloc(nn_shape_len(&k->node->call.out[i]) + 1, sizeof **moved)))
            st = fail_memory();
    if (st == VKC_OK) {
        move_inputs(k);
        memcpy(in, k->in, sizeof in);
        k->node->op->ref(&k->node->call, in, moved);
        nn__compare(k, (const double *const *) moved, v);
    }
    for (uint32_t i = 0; i < NN_MAX_IO; i++)
        free(moved[i]);
    return st;
}

// The definition of `compact` writes the host copy of its layout: here it gets another, to be compared with that.
static vkc_status judge_compact(nn__checked *k, nn__verdict *v)
{
    nn_call c = k->node->call;
    const double *in[NN_MAX_IO] = { k->in[0] };
    const nn_rows *made = c.to;
    nn_rows mine = *made;
    mine.image = (uint32_t *) malloc(made->words.size);
    if (!mine.image)
        return fail_memory();
    memcpy(mine.image, made->image, made->words.size);
    mine.offsets = mine.image + ROWS_HEADER;
    mine.pos = mine.offsets + mine.cap_images + 1;
    c.to = c.out_rows[0] = &mine;
    k->node->op->ref(&c, in, k->ref);
    nn__compare(k, NULL, v);
    const uint32_t *slot = mine.pos + nn_rows_cap(&mine), *is = made->pos + nn_rows_cap(made);
    for (size_t i = 0; i < nn_rows_cap(made) && !v->is_wrong; i++)  // which says all there is to say
        if (slot[i] != is[i])
            *v = (nn__verdict) { .is_wrong = true, .at = i, .error = 1, .value = is[i], .want = slot[i] };
    free(mine.image);
    return VKC_OK;
}

vkc_status nn__checked_judge(nn__checked *k, nn__verdict *out)
{
    const double *in[NN_MAX_IO];
    if (k->node->op == &nn_op_compact)
        return judge_compact(k, out);
    memcpy(in, k->in, sizeof in);
    k->node->op->ref(&k->node->call, in, k->ref);
    vkc_status st = nn__settle(k);
    if (st != VKC_OK)
        return st;
    nn__compare(k, NULL, out);
    return out->is_wrong && isfinite(out->error) && k->node->call.out_dtype[0] != NN_DTYPE_U32 ? judge_again(k, out)
                                                                                            : VKC_OK;
}

void nn__checked_finish(nn__checked *k)
{
    for (uint32_t i = 0; i < NN_MAX_IO; i++) {
        free(k->in[i]);
        free(k->ref[i]);
        free(k->out[i]);
    }
    *k = (nn__checked) { .node = NULL };
}
