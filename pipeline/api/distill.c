// distill.c — pare_distill: the pipeline's parameters from a program's options, its figures from what was found.
#include "pipeline/api/api_impl.h"

#include <stddef.h>
#include <stdlib.h>

#include "pipeline/distill/distill.h"

#define OR(x, usual) ((x) != 0 ? (x) : (usual))

static const pipeline_objective objectives[] = {
    [PARE_OBJECTIVE_ACCURACY] = PIPELINE_ACCURACY, [PARE_OBJECTIVE_LATENCY] = PIPELINE_LATENCY,
    [PARE_OBJECTIVE_PARAMS] = PIPELINE_PARAMS,
};

static const pipeline_schedule_order orders[] = {
    [PARE_ORDER_SHALLOW] = PIPELINE_SCHEDULE_SHALLOW, [PARE_ORDER_DEEP] = PIPELINE_SCHEDULE_DEEP,
    [PARE_ORDER_SPARSE] = PIPELINE_SCHEDULE_SPARSE,
};

static vkc_status check(const pare_distill_options *o)
{
    if ((unsigned) o->objective >= sizeof objectives / sizeof objectives[0])
        return VKC_FAIL(VKC_E_ARG, "distill: no objective %d", (int) o->objective);
    if (!(o->confidence >= 0.0 && o->confidence < 1.0) || !(o->lr >= 0.0) || !(o->max_drop <= 100.0))
        return VKC_FAIL(VKC_E_ARG, "distill: confidence is 0 to below 1, lr not negative, max_drop at most 100");
    if (!(o->min_share >= 0.0 && o->min_share <= 1.0) || (o->min_share > 0.0 && o->max_drop != 0.0))
        return VKC_FAIL(VKC_E_ARG, "distill: min_share is 0 to 1, and in place of max_drop");
    if ((o->n_mixers && !o->mixers) || (o->n_from && !o->from))
        return VKC_FAIL(VKC_E_ARG, "distill: mixers or from is NULL, and not empty");
    for (uint32_t i = 0; i < o->n_mixers; i++)
        if (!o->mixers[i])
            return VKC_FAIL(VKC_E_ARG, "distill: mixers[%u] is NULL", i);
    for (uint32_t i = 0; i < o->n_from; i++)
        if (!o->from[i])
            return VKC_FAIL(VKC_E_ARG, "distill: from[%u] is NULL", i);
    if (o->n_layers && !o->layers)
        return VKC_FAIL(VKC_E_ARG, "distill: layers is NULL, and not empty");
    if ((unsigned) o->order >= sizeof orders / sizeof orders[0])
        return VKC_FAIL(VKC_E_ARG, "distill: no order %d", (int) o->order);
    if (o->schedule > NN_MAX_DEPTH && o->schedule != PARE_SCHEDULE_ALL)
        return VKC_FAIL(VKC_E_ARG, "distill: a schedule of %u layers at a time, want 1 to %d or PARE_SCHEDULE_ALL",
                        o->schedule, NN_MAX_DEPTH);
    return VKC_OK;
}

