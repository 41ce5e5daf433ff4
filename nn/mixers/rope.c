// rope.c — the table of rotary positions, and its place in a graph.
#include "nn/mixers/rope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "shaders/attention/rope/rope.h"

static const double two_pi = 6.283185307179586476925;

// What an angle is a multiple of: of patch i of the n along one side.
static double get_coordinate(const nn_rope *r, uint32_t i, uint32_t n, uint32_t ref)
{
    if (r->kind == NN_ROPE_DINOV3)
        return two_pi * (2 * (i + 0.5) / n - 1);
    return ref ? (double) i * ref / n : i;
}

void nn_rope_fill(const nn_rope *r, uint32_t head_dim, float *table)
{
    const uint32_t quarter = head_dim / 4;
    for (uint32_t y = 0; y < r->grid_h; y++)
        for (uint32_t x = 0; x < r->grid_w; x++) {
            float *row = table + ((size_t) y * r->grid_w + x) * head_dim;
            const double side[2] = { get_coordinate(r, y, r->grid_h, r->ref_h),
                                     get_coordinate(r, x, r->grid_w, r->ref_w) };
            for (uint32_t j = 0; j < 2 * quarter; j++) {
                const double angle = side[j / quarter] / pow(r->base, (double) (j % quarter) / quarter);
                row[j] = (float) cos(angle);
                row[2 * quarter + j] = (float) sin(angle);
            }
        }
}

static nn_tensor *get_table(nn_graph *g, const nn_rope *r, uint32_t head_dim)
{
    char name[128];
    snprintf(name, sizeof name, "rope %d %.17g %u x %u of %u x %u, %u", (int) r->kind, r->base, r->grid_h, r->grid_w,
             r->ref_h, r->ref_w, head_dim);
    nn_tensor *t = nn_graph_find_constant(g, name);
    if (t)
        return t;
    const uint32_t n = r->grid_h * r->grid_w;
    float *table = (float *) malloc(((size_t) n * head_dim + 1) * sizeof *table);
    if (!table)
        return nn_graph_fail(g, VKC_FAIL(VKC_E_NOMEM, "rope: out of host memory"));
    nn_rope_fill(r, head_dim, table);
    t = nn_graph_constant(g, name, (nn_shape) { 2, { n, head_dim } }, table);
    free(table);
    return t;
}

nn_tensor *nn_rope_apply(nn_graph *g, const nn_rope *r, uint32_t heads, nn_tensor *qkv)
{
    if (r->kind == NN_ROPE_NONE || !qkv)
        return qkv;
    const struct rope_attr attr = { .heads = heads, .interleaved = r->kind == NN_ROPE_EVA02 };
    return NN_APPLY(g, rope, &attr, NULL, qkv, get_table(g, r, nn_tensor_shape(qkv)->dim[1] / 3 / heads));
}
