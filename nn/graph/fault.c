// fault.c — fault injection: a wrong result planted on the device, for tests of the checks.
#include "nn/base/half.h"
#include "nn/graph/graph_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRONG 8.0f                  // no value of a tensor with a scale of 1
#define MOST 4u                     // values, from the first on: of rows that are live

static bool is_at(const nn_node *n, const char *place)
{
    char block[NN_MAX_SCOPE];
    snprintf(block, sizeof block, "blocks.%.16s.", place);
    return strcmp(n->scope, place) == 0 ||
           (place[strspn(place, "0123456789")] == '\0' && strncmp(n->scope, block, strlen(block)) == 0);
}

vkc_status nn__fault_find(const nn_graph *g, uint32_t *node)
{
    const char *text = getenv("PARE_FAULT"), *at = text ? strchr(text, '@') : NULL;
    char name[32];
    *node = NN_NO_NODE;
    if (!text || !*text)
        return VKC_OK;
    if (!at || at == text || at - text >= (ptrdiff_t) sizeof name || !at[1])
        return VKC_FAIL(VKC_E_ARG, "PARE_FAULT is \"%.60s\", want OP@PLACE, linear@blocks.1.mlp or linear@1", text);
    snprintf(name, sizeof name, "%.*s", (int) (at - text), text);
    const nn_op *op = nn_op_get(name);
    if (!op)
        return VKC_FAIL(VKC_E_ARG, "PARE_FAULT: there is no op %s", name);
    for (uint32_t i = 0; i < g->n_nodes && *node == NN_NO_NODE; i++)
        if (g->node[i].op == op && is_at(&g->node[i], at + 1))
            *node = i;
    return VKC_OK;
}

vkc_status nn__fault_record(const nn_graph *g, uint32_t node, vkc_recording *rec)
{
    const nn_node *n = &g->node[node];
    const nn_tensor *t = n->out[0];
    const nn_shape first = { 1, { (uint32_t) (nn_shape_len(&t->shape) < MOST ? nn_shape_len(&t->shape) : MOST) } };
    const float wrong = WRONG;
    uint32_t word = 0;              // whole numbers are flags and places, of which 0 is one
    vkc_slice s = t->value;
    if (t->dtype == NN_DTYPE_F32)
        memcpy(&word, &wrong, sizeof word);
    if (t->dtype == NN_DTYPE_F16)
        word = nn_half_from_float(wrong) * 0x10001u;
    s.size = nn_shape_bytes(&first, t->dtype);
    return vkc_record_fill(rec, s, word);
}
