// finite.c — counters beside a graph's calls for values that are NaN or infinite.
#include "nn/graph/finite.h"

#include "nn/graph/graph_impl.h"
#include "shaders/engine/finite.h"
#include "spv/shaders.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXEL 16u                   // bytes of a vec4 or uvec4, as which the kernels read
#define VALUES_EACH 8u              // vec4 an invocation looks at, until there are MAX_GROUPS
#define WG 64u
#define MAX_GROUPS 256u

void nn_finite_watch(nn_graph *g, const nn_tensor *t, const char *format, ...)
{
    if (!t || g->status != VKC_OK)
        return;
    nn_watched *grown = (nn_watched *) realloc(g->watched, (g->n_watched + 1) * sizeof *grown);
    if (!grown) {
        nn_graph_fail(g, VKC_FAIL(VKC_E_NOMEM, "graph: out of host memory"));
        return;
    }
    g->watched = grown;
    nn_watched *w = &grown[g->n_watched++];
    *w = (nn_watched) { .t = t->root };
    va_list list;
    va_start(list, format);
    vsnprintf(w->what, sizeof w->what, format, list);
    va_end(list);
}

static size_t counter_size(const nn_graph *g)
{
    return vkc_align(g->dev, sizeof(uint32_t));
}

size_t nn_finite_size(const nn_graph *g)
{
    return g->n_watched * counter_size(g);
}

vkc_status nn__finite_start(nn_graph *g, vkc_recording *rec)
{
    if (g->n_watched == 0)
        return VKC_OK;
    vkc_status st = vkc_buffer_create(g->dev, VKC_MEM_DEVICE, nn_finite_size(g), "counters", &g->counters);
    return st == VKC_OK ? vkc_record_fill(rec, vkc_slice_of(g->counters), 0) : st;
}

// One tensor, in pieces that a samplerBuffer can show, halves too. The last 16 bytes may reach past it, into the
// rest of its aligned memory: the kernels leave that out.
static vkc_status record_one(nn_graph *g, const nn_tensor *t, vkc_slice counter, vkc_recording *rec)
{
    const vkc_kernel *kernel = NULL;
    const size_t each = nn_dtype_size(t->dtype);
    const bool is_half = t->dtype == NN_DTYPE_F16;
    vkc_kernel_params p = { .shader = is_half ? &vkc_shader_finite_f16 : &vkc_shader_finite, .wg = WG,
                            .args_size = sizeof(struct finite_args) };
    vkc_status st = vkc_kernel_get(g->dev, &p, &kernel);
    const uint64_t most = (uint64_t) vkc_device_get_info(g->dev)->max_texels / 64 * 64 * TEXEL;
    uint32_t cols = 1;
    for (uint32_t k = 1; k < t->shape.rank; k++)
        cols *= t->shape.dim[k];
    size_t size = (t->value.size + TEXEL - 1) / TEXEL * TEXEL;
    for (size_t at = 0; at < size && st == VKC_OK; at += most) {
        size_t part = size - at < most ? size - at : (size_t) most;
        uint32_t groups = (uint32_t) (part / TEXEL / (WG * VALUES_EACH)) + 1;
        struct finite_args a = {
            .rows = t->rows ? 0 : t->shape.dim[0], .cols = cols, .first = (uint32_t) (at / each),
            .len = (uint32_t) (part / each),
        };
        st = vkc_record_dispatch(rec, &(vkc_dispatch) {
            .kernel = kernel, .args = &a, .groups = { groups < MAX_GROUPS ? groups : MAX_GROUPS },
            .bind = { t->rows ? t->rows->words : vkc_slice_of(g->run.zero),
                      { t->value.buf, t->value.offset + at, part }, counter } });
    }
    return st;
}

vkc_status nn__finite_record_node(nn_graph *g, uint32_t node, vkc_recording *rec)
{
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < g->n_watched && st == VKC_OK; i++)
        if (g->watched[i].t->node == node)
            st = record_one(g, g->watched[i].t,
                            (vkc_slice) { g->counters, i * counter_size(g), sizeof(uint32_t) }, rec);
    return st;
}

void nn__finite_finish(nn_graph *g)
{
    vkc_buffer_destroy(g->counters);
    free(g->watched);
}

vkc_status nn_finite_record(nn_graph *g, vkc_recording *rec, vkc_slice dst)
{
    return g->n_watched ? vkc_record_copy(rec, dst, (vkc_slice) { g->counters, 0, nn_finite_size(g) }) : VKC_OK;
}

vkc_status nn_finite_check(const nn_graph *g, const void *counters, const char *when)
{
    for (uint32_t i = 0; i < g->n_watched; i++) {
        uint32_t n;
        memcpy(&n, (const char *) counters + i * counter_size(g), sizeof n);
        if (n > 0)
            return VKC_FAIL(VKC_E_CHECK, "%s has %u value%s that %s not finite %s", g->watched[i].what, n,
                            n == 1 ? "" : "s", n == 1 ? "is" : "are", when);
    }
    return VKC_OK;
}
