// schedule.c — named layers replaced and trained, K at a time, without a search; a line a step in schedule.jsonl.
#include "pipeline/distill/stages_impl.h"

#include "distill/transfer/student.h"
#include "nn/base/json.h"
#include "nn/base/lines.h"
#include "nn/models/vit/positions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LOG ((size_t) 16 << 20)
#define MAX_VALUES 1024u            // of a line of it
#define ROUNDING 1e-12              // a drop of exactly what is allowed must not fail by rounding

typedef struct schedule {
    distill_work *w;
    uint32_t layer[NN_MAX_DEPTH], n;            // all of them, in order
    nn_lines *log;
    pipeline_step known[1 + NN_MAX_DEPTH];      // of an earlier part of the run, by step; 0 is the teacher. Of those
    bool      is_known[1 + NN_MAX_DEPTH];       // layers and figures of val
} schedule;

static void set_order(schedule *s)
{
    const distill_work *w = s->w;
    const pipeline_distill_result *r = w->r;
    double score[NN_MAX_DEPTH] = { 0 };
    for (uint32_t i = 0; i < r->depth; i++) {
        const uint32_t l = w->p->order == PIPELINE_SCHEDULE_DEEP ? r->depth - 1 - i : i;
        uint32_t at = s->n;
        if (w->fixed[l])
            continue;
        if (w->p->order == PIPELINE_SCHEDULE_SPARSE)
            score[l] = distill_sparsity_score(&r->sparsity, DISTILL_KEYS_ALL, l, DISTILL_ENTROPY);
        for (; at > 0 && score[s->layer[at - 1]] < score[l]; at--)
            s->layer[at] = s->layer[at - 1];
        s->layer[at] = l;
        s->n++;
    }
}

// A line of an earlier part of the run. What is none is left alone, and its step measured again.
static vkc_status read_line(void *user, const char *text, size_t len)
{
    schedule *s = (schedule *) user;
    json_t *o = NULL;
    pipeline_step t = { .n = 0 };
    const json_t *layers;
    const vkc_status st = nn_json_read("schedule.jsonl", text, len, MAX_VALUES, &o);
    if (st != VKC_OK)
        return st == VKC_E_NOMEM ? st : VKC_OK;
    const json_t *number = json_object_get(o, "step");
    const json_int_t step = json_is_integer(number) ? json_integer_value(number) : -1;
    layers = json_object_get(o, "layers");
    bool ok = step >= 0 && step <= NN_MAX_DEPTH && json_is_array(layers) && json_array_size(layers) <= NN_MAX_DEPTH;
    for (size_t i = 0; ok && i < json_array_size(layers); i++)
        t.layer[t.n++] = (uint32_t) json_integer_value(json_array_get(layers, i));
    t.val_top1 = json_number_value(json_object_get(o, "val_top1"));
    t.val_loss = json_number_value(json_object_get(o, "val_loss"));
    ok = ok && json_is_number(json_object_get(o, "val_top1")) && json_is_number(json_object_get(o, "val_loss"));
    if (ok) {
        s->known[step] = t;
        s->is_known[step] = true;
    }
    json_decref(o);
    return VKC_OK;
}

