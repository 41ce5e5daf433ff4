// picks_json.c — both students of a search, other orders and impact scores as JSON.
#include "pipeline/distill/stages_impl.h"

#include "nn/base/json.h"
#include "pipeline/base/json.h"

#include <math.h>

json_t *pipeline__students_layers(const pipeline_distill_result *r, const pipeline_picked *m)
{
    json_t *list = json_array();
    for (uint32_t l = 0; l < r->depth; l++) {
        char text[PIPELINE_LAYER_TEXT];
        pipeline_layer_text(&m->layer[l], text);
        nn_json_append_new(list, json_string(text));
    }
    return list;
}

json_t *pipeline__students_replaced(const pipeline_distill_result *r, const pipeline_picked *m)
{
    json_t *list = json_array();
    for (uint32_t l = 0; l < r->depth; l++)
        if (m->choice[l])
            nn_json_append_new(list, json_integer((json_int_t) l));
    return list;
}

json_t *pipeline__students_json(const pipeline_distill_result *r)
{
    json_t *list = json_array();
    for (int k = 0; k < PIPELINE_N_PICKS && !r->schedule; k++) {
        const pipeline_picked *m = &r->picked[k];
        nn_json_append_new(list, json_pack(
            "{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:I, s:b, s:b}", "is", pipeline_pick_name((pipeline_pick) k), "chosen",
            (int) m->n, "replaced", pipeline__students_replaced(r, m), "layers", pipeline__students_layers(r, m),
            "val_top1", pipeline_number(m->val_top1), "top1", pipeline_number(m->eval.top1), "eval",
            pipeline_eval_json(&m->eval), "params", (json_int_t) m->params, "asked",
            k == (int) pipeline_distill_asked(r), "written", m->is_written));
    }
    return list;
}

static json_t *build_impact(const pipeline_distill_result *r)
{
    json_t *list = json_array();
    for (uint32_t l = 0; l < r->depth; l++)
        for (uint32_t k = 0; k < r->n_mixers; k++) {
            const distill_impact_score *s = &r->impact->layer[l][k];
            char text[PIPELINE_LAYER_TEXT];
            if (isnan(s->full))
                continue;
            pipeline_layer_text(&r->mixer[k].layer[l], text);
            nn_json_append_new(list, json_pack("{s:i, s:s, s:f, s:f, s:f, s:o}", "layer", (int) l, "mixer", text,
                                               "full", s->full, "linear", s->linear, "cross", s->cross, "impact",
                                               pipeline_number(s->impact)));
        }
    return json_pack("{s:i, s:i, s:o}", "train_images", (int) r->impact->n_train, "images", (int) r->impact->n_test,
                     "scores", list);
}

void pipeline__baselines_add_json(const pipeline_distill_result *r, json_t *o)
{
    json_t *list = json_object_get(o, "baselines");
    nn_json_set_new(o, "most_trials", json_integer((json_int_t) pipeline_distill_most_trials(r)));
    nn_json_set_new(o, "impact", r->impact ? build_impact(r) : json_null());
    for (uint32_t i = 0; i < r->n_baselines; i++)
        nn_json_update_new(json_array_get(list, i), json_pack(
            "{s:i, s:{s:o, s:o}}", "trials", (int) r->baseline[i].n_trials, "top1", pipeline_pick_name(PIPELINE_MOST),
            pipeline_number(r->baseline[i].top1[PIPELINE_MOST]), pipeline_pick_name(PIPELINE_BEST),
            pipeline_number(r->baseline[i].top1[PIPELINE_BEST])));
}
