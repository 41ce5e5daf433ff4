// tuning.c — settings and results of a training of a student.
#include "pipeline/train/tuning.h"

#include "pipeline/base/json.h"
#include "pipeline/base/judge.h"

// Of a weight that may not be given: the library's default, or none for 0.
static double weight(double x)
{
    return x < 0 ? 0 : pipeline_or_none(x);
}

void pipeline_tuning_fill(const pipeline_tuning *t, distill_tune_params *out)
{
    *out = (distill_tune_params) {
        .trained = t->trained, .target = t->target, .distance = t->distance, .similarity = weight(t->similarity),
        .ce = weight(t->ce), .kl = weight(t->kl), .temperature = t->temperature, .halting = weight(t->halting),
        .centre = t->centre, .epochs = t->epochs, .lr = t->lr > 0 ? t->lr : 0, .weight_decay = t->weight_decay,
        .clip = pipeline_or_none(t->clip), .recipe = pipeline_recipe_of(&t->recipe),
    };
}

vkc_status pipeline_tuning_check(const pipeline_context *c, const char *pre, const pipeline_tuning *t, uint32_t batch)
{
    distill_tune_params p;
    pipeline_tuning_fill(t, &p);
    p.batch = batch;
    return pipeline_recipe_check(c, pre, &t->recipe, distill_tune_lr(&p), batch);
}

json_t *pipeline_tuning_inputs(const pipeline_tuning *t)
{
    json_t *inputs = json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "train",
                               distill_trained_name(t->trained), "target", distill_target_name(t->target), "distance",
                               distill_distance_name(t->distance), "epochs", (int) t->epochs, "lr", t->lr,
                               "weight_decay", t->weight_decay, "clip", t->clip, "similarity", t->similarity, "ce",
                               t->ce, "kl", t->kl, "temperature", t->temperature, "halting", t->halting, "centre",
                               (int) t->centre);
    pipeline_recipe_add_inputs(inputs, &t->recipe);
    pipeline_judge_add_inputs(inputs, t->keep_last);
    return inputs;
}

json_t *pipeline_tuning_json(const char *what, const pipeline_tuning *t, const distill_tune_result *r, uint32_t depth)
{
    json_t *o = json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "what", what, "train",
                     distill_trained_name(t->trained), "steps", (json_int_t) r->steps, "seconds",
                     pipeline_number(r->seconds), "loss", pipeline_number(r->loss), "ce", pipeline_number(r->ce), "kl",
                     pipeline_number(r->kl), "halting", pipeline_number(r->halting), "teacher_keep",
                     pipeline_number(r->teacher_keep), "keep", pipeline_number(r->keep), "distance",
                     pipeline_numbers(r->distance, depth));
    pipeline_best_add(o, &r->best);
    return o;
}
