// costs.c — parameters and multiply-adds counted, modules and whole models timed against each other.
#include "pipeline/timing/costs.h"

#include "nn/base/json.h"
#include "pipeline/base/json.h"
#include "pipeline/timing/block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH       4u
#define MIN_REPEATS 5u
#define MAX_REPEATS 25u
#define MAX_MS      500.0           // a module, beyond MIN_REPEATS

// ---- one direction

static const char both[] = "direction=both", one_way[] = "direction=forward";

static bool goes_both_ways(const nn_layer_config *l)
{
    char value[16];
    return nn_layer_config_get(l, "direction", value, sizeof value) && strcmp(value, "both") == 0;
}

// The same layer in one direction; false when its options would become too long.
static bool turn(nn_layer_config *l)
{
    const char *at = strstr(l->options, both);
    nn_layer_config made = *l;
    const int n = snprintf(made.options, sizeof made.options, "%.*s%s%s", (int) (at - l->options), l->options, one_way,
                           at + strlen(both));
    if (n < 0 || (size_t) n >= sizeof made.options || nn_mixer_check(&made, NULL, NULL) != VKC_OK)
        return false;
    *l = made;
    return true;
}

vkc_status pipeline_costs_configs(const nn_model_config *teacher, const nn_model_config *student,
                                  nn_model_config *forward, const nn_model_config *cfg[PIPELINE_MODELS], uint32_t *n)
{
    bool any = false;
    *forward = (nn_model_config) { 0 };
    *n = 0;
    if (teacher)
        cfg[(*n)++] = teacher;
    cfg[(*n)++] = student;
    for (uint32_t l = 0; l < student->depth; l++)
        any = any || goes_both_ways(&student->layers[l]);
    vkc_status st = any ? nn_model_config_copy(student, forward) : VKC_OK;
    if (!any || st != VKC_OK)
        return st;
    for (uint32_t l = 0; l < forward->depth && any; l++)
        if (goes_both_ways(&forward->layers[l]))
            any = turn(&forward->layers[l]);
    if (any)
        cfg[(*n)++] = forward;
    else {
        nn_model_config_finish(forward);
        *forward = (nn_model_config) { 0 };
    }
    return VKC_OK;
}

// ---- counts

static void count(const nn_model *m, pipeline_model_cost *out)
{
    const nn_model_config *c = &m->cfg;
    *out = (pipeline_model_cost) { .is_there = true, .depth = c->depth, .params = nn_params_count(m->params),
                                   .macs = nn_model_macs(m, c->depth), .ms = (double) NAN };
    for (uint32_t l = 0; l < c->depth; l++) {
        out->layer[l] = (pipeline_layer_cost) { .params = nn_model_attn_params(m, l), .macs = nn_model_attn_macs(m, l),
                                                .ms = (double) NAN, .is_both = goes_both_ways(&c->layers[l]) };
        memcpy(out->layer[l].mixer, c->layers[l].mixer, sizeof out->layer[l].mixer);
    }
}

// Of a config alone: parameters have no values to be counted.
static vkc_status count_config(vkc_device *dev, const nn_model_config *c, pipeline_model_cost *out)
{
    nn_model *m = NULL;
    const vkc_status st = nn_model_create(dev, c, false, &m);
    if (st == VKC_OK)
        count(m, out);
    nn_model_destroy(m);
    return st;
}

// ---- times

typedef struct module {
    const nn_model_config *cfg;
    uint32_t layer, model;          // the first layer that is like it, and of which model
} module;

typedef struct modules {            // different ones, each timed once
    pipeline_contender block[PIPELINE_COSTS * NN_MAX_DEPTH];
    module  what[PIPELINE_COSTS * NN_MAX_DEPTH];
    uint32_t n;
    uint32_t index[PIPELINE_COSTS][NN_MAX_DEPTH];
} modules;

static bool is_same(const module *m, const nn_model_config *c, uint32_t l)
{
    return memcmp(&m->cfg->layers[m->layer], &c->layers[l], sizeof c->layers[l]) == 0 && m->cfg->dim == c->dim &&
           m->cfg->heads == c->heads && nn_model_config_tokens(m->cfg) == nn_model_config_tokens(c) &&
           nn_model_config_prefix(m->cfg) == nn_model_config_prefix(c) &&
           memcmp(&m->cfg->rope, &c->rope, sizeof c->rope) == 0;
}

static vkc_status add_module(modules *s, const pipeline_context *ctx, const pipeline_costs_params *p, uint32_t batch,
                             const nn_model_config *c, uint32_t model, uint32_t l)
{
    pipeline_block *block = NULL;
    uint32_t k = 0;
    while (k < s->n && !is_same(&s->what[k], c, l))
        k++;
    s->index[model][l] = k;
    if (k < s->n)
        return VKC_OK;
    const vkc_status st = pipeline_block_create(ctx->dev, &(pipeline_block_params) {
        .layer = c->layers[l], .batch = batch, .seed = p->seed, .like = c, .image = c->height, .is_module = true },
        &block);
    if (st != VKC_OK)
        return st;
    s->what[s->n] = (module) { c, l, model };
    s->block[s->n++] = (pipeline_contender) { .replay = pipeline_block_replay, .user = block,
                                              .note = c->layers[l].mixer };
    return VKC_OK;
}

