// students.c — the two students of a search: the most replaced and the best on the way, judged, and the one that was
// not asked for written beside the other.
#include "pipeline/distill/stages_impl.h"

#include "distill/transfer/student.h"
#include "nn/base/files.h"
#include "nn/base/json.h"
#include "pipeline/base/data.h"
#include "pipeline/base/json.h"
#include "pipeline/run/card.h"
#include "pipeline/run/save.h"

#include <stdlib.h>

void pipeline__students_pick(distill_work *w)
{
    pipeline_distill_result *r = w->r;
    const distill_search_result *s = &r->search;
    for (int k = 0; k < PIPELINE_N_PICKS; k++) {
        pipeline_picked *m = &r->picked[k];
        m->n = k == PIPELINE_BEST ? s->n_best : s->n_steps;
        m->val_top1 = m->n ? s->step[m->n - 1].score.metric : s->base.metric;
        distill_search_choice(s, m->n, m->choice);
        for (uint32_t l = 0; l < r->depth; l++)
            m->layer[l] = m->choice[l] ? r->mixer[m->choice[l] - 1].layer[l] : w->teacher->cfg.layers[l];
    }
    r->is_one = s->n_best == s->n_steps;
}

vkc_status pipeline__students_measure(const distill_work *w, const uint8_t *choice, nn_eval_result *out)
{
    const pipeline_context silent = { .dev = w->c->dev, .dash = w->c->dash, .progress = w->c->progress,
                                      .user = w->c->user };         // broken pictures were named before
    nn_model hybrid = { .block = NULL };
    vkc_status st = distill_hybrid_init(&hybrid, w->teacher, (const nn_model *const *) w->replaced, w->r->n_mixers,
                                        choice);
    if (st == VKC_OK)
        st = pipeline_measure(&silent, &hybrid, &w->p->data, w->r->split, out);
    distill_hybrid_finish(&hybrid);
    return st;
}

vkc_status pipeline__students_judge(distill_work *w)
{
    pipeline_distill_result *r = w->r;
    const pipeline_pick asked = pipeline_distill_asked(r), other = pipeline_distill_other(r);
    pipeline_picked *a = &r->picked[asked], *b = &r->picked[other];
    vkc_status st = VKC_OK;
    a->params = r->student_params;
    a->eval = r->student;
    a->is_written = true;
    if (r->n_tunes)
        VKC_TRY(pipeline__students_measure(w, a->choice, &a->eval));
    if (r->is_one) {
        b->params = a->params;
        b->eval = a->eval;
        return VKC_OK;
    }
    b->params = r->teacher_params;
    b->eval = r->teacher;
    if (b->n == 0)
        return VKC_OK;
    VKC_TRY(distill_hybrid_create(w->teacher, (const nn_model *const *) w->replaced, r->n_mixers, b->choice,
                                  &w->other));
    b->params = nn_params_count(w->other->params);
    VKC_TRY(pipeline__students_measure(w, b->choice, &b->eval));
    b->is_written = true;
done:
    return st;
}

// The figures of the run, with those of the other student in place of the one that was asked for. It was neither
// tuned nor timed.
static json_t *build_other(const pipeline_distill_result *r)
{
    const pipeline_pick k = pipeline_distill_other(r);
    const pipeline_picked *m = &r->picked[k];
    json_t *o = json_copy(r->json);
    json_t *own = json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:I, s:[], s:[], s:n, s:n, s:n}", "student_is",
                            pipeline_pick_name(k), "chosen", (int) m->n, "replaced",
                            pipeline__students_replaced(r, m), "layers", pipeline__students_layers(r, m),
                            "student_top1", pipeline_number(m->eval.top1), "student", pipeline_eval_json(&m->eval),
                            "student_params", (json_int_t) m->params, "tune", "timing", "student_at",
                            "beats_teacher", "costs");
    if (!o || !own || json_object_update(o, own) != 0) {
        json_decref(o);
        o = NULL;
    }
    json_decref(own);
    return o;
}

vkc_status pipeline__students_save_other(distill_work *w)
{
    const pipeline_distill_result *r = w->r;
    const pipeline_picked *m = &r->picked[pipeline_distill_other(r)];
    const bool is_test = r->split == NN_SPLIT_TEST;
    nn_model_config cfg = { 0 };
    json_t *measured = NULL;
    char *more = NULL, *card = NULL;
    vkc_status st;
    if (!w->other) {
        char path[NN_PATH_MAX];
        if (nn_path_build(path, w->run.beside, "pare.json") == VKC_OK && nn_is_file(path))
            pipeline_say(w->c, PIPELINE_WARNING, "%s is of an earlier run; this one has no other student to put there",
                         w->run.beside);
        return VKC_OK;
    }
    measured = build_other(r);
    nn_json_set_new(measured, "data", pipeline_data_json(w->p->data.set));
    more = pipeline__work_card(r, pipeline_distill_other(r));
    VKC_TRY(pipeline_run_make_config(&w->run, &w->other->cfg, measured, &cfg));
    if (more && measured)
        card = pipeline_card_build(&(pipeline_card) {
            .cfg = &cfg, .dir = w->run.beside, .data = nn_dataset_spec(w->p->data.set), .params = m->params,
            .provenance = cfg.provenance, .seconds = pipeline__work_seconds(r, false),
            .val = is_test ? NULL : &m->eval, .test = is_test ? &m->eval : NULL, .more = more });
    st = card ? pipeline_save_model(w->other, &cfg, w->run.beside, card)
              : VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
done:
    nn_model_config_finish(&cfg);
    json_decref(measured);
    free(more);
    free(card);
    return st;
}
