// schedule_check.c — which layers may be replaced, and by what schedule: read, and held against the teacher.
#include "pipeline/distill/stages_impl.h"

#include "nn/base/json.h"
#include "nn/base/names.h"

#include <stdlib.h>
#include <string.h>

static const char *const order_names[] = { "shallow", "deep", "sparse" };

const char *pipeline_schedule_order_name(pipeline_schedule_order o)
{
    return order_names[o];
}

vkc_status pipeline_schedule_order_get(const char *name, pipeline_schedule_order *out)
{
    uint32_t i;
    const vkc_status st = nn_name_get("order of layers called", name, order_names, PIPELINE_N_SCHEDULE_ORDERS, &i);
    if (st == VKC_OK)
        *out = (pipeline_schedule_order) i;
    return st;
}

vkc_status pipeline_schedule_read(const char *text, uint32_t *out)
{
    static const char sequential[] = "sequential:";
    const size_t len = sizeof sequential - 1;
    if (strcmp(text, "all") == 0) {
        *out = PIPELINE_SCHEDULE_ALL;
        return VKC_OK;
    }
    const char *digits = strncmp(text, sequential, len) == 0 ? text + len : "";
    const size_t n = strspn(digits, "0123456789");
    const unsigned long at_once = n && n <= 6 && !digits[n] ? strtoul(digits, NULL, 10) : 0;
    if (at_once == 0 || at_once > NN_MAX_DEPTH)
        return VKC_FAIL(VKC_E_ARG, "no schedule \"%.40s\"; want all, or sequential:K, K layers at a time, 1 to %d",
                        text, NN_MAX_DEPTH);
    *out = (uint32_t) at_once;
    return VKC_OK;
}

static vkc_status check_list(const pipeline_context *c, const pipeline_distill_params *p)
{
    bool seen[NN_MAX_DEPTH] = { false };
    const char *dash = pipeline_dash(c);
    if (p->layers && p->n_layers == 0)
        return VKC_FAIL(VKC_E_ARG, "%slayers: the list is empty; want numbers of layers, from 0 on", dash);
    if (p->n_layers > NN_MAX_DEPTH)
        return VKC_FAIL(VKC_E_ARG, "%slayers: %u numbers, a model has %d layers at most", dash, p->n_layers,
                        NN_MAX_DEPTH);
    for (uint32_t i = 0; i < p->n_layers; i++) {
        const uint32_t l = p->layers[i];
        if (l >= NN_MAX_DEPTH)
            return VKC_FAIL(VKC_E_ARG, "%slayers: there is no layer %u, a model has %d at most", dash, l, NN_MAX_DEPTH);
        if (seen[l])
            return VKC_FAIL(VKC_E_ARG, "%slayers: layer %u is there twice", dash, l);
        seen[l] = true;
    }
    return VKC_OK;
}

// Options that have no meaning without a search.
static const char *find_search_option(const pipeline_distill_params *p)
{
    return p->objective != PIPELINE_ACCURACY ? "objective"
         : p->confidence > 0.0               ? "confidence"
         : p->best                           ? "best"
         : p->baselines                      ? "baselines"
         : p->path_test                      ? "path-test"
         : p->whole_trials                   ? "whole-trials"
                                             : NULL;
}

vkc_status pipeline__schedule_check(const pipeline_context *c, const pipeline_distill_params *p)
{
    const char *dash = pipeline_dash(c), *option;
    vkc_status st = check_list(c, p);
    if (st != VKC_OK)
        return st;
    if (!p->schedule)
        return p->order == PIPELINE_SCHEDULE_SHALLOW
            ? VKC_OK : VKC_FAIL(VKC_E_ARG, "%sschedule-order %s: a search makes its own order; want %sschedule too",
                                dash, pipeline_schedule_order_name(p->order), dash);
    if ((option = find_search_option(p)) != NULL)
        return VKC_FAIL(VKC_E_ARG, "%sschedule and %s%s: a schedule does not search; want one of the two", dash, dash,
                        option);
    if (p->n_mixers + p->n_from != 1)
        return VKC_FAIL(VKC_E_ARG, "%sschedule: want one mixer, or one student, there are %u", dash,
                        p->n_mixers + p->n_from);
    return VKC_OK;
}

