// prune.c — trained with a group sparsity penalty, pruned, tuned, measured and written.
#include "pipeline/train/prune.h"

#include "nn/base/json.h"
#include "pipeline/base/json.h"
#include "pipeline/train/session_impl.h"

static json_t *build_timing(const pipeline_prune_params *p, const pipeline_prune_result *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < PIPELINE_SIZES; i++)
        if (r->time[i].tokens)
            nn_json_append_new(list, json_pack("{s:i, s:i, s:i, s:f, s:f, s:i}", "image", (int) r->time[i].image,
                                               "tokens", (int) r->time[i].tokens, "batch", (int) p->timing_batch,
                                               "before_ms", r->time[i].ms[0], "after_ms", r->time[i].ms[1],
                                               "repeats", (int) r->time[i].repeats));
    return list;
}

static json_t *build_result(const pipeline_session *s, const pipeline_prune_params *p, const pipeline_prune_result *r)
{
    const vkc_device_info *i = vkc_device_get_info(s->c->dev);
    json_t *layers = json_array(), *stages = json_array();
    for (uint32_t l = 0; l < r->depth; l++)
        if (r->layer[l].units)
            nn_json_append_new(layers, json_pack("{s:i, s:i, s:i, s:f, s:f}", "layer", (int) l, "units",
                                                 (int) r->layer[l].units, "kept", (int) r->layer[l].kept,
                                                 "least_norm", r->layer[l].least, "most_norm", r->layer[l].most));
    if (p->shrink_epochs)
        nn_json_append_new(stages, pipeline_tuning_json("shrink", &p->tune.tuning, &r->shrink, r->depth));
    if (!p->no_tune)
        nn_json_append_new(stages, pipeline_tuning_json("tune", &p->tune.tuning, &r->tune, r->depth));
    return json_pack("{s:o, s:o, s:o, s:s, s:I, s:I, s:o, s:f, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:s, s:s}",
                     "top1_before", pipeline_number(r->before.top1), "top1_pruned", pipeline_number(r->cut.top1),
                     "top1", pipeline_number(r->after.top1), "split", nn_split_name(r->split), "params_before",
                     (json_int_t) r->params_before, "params", (json_int_t) r->params, "layers", layers, "decay",
                     p->decay, "threshold", p->how.threshold, "keep", p->how.keep, "tune", stages, "before",
                     pipeline_eval_json(&r->before), "pruned", pipeline_eval_json(&r->cut), "after",
                     pipeline_eval_json(&r->after), "timing", build_timing(p, r), "device", i->name, "driver",
                     i->driver);
}

// Train towards few units, cut, train what is left; accuracy at every step.
static vkc_status prune(pipeline_session *s, const pipeline_prune_params *p, pipeline_prune_result *r, nn_model **cut)
{
    const pipeline_data *d = &s->data;
    vkc_status st;
    r->depth = s->student->cfg.depth;
    r->split = pipeline_final_split(d->set);
    r->params_before = nn_params_count(s->student->params);
    VKC_TRY(pipeline_measure(s->c, s->student, d, r->split, &r->before));
    if (p->shrink_epochs) {
        distill_tune_params t = s->train;
        t.what = "shrink";
        t.epochs = p->shrink_epochs;
        t.units = p->decay;
        VKC_TRY(distill_tune(s->teacher, s->student, &t, &r->shrink));
    }
    VKC_TRY(distill_prune_count(s->student, &p->how, r->layer));
    VKC_TRY(distill_prune(s->student, r->layer, cut));
    r->params = nn_params_count((*cut)->params);
    VKC_TRY(pipeline_measure(s->c, *cut, d, r->split, &r->cut));
    r->after = r->cut;
    if (!p->no_tune) {
        VKC_TRY(pipeline__session_train(s, *cut, &r->tune));
        VKC_TRY(pipeline_measure(s->c, *cut, d, r->split, &r->after));
    }
    if (!p->no_timing) {
        const nn_model_config *cfg[PIPELINE_MODELS] = { &s->student->cfg, &(*cut)->cfg };
        uint32_t image[PIPELINE_SIZES + 1];
        const uint32_t n = pipeline_model_sizes(&s->student->cfg, 0, image);
        VKC_TRY(pipeline_time_models(s->c, cfg, 2, p->timing_batch, p->tune.seed, image, n, r->time));
    }
done:
    return st;
}

// Before anything long: is there anything to cut, and can it be trained?
static vkc_status check(const pipeline_session *s, const void *user)
{
    const pipeline_prune_params *p = user;
    distill_prune_layer layer[NN_MAX_DEPTH];
    vkc_status st = distill_prune_count(s->student, &p->how, layer);
    return st == VKC_OK ? distill_tune_check(s->teacher, s->student, &s->train) : st;
}

vkc_status pipeline_prune(const pipeline_context *c, const pipeline_prune_params *p, pipeline_prune_result *out)
{
    pipeline_session s;
    nn_model *cut = NULL;
    json_t *inputs = json_pack("{s:f, s:f, s:f, s:i, s:i, s:b}", "decay", p->decay, "threshold", p->how.threshold,
                               "keep", p->how.keep, "shrink_epochs", (int) p->shrink_epochs, "multiple",
                               (int) p->how.multiple, "no_tune", (int) p->no_tune);
    vkc_status st;
    *out = (pipeline_prune_result) { .json = NULL };
    VKC_TRY(pipeline__session_open(&s, c, &p->tune, inputs, check, p));
    VKC_TRY(prune(&s, p, out, &cut));
    out->json = build_result(&s, p, out);
    const bool is_test = out->split == NN_SPLIT_TEST;
    st = pipeline__session_save(&s, cut, out->json, &out->tune, out->shrink.seconds + out->tune.seconds,
                               is_test ? NULL : &out->after, is_test ? &out->after : NULL);
done:
    nn_model_destroy(cut);
    return pipeline__session_close(&s, st);
}

void pipeline_prune_finish(pipeline_prune_result *r)
{
    json_decref(r->json);
    r->json = NULL;
}
