// cmd_tune.c — pare tune: train a student end to end on its own stream, beside its teacher or alone.
#include "apps/cli/distill/tune_session.h"

#include <stdio.h>

typedef struct tune_work {
    tune_session s;
    distill_tune_result result;
    nn_eval_result val, test, teacher_val, teacher_test;
} tune_work;

static json_t *build_result(const tune_work *w)
{
    const vkc_device_info *i = vkc_device_get_info(w->s.dev);
    json_t *o = tune_json("tune", &w->s.a->t, &w->result, w->s.v->cfg.depth), *teacher = json_null();
    if (w->s.teacher)
        teacher = json_pack("{s:o, s:o}", "val", measure_json(&w->teacher_val), "test", measure_json(&w->teacher_test));
    json_t *more = json_pack("{s:I, s:o, s:o, s:o, s:s, s:s}", "params", (json_int_t) nn_params_count(w->s.v->params),
                             "val", measure_json(&w->val), "test", measure_json(&w->test), "teacher", teacher, "device",
                             i->name, "driver", i->driver);
    json_object_update(o, more);
    json_decref(more);
    return o;
}

static vkc_status measure(tune_work *w)
{
    const data_args *d = &w->s.a->d;
    vkc_status st;
    VKC_TRY(measure_split(w->s.v, w->s.data, NN_SPLIT_VAL, d, &w->val));
    VKC_TRY(measure_split(w->s.v, w->s.data, NN_SPLIT_TEST, d, &w->test));
    if (w->s.teacher) {
        VKC_TRY(measure_split(w->s.teacher, w->s.data, NN_SPLIT_VAL, d, &w->teacher_val));
        VKC_TRY(measure_split(w->s.teacher, w->s.data, NN_SPLIT_TEST, d, &w->teacher_test));
    }
done:
    return st;
}

static vkc_status tell(const tune_work *w, json_t *result)
{
    console_clear();
    if (w->s.a->common.json)
        return app_print_json(json_incref(result));
    tune_print(stdout, "tune", &w->result, w->s.v->cfg.depth);
    measure_print(stdout, "val", &w->val);
    measure_print(stdout, "test", &w->test);
    measure_print(stdout, "teacher val", &w->teacher_val);
    measure_print(stdout, "teacher test", &w->teacher_test);
    printf("model    %s\n", w->s.a->out);
    return app_flush();
}

static vkc_status check(const tune_session *s)
{
    return distill_tune_check(s->teacher, s->v, &s->params);
}

static vkc_status run(const void *options, const args_words *words)
{
    tune_work w = { .result = { .steps = 0 } };
    json_t *result = NULL;
    vkc_status st;
    VKC_TRY(tune_session_open(&w.s, options, words->word[0], "tune S --data D [--teacher M] -o S2", NULL, check));
    VKC_TRY(distill_tune(w.s.teacher, w.s.v, &w.s.params, &w.result));
    VKC_TRY(measure(&w));
    result = build_result(&w);
    VKC_TRY(tune_session_save(&w.s, w.s.v, result, w.result.seconds, &w.val, &w.test));
    st = tell(&w, result);
done:
    json_decref(result);
    return tune_session_close(&w.s, st);
}

static const arg table[] = {
    TUNE_SESSION_ROWS("S2", "stop after N steps in all, as Ctrl-C does"),
    { 0 },
};
static const tune_args defaults = { .d = { .batch = 64 }, .t = TUNE_DEFAULTS(1) };
const command cmd_tune = {
    .name = "tune", .help = "train a student on its own stream, beside its teacher or alone",
    .usage = "S --data D [--teacher M] -o S2", .table = table, .defaults = &defaults, .options_size = sizeof defaults,
    .min_words = 1, .max_words = 1, .run = run,
    .about =
        "Layers are compared where S differs from M. Without a teacher S learns from the labels; --train mixers, attn\n"
        "and blocks then mean its layers without attention.\n"
        "Ctrl-C stops at the next step with a checkpoint; the same command with --resume ends in the same bits.",
};
