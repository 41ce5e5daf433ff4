// json.c — figures as JSON.
#include "pipeline/base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"

json_t *pipeline_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *pipeline_numbers(const double *x, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        nn_json_append_new(list, pipeline_number(x[i]));
    return list;
}

json_t *pipeline_integers(const uint32_t *x, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        nn_json_append_new(list, json_integer((json_int_t) x[i]));
    return list;
}

json_t *pipeline_eval_json(const nn_eval_result *r)
{
    if (r->images == 0)
        return json_null();
    json_t *keep = r->n_keep ? nn_json_made(pipeline_numbers(r->keep_layer, r->n_keep)) : NULL;
    return json_pack("{s:o, s:o, s:o, s:i, s:i, s:o, s:o*, s:o*}", "top1", pipeline_number(r->top1), "top5",
                     pipeline_number(r->top5), "loss", pipeline_number(r->loss), "images", (int) r->images, "bad",
                     (int) r->bad, "images_per_s", pipeline_number(r->images_per_s), "keep",
                     keep ? nn_json_made(pipeline_number(r->keep)) : NULL, "keep_layer", keep);
}

typedef double (*figure)(const distill_sparsity *s, distill_keys k, uint32_t l, uint32_t h, distill_measure m);

static json_t *build_figures(const distill_sparsity *s, distill_keys k, figure get)
{
    json_t *layers = json_array();
    for (uint32_t l = 0; l < s->depth; l++) {
        json_t *heads = json_array();
        for (uint32_t h = 0; h < s->heads; h++) {
            json_t *head = json_array();
            for (int m = 0; m < DISTILL_N_MEASURES; m++)
                nn_json_append_new(head, pipeline_number(get(s, k, l, h, (distill_measure) m)));
            nn_json_append_new(heads, head);
        }
        nn_json_append_new(layers, heads);
    }
    return layers;
}

static json_t *build_agreement(const distill_sparsity *s, distill_keys k)
{
    double rho[DISTILL_N_MEASURES][DISTILL_N_MEASURES];
    if (distill_sparsity_agreement(s, k, rho) != VKC_OK)
        return NULL;
    json_t *rows = json_array();
    for (int a = 0; a < DISTILL_N_MEASURES; a++)
        nn_json_append_new(rows, pipeline_numbers(rho[a], DISTILL_N_MEASURES));
    return rows;
}

json_t *pipeline_sparsity_json(const distill_sparsity *s, const vkc_device *dev)
{
    const vkc_device_info *i = vkc_device_get_info(dev);
    json_t *measures = json_array(), *keys = json_object(), *agreement = json_object();
    for (int m = 0; m < DISTILL_N_MEASURES; m++)
        nn_json_append_new(measures, json_pack("{s:s, s:s}", "name", distill_measure_name((distill_measure) m),
                           "sparser", distill_measure_is_high((distill_measure) m) ? "high" : "low"));
    for (int k = 0; k < DISTILL_N_KEYS; k++) {
        const distill_keys set = (distill_keys) k;
        nn_json_set_new(keys, distill_keys_name(set),
                        json_pack("{s:o, s:o}", "mean", build_figures(s, set, distill_sparsity_get), "std",
                                  build_figures(s, set, distill_sparsity_std)));
        nn_json_set_new(agreement, distill_keys_name(set), build_agreement(s, set));
    }
    return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:s, s:s}", "images", (int) s->images, "depth", (int) s->depth,
                     "heads", (int) s->heads, "measures", measures, "keys", keys, "agreement", agreement, "device",
                     i->name, "driver", i->driver);
}

json_t *pipeline_list_json(const char *const *text, size_t n)
{
    json_t *joined = n ? json_string(text[0]) : NULL;
    for (size_t i = 1; i < n && joined; i++) {
        json_t *longer = json_sprintf("%s,%s", json_string_value(joined), text[i]);
        json_decref(joined);
        joined = longer;
    }
    return n ? nn_json_made(joined) : NULL;
}

json_t *pipeline_number_list_json(const double *x, size_t n)
{
    json_t *joined = NULL;
    for (size_t i = 0; i < n; i++) {
        char text[32] = "";
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, x[i]);
            if (!(strtod(text, NULL) < x[i]) && !(strtod(text, NULL) > x[i]))
                break;
        }
        json_t *longer = json_sprintf("%s%s%s", joined ? json_string_value(joined) : "", joined ? "," : "", text);
        json_decref(joined);
        joined = nn_json_made(longer);
    }
    return joined;
}
