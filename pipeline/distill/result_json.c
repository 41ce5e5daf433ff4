// result_json.c — the result of a distillation as JSON, for scripts, run.json and pare report.
#include "pipeline/distill/stages_impl.h"

#include "nn/base/json.h"
#include "pipeline/base/json.h"

static json_t *build_step(const pipeline_distill_result *r, const distill_step *s)
{
    char text[PIPELINE_LAYER_TEXT];
    pipeline_layer_text(&r->mixer[s->choice - 1].layer[s->layer], text);
    return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "layer", (int) s->layer, "mixer", text, "top1",
                     pipeline_number(s->score.metric), "kl", pipeline_number(s->score.tie), "low",
                     pipeline_number(s->score.low), "high", pipeline_number(s->score.high), "cost",
                     r->objective == PIPELINE_ACCURACY ? json_null() : pipeline_number(s->cost));
}

static json_t *build_path(const pipeline_distill_result *r, const distill_search_result *s)
{
    json_t *path = json_array();
    for (uint32_t i = 0; i < s->n_steps; i++)
        nn_json_append_new(path, build_step(r, &s->step[i]));
    return path;
}

static json_t *build_baselines(const pipeline_distill_result *r)
{
    json_t *list = json_array();
    for (uint32_t k = 0; k < r->n_baselines; k++)
        nn_json_append_new(list, json_pack("{s:s, s:o}", "name", r->baseline[k].name, "path",
                                           build_path(r, r->baseline[k].path)));
    return list;
}

static json_t *build_path_test(const pipeline_distill_result *r)
{
    if (!r->has_path_test)
        return json_null();
    return pipeline_numbers(r->path_test, r->search.n_steps);
}

// Accuracy at a size of which it is known.
static json_t *build_top1(const pipeline_distill_result *r, uint32_t image, const nn_eval_result *own,
                          const nn_eval_result *at)
{
    if (at->images && image == r->image)
        return pipeline_number(at->top1);
    return image == r->time[0].image ? pipeline_number(own->top1) : json_null();
}

static json_t *build_timing(const pipeline_distill_result *r)
{
    json_t *timing = json_array();
    for (uint32_t i = 0; i < r->n_times; i++) {
        const pipeline_model_time *t = &r->time[i];
        if (t->tokens)
            nn_json_append_new(timing, json_pack(
             "{s:i, s:i, s:f, s:f, s:i, s:i, s:o, s:o}", "image", (int) t->image, "tokens", (int) t->tokens,
             "teacher_ms", t->ms[0], "student_ms", t->ms[1], "batch", (int) r->timing_batch, "repeats",
             (int) t->repeats, "teacher_top1", build_top1(r, t->image, &r->teacher, &r->teacher_at), "student_top1",
             build_top1(r, t->image, &r->student, &r->student_at)));
    }
    return timing;
}

static json_t *build_match(const pipeline_distill_result *r, const distill_match_result *m)
{
    if (!m->n_layers)
        return json_null();
    const bool is_kl = m->kind == DISTILL_MATCH_KL;
    return json_pack("{s:I, s:f, s:o, s:o, s:o}", "steps", (json_int_t) m->steps, "seconds", m->seconds, "loss",
                     pipeline_numbers(m->loss, r->depth), is_kl ? "kl_before" : "distance_before",
                     pipeline_numbers(m->before, r->depth), is_kl ? "kl_after" : "distance_after",
                     pipeline_numbers(m->after, r->depth));
}

static json_t *build_errors(const pipeline_distill_result *r, const pipeline_choice *m)
{
    return m->is_given ? json_null() : pipeline_numbers(m->transfer.error, r->depth);
}

static json_t *build_transfers(const pipeline_distill_result *r)
{
    json_t *list = json_array();
    for (uint32_t k = 0; k < r->n_mixers; k++) {
        const pipeline_choice *m = &r->mixer[k];
        if (!m->is_given)
            nn_json_append_new(list, json_pack(
             "{s:s, s:o, s:I, s:f, s:o}", "mixer", m->text, "error", build_errors(r, m), "steps",
             (json_int_t) m->transfer.steps, "seconds", m->transfer.seconds, "match",
             build_match(r, &m->transfer.match)));
    }
    return list;
}