static vkc_status write_line(const schedule *s, uint32_t step, const pipeline_step *t)
{
    json_t *o = json_pack("{s:i}", "step", (int) step);
    nn_json_update_new(o, pipeline__step_json(t));
    char *text = o ? nn_json_print(o, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    vkc_status st = text ? nn_lines_write(s->log, text) : VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    free(text);
    json_decref(o);
    return st;
}

// Accuracy on val after a step, or of the teacher for step 0: measured once a run.
static vkc_status measure(schedule *s, uint32_t step, const nn_model *m, pipeline_step *t)
{
    const distill_work *w = s->w;
    const pipeline_step *known = &s->known[step];
    nn_eval_result e;
    nn_eval_params p = { .data = w->p->data.set, .split = NN_SPLIT_VAL, .batch = w->p->data.batch,
                         .max_images = w->p->data.limit, .threads = w->p->data.threads,
                         .check_finite = pipeline_is_checked(&w->p->data, false), .progress = w->c->progress,
                         .user = w->c->user };
    if (s->is_known[step] && known->n == t->n && memcmp(known->layer, t->layer, t->n * sizeof *t->layer) == 0) {
        t->val_top1 = known->val_top1;
        t->val_loss = known->val_loss;
        return VKC_OK;
    }
    vkc_status st = nn_eval(m, &p, &e);
    if (st != VKC_OK)
        return st;
    if (!isfinite(e.loss))
        return VKC_FAIL(VKC_E_CHECK, "schedule: after step %u the loss on val is not a number; a lower learning rate "
                        "may help", step);
    t->val_top1 = e.top1;
    t->val_loss = e.loss;
    return write_line(s, step, t);
}

// `from` with the layers of a step replaced too: warm-started, or as the student that was given has them.
static vkc_status replace(const schedule *s, const nn_model *from, const pipeline_step *t, nn_model **out)
{
    const distill_work *w = s->w;
    nn_layer_config layer[NN_MAX_DEPTH];
    uint8_t choice[NN_MAX_DEPTH] = { 0 };
    nn_model *m = NULL;
    memcpy(layer, from->cfg.layers, sizeof layer);
    for (uint32_t i = 0; i < t->n; i++) {
        layer[t->layer[i]] = w->r->mixer[0].layer[t->layer[i]];
        choice[t->layer[i]] = 1;
    }
    if (!w->r->mixer[0].is_given)
        return distill_student_create_layers(from, layer, out);
    vkc_status st = distill_hybrid_create(from, (const nn_model *const *) w->replaced, 1, choice, &m);
    if (st == VKC_OK)
        st = nn_model_create_at(m, (nn_size) { 0, 0 }, true, out);
    nn_model_destroy(m);
    return st;
}

static void add_matches(distill_match_result *sum, const distill_match_result *r)
{
    sum->n_layers += r->n_layers;
    sum->steps += r->steps;
    sum->seconds += r->seconds;
    for (uint32_t l = 0; l < NN_MAX_DEPTH; l++) {
        if (!isfinite(r->after[l]))
            continue;
        sum->loss[l] = r->loss[l];
        sum->before[l] = r->before[l];
        sum->after[l] = r->after[l];
    }
}

// The transfer of the layers of a step; what all steps found together is that of the one mixer.
static vkc_status transfer(schedule *s, const char *tag, pipeline_step *t)
{
    distill_work *w = s->w;
    distill_transfer_result r, *sum = &w->r->mixer[0].transfer;
    bool only[NN_MAX_DEPTH] = { false };
    if (w->r->mixer[0].is_given)
        return VKC_OK;
    for (uint32_t i = 0; i < t->n; i++)
        only[t->layer[i]] = true;
    vkc_status st = pipeline__choices_train(w, w->student, tag, only, &r);
    if (st != VKC_OK)
        return st;
    t->transfer_steps = r.steps + r.match.steps;
    if (*tag == '\0') {
        *sum = r;
    } else {
        sum->steps += r.steps;
        sum->seconds += r.seconds;
        for (uint32_t i = 0; i < t->n; i++)
            sum->error[t->layer[i]] = r.error[t->layer[i]];
        add_matches(&sum->match, &r.match);
    }
    return pipeline__work_tell(w, PIPELINE_DISTILL_TRANSFER, 0);
}

static vkc_status tune(schedule *s, const char *tag, pipeline_step *t)
{
    distill_work *w = s->w;
    char what[sizeof w->r->tune[0].what];
    t->loss = (double) NAN;
    if (!w->p->tune.epochs)
        return VKC_OK;
    snprintf(what, sizeof what, "tune%s", tag);
    vkc_status st = pipeline__stage_tune_as(w, what, &w->p->tune);
    if (st != VKC_OK)
        return st;
    const distill_tune_result *r = &w->r->tune[w->r->n_tunes - 1].result;
    t->tune_steps = r->steps;
    t->loss = r->loss;
    return VKC_OK;
}

// The student so far, as figures of the result.
static void take(distill_work *w, const pipeline_step *t)
{
    pipeline_distill_result *r = w->r;
    distill_search_result *path = &r->search;
    const double none = (double) NAN;
    r->step[r->n_steps++] = *t;
    for (uint32_t i = 0; i < t->n; i++) {
        r->choice[t->layer[i]] = 1;
        path->step[path->n_steps++] = (distill_step) { .layer = t->layer[i], .choice = 1,
                                                       .score = { t->val_top1, none, none, none }, .cost = none };
    }
    r->n_chosen = path->n_best = path->n_steps;
    memcpy(r->layer, w->student->cfg.layers, sizeof r->layer);
}

static bool is_too_much(const distill_work *w, const pipeline_step *t)
{
    return w->p->limited && w->r->search.base.metric - t->val_top1 > w->r->max_drop + ROUNDING;
}

static vkc_status fail_without_steps(distill_work *w)
{
    const pipeline_distill_result *r = w->r;
    const pipeline_step *t = &r->refused;
    w->is_refused = true;
    return VKC_FAIL(VKC_E_CHECK, "nothing is replaced and no student written: the first step of the schedule, of %u "
                    "layer%s, costs %.2f points, and %.2f are allowed (%s%s)", t->n, t->n == 1 ? "" : "s",
                    100.0 * (r->search.base.metric - t->val_top1), 100.0 * r->max_drop, pipeline_dash(w->c),
                    r->min_share > 0.0 ? "min-share" : "max-drop");
}

// Step i, counted from 0. *over: it would have cost too much, and the student is that of the step before.
static vkc_status run_step(schedule *s, uint32_t i, uint32_t first, uint32_t n, bool *over)
{
    distill_work *w = s->w;
    nn_model *before = w->student;
    pipeline_step t = { .n = n };
    char tag[16] = "";
    vkc_status st;
    memcpy(t.layer, s->layer + first, n * sizeof *t.layer);
    if (i > 0)
        snprintf(tag, sizeof tag, "-%u", i + 1);
    w->student = NULL;
    VKC_TRY(replace(s, before ? before : w->teacher, &t, &w->student));
    if (!w->p->limited) {           // nothing goes back to it
        nn_model_destroy(before);
        before = NULL;
    }
    VKC_TRY(transfer(s, tag, &t));
    VKC_TRY(tune(s, tag, &t));
    VKC_TRY(measure(s, i + 1, w->student, &t));
    *over = is_too_much(w, &t);
    if (*over) {
        w->r->refused = t;
        nn_model_destroy(w->student);
        w->student = before;
        before = NULL;
    } else {
        take(w, &t);
    }
    st = pipeline__work_tell(w, PIPELINE_DISTILL_STEP, i);
done:
    nn_model_destroy(before);
    return st;
}

static vkc_status run_steps(schedule *s)
{
    distill_work *w = s->w;
    const uint32_t at_once = w->p->schedule;
    pipeline_step teacher = { .loss = (double) NAN };
    bool over = false;
    vkc_status st = measure(s, 0, w->teacher, &teacher);
    if (st != VKC_OK)
        return st;
    w->r->search.base.metric = teacher.val_top1;
    if (w->p->min_share > 0.0)
        w->r->max_drop = (1.0 - w->p->min_share) * teacher.val_top1;
    for (uint32_t i = 0, first = 0; first < s->n && !over; i++) {
        const uint32_t left = s->n - first, n = left < at_once ? left : at_once;
        st = run_step(s, i, first, n, &over);
        if (st != VKC_OK)
            return st;
        first += n;
    }
    return w->student ? VKC_OK : fail_without_steps(w);
}

vkc_status pipeline__schedule_run(distill_work *w)
{
    char path[PIPELINE_PATH_MAX];
    pipeline_distill_result *r = w->r;
    vkc_status st;
    schedule *s = (schedule *) calloc(1, sizeof *s);
    if (!s)
        return VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    s->w = w;
    r->search.n_layers = r->depth;
    r->search.n_choices = 1;
    r->search.refused.layer = UINT32_MAX;
    for (uint32_t l = 0; l < r->depth; l++)
        r->search.first[l][0].metric = (double) NAN;    // no layer was tried alone
    set_order(s);
    r->n_scheduled = s->n;
    VKC_TRY(pipeline_run_path(&w->run, "schedule.jsonl", path));
    VKC_TRY(nn_lines_create(path, MAX_LOG, read_line, s, &s->log));
    st = run_steps(s);
    pipeline__students_pick(w);
done:
    nn_lines_destroy(s->log);
    free(s);
    return st;
}
