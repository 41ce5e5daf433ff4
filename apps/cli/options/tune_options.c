// tune_options.c — from the options of tuning to its settings.
#include "apps/cli/options/tune_options.h"

vkc_status tune_read(const tune_options *o, const char *pre, pipeline_tuning *out)
{
    vkc_status st;
    *out = o->p;
    VKC_TRY(distill_trained_get(o->train, &out->trained));
    VKC_TRY(distill_target_get(o->target, &out->target));
    VKC_TRY(distill_distance_get(o->distance, &out->distance));
    st = recipe_check(pre, &out->recipe, out->lr, -1.0);
done:
    return st;
}

vkc_status tune_open(const tune_args *a, const char *dir, const char *usage, pipeline_tune_params *out,
                     nn_dataset **data, vkc_device **dev)
{
    const pipeline_context c = app_context(NULL);
    vkc_status st;
    if (!a->out)
        return VKC_FAIL(VKC_E_ARG, "usage: pare %s", usage);
    *out = (pipeline_tune_params) {
        .student = dir, .teacher = a->teacher, .data = { .batch = a->d.batch }, .place = RUN_PLACE(a),
        .seed = a->common.seed, .max_steps = a->max_steps, .plain = a->no_augment, .timing_batch = a->timing_batch,
        .no_timing = a->no_timing };
    VKC_TRY(tune_read(&a->t, "", &out->tuning));
    VKC_TRY(pipeline_tune_check(&c, out));
    VKC_TRY(data_open(&a->d, data));
    out->data = data_of(&a->d, *data);
    st = app_open(&a->common, dev);
done:
    return st;
}