// Layer l was named. May anything be put in the place of what it has?
static vkc_status check_layer(const distill_work *w, uint32_t l)
{
    const nn_model_config *cfg = &w->teacher->cfg;
    const pipeline_distill_result *r = w->r;
    const char *dash = pipeline_dash(w->c);
    char text[PIPELINE_LAYER_TEXT];
    if (l >= cfg->depth)
        return VKC_FAIL(VKC_E_ARG, "%slayers: %s has no layer %u, it has %u, from 0 on", dash, w->p->teacher, l,
                        cfg->depth);
    if (nn_mixer_is_replaceable(&cfg->layers[l]))
        return VKC_OK;
    pipeline_layer_text(&cfg->layers[l], text);
    for (uint32_t k = 0; k < r->n_mixers; k++)
        if (strcmp(r->mixer[k].text, text) == 0)
            return VKC_FAIL(VKC_E_ARG, "%slayers: layer %u of %s is %s already", dash, l, w->p->teacher, text);
    return VKC_FAIL(VKC_E_ARG, "%slayers: layer %u of %s has no attention to be replaced, it is %s", dash, l,
                    w->p->teacher, text);
}

vkc_status pipeline__layers_check(const distill_work *w)
{
    const pipeline_distill_params *p = w->p;
    vkc_status st = VKC_OK;
    bool any = !p->schedule;
    for (uint32_t i = 0; i < p->n_layers && st == VKC_OK; i++)
        st = check_layer(w, p->layers[i]);
    for (uint32_t l = 0; l < w->teacher->cfg.depth; l++)
        any = any || nn_mixer_is_replaceable(&w->teacher->cfg.layers[l]);
    if (st == VKC_OK && !any)
        st = VKC_FAIL(VKC_E_ARG, "%sschedule: nothing to replace, no layer of %s has attention", pipeline_dash(w->c),
                      p->teacher);
    return st;
}

vkc_status pipeline__layers_limit(distill_work *w)
{
    const pipeline_distill_params *p = w->p;
    bool named[NN_MAX_DEPTH] = { false };
    for (uint32_t i = 0; i < p->n_layers; i++) {
        named[p->layers[i]] = true;
        if (w->fixed[p->layers[i]])
            return VKC_FAIL(VKC_E_ARG, "%slayers: the attention of layer %u of %s chooses tokens and has to stay",
                            pipeline_dash(w->c), p->layers[i], p->teacher);
    }
    for (uint32_t l = 0; l < w->r->depth && p->n_layers; l++)
        w->fixed[l] = !named[l];
    return VKC_OK;
}

bool pipeline__layers_has(const pipeline_distill_params *p, uint32_t l)
{
    for (uint32_t i = 0; i < p->n_layers; i++)
        if (p->layers[i] == l)
            return true;
    return p->n_layers == 0;
}

void pipeline__schedule_inputs(const pipeline_distill_params *p, json_t *inputs)
{
    json_t *list = p->n_layers ? json_array() : NULL;
    for (uint32_t l = 0; l < NN_MAX_DEPTH && list; l++)     // as it was written makes no difference
        if (pipeline__layers_has(p, l))
            nn_json_append_new(list, json_integer((json_int_t) l));
    if (p->n_layers)
        nn_json_set_new(inputs, "layers", list);
    if (!p->schedule)
        return;
    nn_json_set_new(inputs, "schedule", pipeline__schedule_name(p->schedule));
    nn_json_set_new(inputs, "schedule_order", json_string(pipeline_schedule_order_name(p->order)));
    if (!p->limited)
        nn_json_set_new(inputs, "max_drop", json_null());
}

json_t *pipeline__schedule_name(uint32_t schedule)
{
    return schedule == PIPELINE_SCHEDULE_ALL ? json_string("all") : json_sprintf("sequential:%u", schedule);
}