static vkc_status time_modules(const pipeline_context *ctx, const pipeline_costs_params *p,
                               const nn_model_config *const cfg[PIPELINE_COSTS], pipeline_costs *out)
{
    vkc_status st = VKC_OK;
    modules *s = (modules *) calloc(1, sizeof *s);
    if (!s)
        return VKC_FAIL(VKC_E_NOMEM, "timing: out of host memory");
    for (uint32_t m = 0; m < PIPELINE_COSTS; m++)
        for (uint32_t l = 0; cfg[m] && l < cfg[m]->depth; l++)
            VKC_TRY(add_module(s, ctx, p, out->batch, cfg[m], m, l));
    pipeline_race race = { .contender = s->block, .n = s->n, .shows_rounds = true,
                           .progress = { .what = "time modules", .total = MAX_REPEATS, .left = -1.0 } };
    VKC_TRY(pipeline_race_run(ctx, &(pipeline_race *) { &race }, 1, &(pipeline_timing) {
        .warm_up = 1, .least = MIN_REPEATS, .most = MAX_REPEATS, .budget_ms = MAX_MS * s->n }));
    for (uint32_t m = 0; m < PIPELINE_COSTS; m++)
        for (uint32_t l = 0; cfg[m] && l < cfg[m]->depth; l++)
            out->of[m].layer[l].ms = pipeline_median(&s->block[s->index[m][l]]);
done:
    for (uint32_t i = 0; i < s->n; i++)
        pipeline_block_destroy(s->block[i].user);
    free(s);
    return st;
}

// Whole models: `known`, or timed now.
static vkc_status time_models(const pipeline_context *ctx, const pipeline_costs_params *p,
                              const nn_model_config *const *cfg, uint32_t n, pipeline_costs *out)
{
    pipeline_model_time time = { .tokens = 0 };
    vkc_status st = VKC_OK;
    if (p->known)
        time = *p->known;
    else
        st = pipeline_time_models(ctx, cfg, n, out->batch, p->seed, &out->image, 1, &time);
    for (uint32_t m = 0, k = 0; m < PIPELINE_COSTS && st == VKC_OK && time.tokens; m++)
        if (out->of[m].is_there && k < n)
            out->of[m].ms = time.ms[k++];
    return st;
}

vkc_status pipeline_costs_measure(const pipeline_context *ctx, const pipeline_costs_params *p, pipeline_costs *out)
{
    const nn_model_config *teacher = p->teacher ? &p->teacher->cfg : NULL, *c = &p->student->cfg;
    const nn_model_config *cfg[PIPELINE_MODELS], *by_place[PIPELINE_COSTS] = { teacher, c, NULL };
    nn_model_config forward;
    uint32_t n;
    vkc_status st;
    *out = (pipeline_costs) { .image = c->height, .tokens = nn_model_config_tokens(c),
                              .batch = p->batch ? p->batch : BATCH };
    VKC_TRY(pipeline_costs_configs(teacher, c, &forward, cfg, &n));
    if (p->teacher)
        count(p->teacher, &out->of[PIPELINE_TEACHER]);
    count(p->student, &out->of[PIPELINE_STUDENT]);
    if (cfg[n - 1] == &forward) {
        st = count_config(ctx->dev, &forward, &out->of[PIPELINE_FORWARD]);
        if (st == VKC_E_DEVMEM) {       // a third model beside the two: no reason to end a run that is done
            pipeline_say_failure(ctx);
            n--;
            st = VKC_OK;
        }
        if (st != VKC_OK)
            goto done;
        by_place[PIPELINE_FORWARD] = out->of[PIPELINE_FORWARD].is_there ? &forward : NULL;
    }
    if (!p->no_timing && c->height != c->width)
        pipeline_say(ctx, PIPELINE_WARNING, "models of pictures that are not square are not timed");
    if (p->no_timing || c->height != c->width)
        goto done;
    VKC_TRY(time_models(ctx, p, cfg, n, out));
    st = time_modules(ctx, p, by_place, out);
    out->is_timed = st == VKC_OK;
    if (st == VKC_E_DEVMEM || st == VKC_E_UNSUPPORTED) {
        pipeline_say_failure(ctx);
        pipeline_say(ctx, PIPELINE_WARNING, "modules are not timed");
        st = VKC_OK;
    }
done:
    nn_model_config_finish(&forward);
    return st;
}

// ---- JSON

static json_t *build_model(const pipeline_model_cost *m)
{
    json_t *layers = json_array();
    if (!m->is_there) {
        json_decref(layers);
        return json_null();
    }
    for (uint32_t l = 0; l < m->depth; l++) {
        const pipeline_layer_cost *k = &m->layer[l];
        nn_json_append_new(layers, json_pack("{s:s, s:I, s:I, s:o}", "mixer", k->mixer, "params",
                                             (json_int_t) k->params, "macs", (json_int_t) k->macs, "ms",
                                             pipeline_number(k->ms)));
    }
    return json_pack("{s:I, s:I, s:o, s:o}", "params", (json_int_t) m->params, "macs", (json_int_t) m->macs, "ms",
                     pipeline_number(m->ms), "layers", layers);
}

json_t *pipeline_costs_json(const pipeline_costs *c)
{
    return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o}", "image", (int) c->image, "tokens", (int) c->tokens, "batch",
                     (int) c->batch, "teacher", build_model(&c->of[PIPELINE_TEACHER]), "student",
                     build_model(&c->of[PIPELINE_STUDENT]), "student_forward",
                     build_model(&c->of[PIPELINE_FORWARD]));
}
