// distance.c — losses between modules of the same layer, and the names of targets and distances.
#include "distill/transfer/distance.h"

#include "nn/base/names.h"

#include <math.h>
#include <string.h>

static const char *const target_names[] = { "output", "heads" };
static const char *const distance_names[] = { "mse", "cosine" };

const char *distill_target_name(distill_target t)
{
    return target_names[t];
}

vkc_status distill_target_get(const char *name, distill_target *out)
{
    uint32_t i;
    const vkc_status st = nn_name_get("target", name, target_names, DISTILL_N_TARGETS, &i);
    if (st == VKC_OK)
        *out = (distill_target) i;
    return st;
}

const char *distill_distance_name(distill_distance d)
{
    return distance_names[d];
}

vkc_status distill_distance_get(const char *name, distill_distance *out)
{
    uint32_t i;
    const vkc_status st = nn_name_get("distance", name, distance_names, DISTILL_N_DISTANCES, &i);
    if (st == VKC_OK)
        *out = (distill_distance) i;
    return st;
}

void distill_distances_start(distill_distances *d, distill_target target, distill_distance distance)
{
    *d = (distill_distances) { .target = target, .distance = distance };
}

nn_tensor *distill_distances_add(distill_distances *d, nn_graph *g, uint32_t l, nn_tensor *heads, nn_tensor *attn,
                                 const nn_model_taps *t)
{
    nn_tensor *got = d->target == DISTILL_TARGET_HEADS ? heads : attn;
    nn_tensor *want = d->target == DISTILL_TARGET_HEADS ? t->heads[l] : t->attn[l];
    nn_tensor *loss, *size = NULL;
    if (d->distance == DISTILL_COSINE) {
        loss = NN_APPLY0(g, cosine, NULL, got, want);
    } else {
        loss = NN_APPLY0(g, mse, NULL, got, want);
        if (want && (!d->zero || nn_tensor_rows(d->zero) != nn_tensor_rows(want)))      // tokens may be dropped
            d->zero = nn_graph_input(g, "zero", *nn_tensor_shape(want), NN_DTYPE_F32, nn_tensor_rows(want));
        size = NN_APPLY0(g, mse, NULL, want, d->zero);
    }
    d->layer[d->n] = l;
    d->size[d->n] = size;
    d->loss[d->n++] = loss;
    return loss;
}

uint32_t distill_distances_watch(const distill_distances *d, nn_tensor **watch)
{
    memcpy(watch, d->loss, d->n * sizeof *watch);
    if (d->distance == DISTILL_COSINE)
        return d->n;
    memcpy(watch + d->n, d->size, d->n * sizeof *watch);
    return 2 * d->n;
}

void distill_distances_get(const distill_distances *d, const double *watch, double *out)
{
    for (uint32_t l = 0; l < NN_MAX_DEPTH; l++)
        out[l] = (double) NAN;
    for (uint32_t i = 0; i < d->n && watch; i++) {
        const double size = d->distance == DISTILL_COSINE ? 1 : watch[d->n + i];
        out[d->layer[i]] = size > 0 ? watch[i] / size : watch[i];
    }
}
