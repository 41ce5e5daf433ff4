// distill_cost.c — what a layer costs with each mixer: parameters, or the time of one block on this device.
//
// Times are measured once a run and kept in costs.json, so that a resumed run decides by the same figures.
#include "apps/cli/distill/distill_stages.h"

#include "apps/cli/bench/bench_block.h"
#include "apps/cli/bench/bench_time.h"
#include "nn/base/files.h"
#include "nn/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BLOCKS  32u             // different layers
#define MIN_REPEATS 5u
#define MAX_REPEATS 25u
#define MAX_MS      1500.0          // a block, beyond MIN_REPEATS
#define MAX_FILE    ((size_t) 1 << 20)

typedef struct timed {              // a layer as it occurs anywhere, and its block
    nn_layer_config layer;
    bench_block    *block;
    double          ms[MAX_REPEATS], median;
} timed;

typedef struct stopwatch {
    timed    item[MAX_BLOCKS];
    uint32_t n;
} stopwatch;

static const nn_layer_config *get_layer(const distill_work *w, uint32_t l, uint32_t k)
{
    return k ? &w->report.mixer[k - 1].layer[l] : &w->teacher->cfg.layers[l];
}

static vkc_status add_layer(stopwatch *s, distill_work *w, const nn_layer_config *layer, uint32_t *out)
{
    const nn_model_config *c = &w->teacher->cfg;
    const uint32_t side = w->report.image / c->patch;
    for (*out = 0; *out < s->n; ++*out)
        if (memcmp(&s->item[*out].layer, layer, sizeof *layer) == 0)
            return VKC_OK;
    if (s->n == MAX_BLOCKS)
        return VKC_FAIL(VKC_E_ARG, "--objective latency: more than %u different layers to time", MAX_BLOCKS);
    timed *t = &s->item[s->n++];
    t->layer = *layer;
    return bench_block_create(w->dev, &(bench_block_params) {
        .layer = *layer, .dim = c->dim, .heads = c->heads, .batch = w->a->timing_batch, .tokens = side * side + 1,
        .seed = w->a->common.seed, .has_class = true }, &t->block);
}

// All blocks in turn; round -1 is not counted.
static vkc_status play(stopwatch *s)
{
    double spent = 0.0;
    uint32_t n = 0;
    for (int round = -1; round < (int) MAX_REPEATS && (n < MIN_REPEATS || spent < MAX_MS * s->n); round++) {
        for (uint32_t i = 0; i < s->n; i++) {
            double ms = 0.0;
            const nn_progress p = { .what = "time blocks", .done = n, .total = MAX_REPEATS, .left = -1.0,
                                    .note = s->item[i].layer.mixer };
            vkc_status st = bench_block_replay(s->item[i].block, &ms);
            if (st == VKC_OK && !console_progress(NULL, &p))
                st = VKC_FAIL(VKC_E_STOPPED, "stopped while timing blocks");
            if (st != VKC_OK)
                return st;
            if (round >= 0)
                s->item[i].ms[round] = ms;
            spent += round >= 0 ? ms : 0.0;
        }
        n += round >= 0;
    }
    for (uint32_t i = 0; i < s->n; i++)
        s->item[i].median = bench_median(s->item[i].ms, n);
    return VKC_OK;
}

static vkc_status measure(distill_work *w, double *cost)
{
    const uint32_t depth = w->report.depth, width = 1 + w->report.n_mixers;
    vkc_status st = VKC_OK;
    uint32_t index[NN_MAX_DEPTH * (1 + DISTILL_MAX_CHOICES)];
    stopwatch *s = calloc(1, sizeof *s);
    if (!s)
        return VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    for (uint32_t i = 0; i < depth * width; i++)
        VKC_TRY(add_layer(s, w, get_layer(w, i / width, i % width), &index[i]));
    VKC_TRY(play(s));
    for (uint32_t i = 0; i < depth * width; i++)
        cost[i] = s->item[index[i]].median;
done:
    for (uint32_t i = 0; i < s->n; i++)
        bench_block_destroy(s->item[i].block);
    free(s);
    return st;
}

static vkc_status save(const distill_work *w, const char *path, const double *cost)
{
    const uint32_t depth = w->report.depth, width = 1 + w->report.n_mixers;
    json_t *list = json_array();
    for (uint32_t i = 0; i < depth * width; i++)
        json_array_append_new(list, app_number(cost[i]));
    json_t *o = json_pack("{s:i, s:i, s:i, s:i, s:s, s:o}", "layers", (int) depth, "choices", (int) width, "image",
                          (int) w->report.image, "batch", (int) w->a->timing_batch, "device",
                          vkc_device_get_info(w->dev)->name, "ms", list);
    vkc_status st = o ? nn_json_save(path, o) : VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    json_decref(o);
    return st;
}

static vkc_status load(const distill_work *w, const char *path, double *cost)
{
    const uint32_t n = w->report.depth * (1 + w->report.n_mixers);
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

// Parameters of the mixer and projection of a layer, which is all that a replacement changes.
static double count_params(const nn_model *v, uint32_t l)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < v->params->n; i++) {
        unsigned at;
        int end = 0;
        if (sscanf(v->params->p[i].name, "blocks.%u.attn.%n", &at, &end) == 1 && end > 0 && at == l)
            sum += (double) nn_shape_len(&v->params->p[i].shape);
    }
    return sum;
}

static vkc_status fill_times(distill_work *w, double *cost)
{
    char path[RUN_PATH_MAX];
    vkc_status st = run_path(&w->run, "costs.json", path);
    if (st != VKC_OK)
        return st;
    if (nn_is_file(path))           // a run that starts anew has none
        return load(w, path, cost);
    if (w->teacher->cfg.retention.policy != NN_POLICY_NONE)
        warn("blocks are timed with all their tokens; the teacher lets go of some");
    st = measure(w, cost);
    return st == VKC_OK ? save(w, path, cost) : st;
}

vkc_status cost_fill(distill_work *w, double *cost)
{
    const uint32_t depth = w->report.depth, width = 1 + w->report.n_mixers;
    if (w->report.objective == OBJECTIVE_LATENCY) {
        vkc_status st = fill_times(w, cost);
        for (uint32_t k = 0; k < width && st == VKC_OK && !w->a->common.json; k++)
            printf("%s%s %.3f ms", k ? ", " : "one block, a batch: ", k ? w->report.mixer[k - 1].text : "the teacher's",
                   cost[k]);
        if (st == VKC_OK && !w->a->common.json)
            printf("; pictures of %u x %u, batch of %u\n\n", w->report.image, w->report.image, w->a->timing_batch);
        return st;
    }
    for (uint32_t i = 0; i < depth * width; i++)
        cost[i] = count_params(i % width ? w->replaced[i % width - 1] : w->teacher, i / width);
    return VKC_OK;
}
