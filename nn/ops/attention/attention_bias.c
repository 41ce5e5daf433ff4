// attention_bias.c — the table of relative positions of attention: whether it fits, and its values in double.
#include "nn/ops/attention/attention_bias.h"

#include "nn/graph/rowwise.h"

vkc_status nn_bias_check(const char *op, const nn_call *c, int input, int rows, uint32_t heads, uint32_t grid_w)
{
    const nn_shape *t = &c->in[input];
    const uint32_t width = 2 * grid_w - 1;
    if (!t->rank)
        return VKC_OK;
    vkc_status st = nn_want_shape(op, "table", t, 2, 0, heads);
    if (st != VKC_OK)
        return st;
    const uint32_t height = grid_w && grid_w < 1u << 30 && t->dim[0] > 3 ? (t->dim[0] - 3) / width : 0;
    if (height % 2 == 0 || (uint64_t) height * width + 3 != t->dim[0])
        return VKC_FAIL(VKC_E_ARG, "%s: a table of %u rows, want (2 h - 1)(2 w - 1) + 3 in a grid that is w = %u "
                        "patches wide", op, t->dim[0], grid_w);
    const nn_rows *l = c->in_rows[rows];
    if (l->cap_tokens > l->prefix + (uint64_t) (height + 1) / 2 * grid_w)
        return VKC_FAIL(VKC_E_ARG, "%s: a table for a grid of %u x %u patches, and %u tokens, %u of them before the "
                        "grid", op, (height + 1) / 2, grid_w, l->cap_tokens, l->prefix);
    return VKC_OK;
}

struct attention_bias_args nn_bias_args(const nn_call *c, int input, int rows, uint32_t grid_w)
{
    if (!c->in[input].rank)
        return (struct attention_bias_args) { 0 };
    return (struct attention_bias_args) { .prefix = c->in_rows[rows]->prefix, .grid_w = grid_w,
                                          .rows = c->in[input].dim[0] };
}

uint32_t nn_bias_spec(const nn_call *c, int input)
{
    return c->in[input].rank != 0;
}

double nn_bias_ref(const struct attention_bias_args *a, const double *table, size_t heads, uint32_t query, uint32_t key,
                    size_t h)
{
    if (!table)
        return 0;
    const bool is_query_before = query < a->prefix, is_key_before = key < a->prefix;
    if (is_query_before || is_key_before)
        return table[(a->rows - (is_query_before && is_key_before ? 1 : is_key_before ? 2 : 3)) * heads + h];
    const int64_t w = a->grid_w, wide = 2 * w - 1, tall = (a->rows - 3) / wide;
    const int64_t q = query - a->prefix, k = key - a->prefix;
    const int64_t row = (q / w - k / w + tall / 2) * wide + q % w - k % w + w - 1;
    return table[(size_t) row * heads + h];
}
