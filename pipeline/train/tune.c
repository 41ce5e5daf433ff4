// tune.c — a student trained end to end, measured and written.
#include "pipeline/train/session_impl.h"

#include "nn/base/json.h"
#include "pipeline/base/json.h"

static json_t *build_result(const pipeline_session *s, const pipeline_tune_result *r)
{
    const vkc_device_info *i = vkc_device_get_info(s->c->dev);
    json_t *o = pipeline_tuning_json("tune", &s->p->tuning, &r->train, r->depth), *teacher = json_null();
    if (s->teacher)
        teacher = json_pack("{s:o, s:o}", "val", pipeline_eval_json(&r->teacher_val), "test",
                            pipeline_eval_json(&r->teacher_test));
    json_t *more = json_pack("{s:I, s:o, s:o, s:o, s:o, s:s, s:s}", "params",
                             (json_int_t) nn_params_count(s->student->params), "val", pipeline_eval_json(&r->val),
                             "test", pipeline_eval_json(&r->test), "teacher", teacher, "costs",
                             pipeline_costs_json(&r->costs), "device", i->name, "driver", i->driver);
    nn_json_update_new(o, more);
    return o;
}

static vkc_status measure(const pipeline_session *s, pipeline_tune_result *r)
{
    const pipeline_data *d = &s->data;
    vkc_status st;
    VKC_TRY(pipeline_measure(s->c, s->student, d, NN_SPLIT_VAL, &r->val));
    VKC_TRY(pipeline_measure(s->c, s->student, d, NN_SPLIT_TEST, &r->test));
    if (s->teacher) {
        VKC_TRY(pipeline_measure(s->c, s->teacher, d, NN_SPLIT_VAL, &r->teacher_val));
        VKC_TRY(pipeline_measure(s->c, s->teacher, d, NN_SPLIT_TEST, &r->teacher_test));
    }
    st = pipeline_costs_measure(s->c, &(pipeline_costs_params) {
        .teacher = s->teacher, .student = s->student, .batch = s->p->timing_batch, .seed = s->p->seed,
        .no_timing = s->p->no_timing }, &r->costs);
done:
    return st;
}

static vkc_status check(const pipeline_session *s, const void *user)
{
    (void) user;
    return distill_tune_check(s->teacher, s->student, &s->train);
}

vkc_status pipeline_tune(const pipeline_context *c, const pipeline_tune_params *p, pipeline_tune_result *out)
{
    pipeline_session s;
    vkc_status st;
    *out = (pipeline_tune_result) { .json = NULL };
    VKC_TRY(pipeline__session_open(&s, c, p, NULL, check, NULL));
    out->depth = s.student->cfg.depth;
    VKC_TRY(pipeline__session_train(&s, s.student, &out->train));
    VKC_TRY(measure(&s, out));
    out->json = build_result(&s, out);
    st = pipeline__session_save(&s, s.student, out->json, &out->train, out->train.seconds, &out->val, &out->test);
done:
    return pipeline__session_close(&s, st);
}

void pipeline_tune_finish(pipeline_tune_result *r)
{
    json_decref(r->json);
    r->json = NULL;
}
