// distill_report_json.c — what a distillation found, for scripts, run.json and pare report.
#include "apps/cli/distill/distill_report.h"

#include <stdio.h>
#include <string.h>

static json_t *build_step(const distill_report *r, const distill_step *s)
{
    char text[REPORT_TEXT];
    report_layer_text(&r->mixer[s->choice - 1].layer[s->layer], text);
    return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "layer", (int) s->layer, "mixer", text, "top1",
                     app_number(s->score.metric), "kl", app_number(s->score.tie), "low", app_number(s->score.low),
                     "high", app_number(s->score.high), "cost",
                     r->objective == OBJECTIVE_ACCURACY ? json_null() : app_number(s->cost));
}

static json_t *build_path(const distill_report *r, const distill_search_result *s)
{
    json_t *path = json_array();
    for (uint32_t i = 0; i < s->n_steps; i++)
        json_array_append_new(path, build_step(r, &s->step[i]));
    return path;
}

static json_t *build_walks(const distill_report *r)
{
    json_t *list = json_array();
    for (uint32_t k = 0; k < r->n_walks; k++)
        json_array_append_new(list, json_pack("{s:s, s:o}", "name", r->walk[k].name, "path",
                                              build_path(r, r->walk[k].path)));
    return list;
}

static json_t *build_path_test(const distill_report *r)
{
    if (!r->has_path_test)
        return json_null();
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->search.n_steps; i++)
        json_array_append_new(list, app_number(r->path_test[i]));
    return list;
}

// Accuracy at a size of which it is known.
static json_t *build_top1(const distill_report *r, uint32_t image, const nn_eval_result *own, const nn_eval_result *at)
{
    if (at->images && image == r->image)
        return app_number(at->top1);
    return image == r->time[0].image ? app_number(own->top1) : json_null();
}

static json_t *build_timing(const distill_report *r)
{
    json_t *timing = json_array();
    for (uint32_t i = 0; i < r->n_times; i++) {
        const measure_time *t = &r->time[i];
        if (t->tokens)
            json_array_append_new(timing, json_pack(
                "{s:i, s:i, s:f, s:f, s:i, s:i, s:o, s:o}", "image", (int) t->image, "tokens", (int) t->tokens,
                "teacher_ms", t->ms[0], "student_ms", t->ms[1], "batch", (int) r->timing_batch, "repeats",
                (int) t->repeats, "teacher_top1", build_top1(r, t->image, &r->teacher, &r->teacher_at), "student_top1",
                build_top1(r, t->image, &r->student, &r->student_at)));
    }
    return timing;
}

static json_t *build_match(const distill_report *r, const distill_match_result *m)
{
    if (!m->n_layers)
        return json_null();
    json_t *loss = json_array(), *before = json_array(), *after = json_array();
    for (uint32_t l = 0; l < r->depth; l++) {
        json_array_append_new(loss, app_number(m->loss[l]));
        json_array_append_new(before, app_number(m->before[l]));
        json_array_append_new(after, app_number(m->after[l]));
    }
    return json_pack("{s:I, s:f, s:o, s:o, s:o}", "steps", (json_int_t) m->steps, "seconds", m->seconds, "loss", loss,
                     "kl_before", before, "kl_after", after);
}

static json_t *build_errors(const distill_report *r, const report_mixer *m)
{
    if (m->is_given)
        return json_null();
    json_t *error = json_array();
    for (uint32_t l = 0; l < r->depth; l++)
        json_array_append_new(error, app_number(m->transfer.error[l]));
    return error;
}

static json_t *build_transfers(const distill_report *r)
{
    json_t *list = json_array();
    for (uint32_t k = 0; k < r->n_mixers; k++) {
        const report_mixer *m = &r->mixer[k];
        if (!m->is_given)
            json_array_append_new(list, json_pack(
                "{s:s, s:o, s:I, s:f, s:o}", "mixer", m->text, "error", build_errors(r, m), "steps",
                (json_int_t) m->transfer.steps, "seconds", m->transfer.seconds, "match",
                build_match(r, &m->transfer.match)));
    }
    return list;
}

static json_t *build_tunes(const distill_report *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->n_tunes; i++)
        json_array_append_new(list, tune_json(r->tune[i].what, &r->tune[i].options, &r->tune[i].result, r->depth));
    return list;
}

static json_t *build_texts(const distill_report *r)
{
    json_t *list = json_array();
    for (uint32_t k = 0; k < r->n_mixers; k++)
        json_array_append_new(list, json_string(r->mixer[k].text));
    return list;
}

static json_t *build_replaced(const distill_report *r)
{
    json_t *list = json_array();
    for (uint32_t l = 0; l < r->depth; l++)
        if (r->choice[l])
            json_array_append_new(list, json_integer((json_int_t) l));
    return list;
}

static json_t *build_layers(const distill_report *r)
{
    json_t *list = json_array();
    for (uint32_t l = 0; l < r->depth; l++) {
        char text[REPORT_TEXT];
        report_layer_text(&r->layer[l], text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static json_t *build_search(const distill_report *r)
{
    const distill_search_result *s = &r->search;
    return json_pack("{s:s, s:f, s:o, s:f, s:b, s:o, s:o, s:o, s:i, s:s, s:i, s:i, s:o, s:o, s:o}", "objective",
                     report_objective_name(r->objective), "max_drop", r->max_drop, "val_top1",
                     app_number(s->base.metric),
                     "confidence", r->confidence, "guarded", r->guarded, "base_cost",
                     r->objective == OBJECTIVE_ACCURACY ? json_null() : app_number(s->base_cost), "path",
                     build_path(r, s), "refused",
                     s->refused.layer != UINT32_MAX ? build_step(r, &s->refused) : json_null(), "best", (int) s->n_best,
                     "student_is", r->is_best ? "best" : "most", "chosen", (int) r->n_chosen, "trials",
                     (int) s->n_trials, "baselines", build_walks(r), "path_test", build_path_test(r), "replaced",
                     build_replaced(r));
}

static json_t *build_beats(const distill_report *r)
{
    const measure_time *t = report_time(r);
    return t ? json_boolean(t->ms[1] < t->ms[0]) : json_null();
}

json_t *distill_report_json(const distill_report *r, const vkc_device *dev)
{
    const vkc_device_info *i = vkc_device_get_info(dev);
    const report_mixer *first = &r->mixer[0];       // of a single mixer, as scripts know it
    json_t *o = build_search(r);
    json_t *more = json_pack(
        "{s:o, s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:s}",
        "teacher_top1", app_number(r->teacher.top1), "student_top1", app_number(r->student.top1), "split",
        nn_split_name(r->split), "image", (int) r->image, "mixers", build_texts(r), "layers", build_layers(r), "timing",
        build_timing(r), "transfer_error", build_errors(r, first), "transfer_steps", (json_int_t) first->transfer.steps,
        "match", build_match(r, &first->transfer.match), "transfer", build_transfers(r), "tune", build_tunes(r),
        "teacher_params", (json_int_t) r->teacher_params, "student_params", (json_int_t) r->student_params, "teacher",
        measure_json(&r->teacher), "student", measure_json(&r->student), "teacher_at", measure_json(&r->teacher_at),
        "student_at", measure_json(&r->student_at), "beats_teacher", build_beats(r), "device", i->name, "driver",
        i->driver);
    if (!o || !more || json_object_update(o, more) != 0 ||
        json_object_set_new(o, "sparsity", sparsity_json(&r->sparsity, dev)) != 0) {
        json_decref(o);
        o = NULL;
    }
    json_decref(more);
    return o;
}
