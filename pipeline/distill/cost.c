// cost.c — what a layer costs with each mixer: parameters, or the time of one block on this device.
//
// Times are measured once a run and kept in costs.json, so that a resumed run decides by the same figures.
#include "pipeline/distill/stages_impl.h"

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "pipeline/timing/block.h"
#include "pipeline/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BLOCKS  32u             // different layers
#define MIN_REPEATS 5u
#define MAX_REPEATS 25u
#define MAX_MS      1500.0          // a block, beyond MIN_REPEATS
#define MAX_FILE    ((size_t) 1 << 20)

typedef struct stopwatch {
    nn_layer_config    layer[MAX_BLOCKS];       // as it occurs anywhere
    pipeline_contender block[MAX_BLOCKS];
    uint32_t n;
} stopwatch;

static const nn_layer_config *get_layer(const distill_work *w, uint32_t l, uint32_t k)
{
    return k ? &w->r->mixer[k - 1].layer[l] : &w->teacher->cfg.layers[l];
}

static vkc_status add_layer(stopwatch *s, distill_work *w, const nn_layer_config *layer, uint32_t *out)
{
    pipeline_block *block = NULL;
    for (*out = 0; *out < s->n; ++*out)
        if (memcmp(&s->layer[*out], layer, sizeof *layer) == 0)
            return VKC_OK;
    if (s->n == MAX_BLOCKS)
        return VKC_FAIL(VKC_E_ARG, "%sobjective latency: more than %u different layers to time", pipeline_dash(w->c),
                        MAX_BLOCKS);
    vkc_status st = pipeline_block_create(w->c->dev, &(pipeline_block_params) {
        .layer = *layer, .batch = w->p->timing_batch, .seed = w->p->seed, .like = &w->teacher->cfg,
        .image = w->r->image }, &block);
    if (st != VKC_OK)
        return st;
    s->layer[s->n] = *layer;
    s->block[s->n] = (pipeline_contender) { .replay = pipeline_block_replay, .user = block,
                                            .note = s->layer[s->n].mixer };
    s->n++;
    return VKC_OK;
}

static vkc_status measure(distill_work *w, double *cost)
{
    const uint32_t depth = w->r->depth, width = 1 + w->r->n_mixers;
    vkc_status st = VKC_OK;
    uint32_t index[NN_MAX_DEPTH * (1 + DISTILL_MAX_CHOICES)];
    stopwatch *s = calloc(1, sizeof *s);
    if (!s)
        return VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    for (uint32_t i = 0; i < depth * width; i++)
        VKC_TRY(add_layer(s, w, get_layer(w, i / width, i % width), &index[i]));
    pipeline_race race = { .contender = s->block, .n = s->n, .shows_rounds = true,
                           .progress = { .what = "time blocks", .total = MAX_REPEATS, .left = -1.0 } };
    VKC_TRY(pipeline_race_run(w->c, &(pipeline_race *) { &race }, 1, &(pipeline_timing) {
        .warm_up = 1, .least = MIN_REPEATS, .most = MAX_REPEATS, .budget_ms = MAX_MS * s->n }));
    for (uint32_t i = 0; i < depth * width; i++)
        cost[i] = pipeline_median(&s->block[index[i]]);
done:
    for (uint32_t i = 0; i < s->n; i++)
        pipeline_block_destroy(s->block[i].user);
    free(s);
    return st;
}

static vkc_status save(const distill_work *w, const char *path, const double *cost)
{
    const uint32_t depth = w->r->depth, width = 1 + w->r->n_mixers;
    json_t *o = json_pack("{s:i, s:i, s:i, s:i, s:s, s:o}", "layers", (int) depth, "choices", (int) width, "image",
                          (int) w->r->image, "batch", (int) w->p->timing_batch, "device",
                          vkc_device_get_info(w->c->dev)->name, "ms", pipeline_numbers(cost, depth * width));
    vkc_status st = o ? nn_json_save(path, o) : VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    json_decref(o);
    return st;
}

static vkc_status load(const distill_work *w, const char *path, double *cost)
{
    const uint32_t n = w->r->depth * (1 + w->r->n_mixers);
    json_t *o = NULL, *list;
    vkc_status st;
    VKC_TRY(nn_json_load(path, MAX_FILE, &o));
    VKC_TRY(nn_json_get_array(path, o, "ms", n, n, &list));
    for (uint32_t i = 0; i < n && st == VKC_OK; i++) {
        cost[i] = json_number_value(json_array_get(list, i));
        if (!(cost[i] > 0.0))
            st = VKC_FAIL(VKC_E_FORMAT, "%s: an entry of ms is no time", path);
    }
done:
    json_decref(o);
    return st;
}

static vkc_status fill_times(distill_work *w, double *cost)
{
    char path[PIPELINE_PATH_MAX];
    vkc_status st = pipeline_run_path(&w->run, "costs.json", path);
    if (st != VKC_OK)
        return st;
    if (nn_is_file(path))           // a run that starts anew has none
        return load(w, path, cost);
    if (w->teacher->cfg.retention.policy != NN_POLICY_NONE)
        pipeline_say(w->c, PIPELINE_WARNING, "blocks are timed with all their tokens; the teacher drops some");
    st = measure(w, cost);
    return st == VKC_OK ? save(w, path, cost) : st;
}

vkc_status pipeline__cost_fill(distill_work *w, double *cost)
{
    const uint32_t depth = w->r->depth, width = 1 + w->r->n_mixers;
    if (w->r->objective == PIPELINE_LATENCY) {
        vkc_status st = fill_times(w, cost);
        if (st != VKC_OK)
            return st;
        memcpy(w->r->block_ms, cost, width * sizeof *cost);
        return pipeline__work_tell(w, PIPELINE_DISTILL_COST, 0);
    }
    for (uint32_t i = 0; i < depth * width; i++)    // mixer and projection are all that a replacement changes
        cost[i] = (double) nn_model_attn_params(i % width ? w->replaced[i % width - 1] : w->teacher, i / width);
    return VKC_OK;
}
