// retain.c — pare_retain: the pipeline's parameters from a program's options, its figures from what was found.
#include "pipeline/api/api_impl.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "pipeline/retain/retain.h"

static vkc_status read_gate(const pare_retain_options *o, pipeline_pruning *p)
{
    if (o->fixed_gate && o->keep != 0.0)
        return VKC_FAIL(VKC_E_ARG, "retain: fixed_gate goes without keep, which is %g", o->keep);
    p->fixed_gate = o->fixed_gate != 0;
    if (o->gate_scale != 0.0)
        p->gate_scale = o->gate_scale;
    if (o->gate_centre)
        p->gate_centre = *o->gate_centre;
    p->ponder = pipeline__api_or(o->ponder, p->ponder);
    p->prior = pipeline__api_or(o->prior, p->prior);
    if (o->normalised_prior)
        p->prior_target = HALT_TARGET_NORMALISED;
    if (isnan(o->gate_scale) || (o->gate_centre && isnan(*o->gate_centre)) || isnan(o->ponder) || isnan(o->prior))
        return VKC_FAIL(VKC_E_ARG, "retain: a number of the gate is not a number");
    return VKC_OK;
}

static vkc_status read_params(const pare_retain_options *o, pipeline_retain_params *p)
{
    *p = (pipeline_retain_params) PIPELINE_RETAIN_DEFAULTS;
    vkc_status st = o->policy ? nn_policy_get(o->policy, &p->pruning.policy) : VKC_OK;
    if (st != VKC_OK)
        return st;
    if (p->pruning.policy == NN_POLICY_NONE || !(o->lr >= 0.0))
        return VKC_FAIL(VKC_E_ARG, "retain: policy is halting or topk, lr not negative");
    p->data.batch = o->batch ? o->batch : p->data.batch;
    p->data.limit = o->limit;
    p->data.threads = o->threads;
    p->place = (pipeline_place) { .run = o->run, .resume = o->resume != 0, .force = o->force != 0 };
    p->seed = o->seed;
    p->n_keep = o->fixed_gate == 0;
    p->keep[0] = o->keep;
    p->pruning.gaps = o->count_gaps ? NN_GAPS_COUNT : NN_GAPS_SKIP;
    p->epochs = o->epochs ? o->epochs : PIPELINE_USUAL_EPOCHS;
    p->pruning.every = o->every ? o->every : p->pruning.every;
    p->lr = o->lr > 0.0 ? o->lr : p->lr;
    p->max_steps = o->max_steps;
    p->no_timing = o->no_timing != 0;
    p->keep_last = o->keep_last != 0 || (o->fixed_gate != 0 && o->keep_best == 0);
    return read_gate(o, &p->pruning);
}

static void give(const pipeline_retain_result *r, pare_retain_result *out)
{
    const nn_eval_result *figures = pipeline_retained_figures(&r->model[0]);
    const pare_retain_result result = {
        .images = figures->images, .teacher_top1 = r->teacher.top1, .model_top1 = figures->top1,
        .keep = figures->keep, .teacher_images_per_s = r->teacher_images_per_s,
        .model_images_per_s = r->model[0].images_per_s, .teacher_macs = r->model[0].macs,
        .model_macs = r->model[0].kept_macs,
    };
    API_GIVE(&result, out);
}

pare_status pare_retain(pare_device *device, const char *teacher, const pare_data *data, const char *out,
                        const pare_retain_options *options, pare_retain_result *result)
{
    pare_retain_options o;
    pipeline__api_call call = { .watch = { .dev = NULL } };
    pipeline_retain_params p;
    pipeline_retain_result *r = NULL;
    vkc_status st;
    VKC_TRY(API_WANT(device));
    VKC_TRY(API_WANT(teacher));
    VKC_TRY(API_WANT(data));
    VKC_TRY(API_WANT(out));
    VKC_TRY(API_TAKE_FROM(options, &o, offsetof(pare_retain_options, labels)));
    if (result)
        VKC_TRY(API_CHECK_FROM(result, offsetof(pare_retain_result, teacher_macs)));
    VKC_TRY(read_params(&o, &p));
    VKC_TRY(pipeline__api_begin(__func__, o.callbacks, device, &call));
    call.context.command = o.command;
    p.teacher = teacher;
    p.data.set = data->set;
    p.data.any_teacher = o.any_teacher != 0;
    VKC_TRY(pipeline__api_labels(o.labels, &p.data.labels));
    VKC_TRY(pipeline__api_recipe(o.recipe, &p.recipe));
    p.place.out = out;
    r = malloc(sizeof *r);
    if (!r) {
        st = VKC_FAIL(VKC_E_NOMEM, "out of host memory");
        goto done;
    }
    st = pipeline_retain(&call.context, &p, r);
    if (st == VKC_OK && result)
        give(r, result);
    pipeline_retain_finish(r);
done:
    free(r);
    pipeline__api_end(&call);
    return pipeline__api_status(st);
}