static pipeline_distill_params params_of(const pare_distill_options *o)
{
    pipeline_distill_params p = PIPELINE_DISTILL_DEFAULTS;
    p.data.batch = OR(o->batch, p.data.batch);
    p.data.limit = o->limit;
    p.data.threads = o->threads;
    p.place = (pipeline_place) { .run = o->run, .resume = o->resume != 0, .force = o->force != 0 };
    p.seed = o->seed;
    p.mixer = o->mixers;
    p.n_mixers = o->n_mixers;
    p.from = o->from;
    p.n_from = o->n_from;
    p.objective = objectives[o->objective];
    p.max_drop = pipeline__api_or(o->max_drop, p.max_drop);
    p.min_share = o->min_share;
    p.confidence = o->confidence;
    p.best = o->best != 0;
    p.layers = o->layers;
    p.n_layers = o->n_layers;
    p.schedule = o->schedule == PARE_SCHEDULE_ALL ? PIPELINE_SCHEDULE_ALL : o->schedule;
    p.order = orders[o->order];
    p.limited = o->max_drop != 0.0 || o->min_share > 0.0;
    p.target = o->heads ? DISTILL_TARGET_HEADS : DISTILL_TARGET_OUTPUT;
    p.distance = o->cosine ? DISTILL_COSINE : DISTILL_MSE;
    p.epochs = o->no_transfer ? 0 : OR(o->epochs, p.epochs);
    p.match_epochs = o->match_epochs;
    p.lr = OR(o->lr, p.lr);
    p.tune.epochs = o->tune_epochs;
    p.tune_all.epochs = o->tune_all_epochs;
    p.tune.keep_last = p.tune_all.keep_last = o->keep_last != 0;
    p.max_steps = o->max_steps;
    p.no_timing = o->no_timing != 0;
    return p;
}

static void give(const pipeline_distill_result *r, pare_distill_result *out)
{
    const pipeline_model_time *t = pipeline_distill_time(r);
    const pare_distill_result result = {
        .depth = r->depth, .replaced = r->n_chosen, .trials = r->search.n_trials, .images = r->student.images,
        .teacher_top1 = r->teacher.top1, .student_top1 = r->student.top1, .teacher_params = r->teacher_params,
        .student_params = r->student_params, .teacher_ms = t ? t->ms[0] : 0.0, .student_ms = t ? t->ms[1] : 0.0,
        .timing_batch = t ? r->timing_batch : 0, .most_replaced = r->picked[PIPELINE_MOST].n,
        .best_replaced = r->picked[PIPELINE_BEST].n, .most_top1 = r->picked[PIPELINE_MOST].eval.top1,
        .best_top1 = r->picked[PIPELINE_BEST].eval.top1, .steps = r->n_steps,
    };
    API_GIVE(&result, out);
}

pare_status pare_distill(pare_device *device, const char *teacher, const pare_data *data, const char *out,
                         const pare_distill_options *options, pare_distill_result *result)
{
    pare_distill_options o;
    pipeline__api_call call = { .watch = { .dev = NULL } };
    pipeline_distill_params p;
    pipeline_distill_result *r = NULL;
    vkc_status st;
    VKC_TRY(API_WANT(device));
    VKC_TRY(API_WANT(teacher));
    VKC_TRY(API_WANT(data));
    VKC_TRY(API_WANT(out));
    VKC_TRY(API_TAKE_FROM(options, &o, offsetof(pare_distill_options, labels)));
    if (result)
        VKC_TRY(API_CHECK_FROM(result, offsetof(pare_distill_result, most_replaced)));
    VKC_TRY(check(&o));
    VKC_TRY(pipeline__api_begin(__func__, o.callbacks, device, &call));
    call.context.command = o.command;
    p = params_of(&o);
    VKC_TRY(pipeline__api_tuning(o.tune, &p.tune));
    VKC_TRY(pipeline__api_tuning(o.tune_all, &p.tune_all));
    p.teacher = teacher;
    p.data.set = data->set;
    p.data.any_teacher = o.any_teacher != 0;
    VKC_TRY(pipeline__api_labels(o.labels, &p.data.labels));
    VKC_TRY(pipeline__api_recipe(o.tune_recipe, &p.tune.recipe));
    VKC_TRY(pipeline__api_recipe(o.tune_all_recipe, &p.tune_all.recipe));
    p.place.out = out;
    r = malloc(sizeof *r);
    if (!r) {
        st = VKC_FAIL(VKC_E_NOMEM, "out of host memory");
        goto done;
    }
    st = pipeline_distill(&call.context, &p, r);
    if (st == VKC_OK && result)
        give(r, result);
    pipeline_distill_finish(r);
done:
    free(r);
    pipeline__api_end(&call);
    return pipeline__api_status(st);
}