static json_t *build_tunes(const pipeline_distill_result *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->n_tunes; i++)
        nn_json_append_new(list, pipeline_tuning_json(r->tune[i].what, &r->tune[i].settings, &r->tune[i].result,
                                                       r->depth));
    return list;
}

static json_t *build_texts(const pipeline_distill_result *r)
{
    json_t *list = json_array();
    for (uint32_t k = 0; k < r->n_mixers; k++)
        nn_json_append_new(list, json_string(r->mixer[k].text));
    return list;
}

static json_t *build_search(const pipeline_distill_result *r)
{
    const distill_search_result *s = &r->search;
    return json_pack("{s:s, s:f, s:o, s:o, s:f, s:b, s:o, s:o, s:o, s:i, s:s, s:i, s:i, s:o, s:o, s:o}", "objective",
                     pipeline_objective_name(r->objective), "max_drop", r->max_drop, "min_share",
                     r->min_share > 0.0 ? json_real(r->min_share) : json_null(), "val_top1",
                     pipeline_number(s->base.metric),
                     "confidence", r->confidence, "guarded", r->guarded, "base_cost",
                     r->objective == PIPELINE_ACCURACY ? json_null() : pipeline_number(s->base_cost), "path",
                     build_path(r, s), "refused",
                     s->refused.layer != UINT32_MAX ? build_step(r, &s->refused) : json_null(), "best", (int) s->n_best,
                     "student_is", r->is_best ? "best" : "most", "chosen", (int) r->n_chosen, "trials",
                     (int) s->n_trials, "baselines", build_baselines(r), "path_test", build_path_test(r), "replaced",
                     pipeline__students_replaced(r, &r->picked[pipeline_distill_asked(r)]));
}

static json_t *build_beats(const pipeline_distill_result *r)
{
    const pipeline_model_time *t = pipeline_distill_time(r);
    return t ? json_boolean(t->ms[1] < t->ms[0]) : json_null();
}

json_t *pipeline__work_json(const pipeline_distill_result *r, const vkc_device *dev)
{
    const vkc_device_info *i = vkc_device_get_info(dev);
    const pipeline_choice *first = &r->mixer[0];       // of a single mixer, as scripts know it
    const pipeline_picked *student = &r->picked[pipeline_distill_asked(r)];
    json_t *o = build_search(r);
    json_t *more = json_pack(
        "{s:o, s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:s}",
        "teacher_top1", pipeline_number(r->teacher.top1), "student_top1", pipeline_number(r->student.top1), "split",
        nn_split_name(r->split), "image", (int) r->image, "mixers", build_texts(r), "layers",
        pipeline__students_layers(r, student), "timing", build_timing(r), "transfer_error", build_errors(r, first),
        "transfer_steps", (json_int_t) first->transfer.steps, "match", build_match(r, &first->transfer.match),
        "transfer", build_transfers(r), "tune", build_tunes(r),
        "teacher_params", (json_int_t) r->teacher_params, "student_params", (json_int_t) r->student_params, "teacher",
        pipeline_eval_json(&r->teacher), "student", pipeline_eval_json(&r->student), "teacher_at",
        pipeline_eval_json(&r->teacher_at),
        "student_at", pipeline_eval_json(&r->student_at), "beats_teacher", build_beats(r), "device", i->name, "driver",
        i->driver);
    if (!o || !more || json_object_update(o, more) != 0 ||
        json_object_set_new(o, "costs", pipeline_costs_json(&r->costs)) != 0 ||
        json_object_set_new(o, "sparsity", pipeline_sparsity_json(&r->sparsity, dev)) != 0 ||
        json_object_set_new(o, "schedule", pipeline__schedule_json(r)) != 0 ||
        json_object_set_new(o, "students", pipeline__students_json(r)) != 0) {
        json_decref(o);
        o = NULL;
    }
    if (o)
        pipeline__baselines_add_json(r, o);
    json_decref(more);
    if (r->schedule && !r->limited)         // a null: nothing was allowed or refused
        nn_json_set_new(o, "max_drop", json_null());
    return o;
}
