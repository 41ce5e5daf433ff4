// evaluate.c — accuracy and sparsity of a model, measured through the public interface.
#include "pipeline/api/api_impl.h"

#include <math.h>
#include <stdlib.h>

#include "distill/sparsity/sparsity.h"
#include "pipeline/base/data.h"

#define BATCH 128

static void give(const nn_eval_result *r, pare_evaluate_result *out)
{
    pare_evaluate_result result = {
        .top1 = r->top1, .top5 = r->top5, .loss = r->loss, .seconds = r->seconds, .images_per_s = r->images_per_s,
        .images = r->images, .bad = r->bad, .n_keep = r->n_keep, .keep = r->keep,
    };
    memcpy(result.keep_layer, r->keep_layer, r->n_keep * sizeof *r->keep_layer);
    API_GIVE(&result, out);
}

pare_status pare_evaluate(pare_model *model, const pare_data *data, const pare_evaluate_options *options,
                          pare_evaluate_result *out)
{
    pare_evaluate_options o;
    pipeline__api_call call = { .watch = { .dev = NULL } };
    nn_eval_result *r = NULL;
    nn_dataset *view = NULL;
    pipeline_data d;
    nn_split split;
    vkc_status st;
    VKC_TRY(API_WANT(model));
    VKC_TRY(API_TAKE_FROM(options, &o, offsetof(pare_evaluate_options, labels)));
    VKC_TRY(API_CHECK(out));
    VKC_TRY(pipeline__api_begin(__func__, o.callbacks, model->device, &call));
    VKC_TRY(API_WANT(data));
    d = (pipeline_data) { .set = data->set, .batch = o.batch ? o.batch : BATCH, .threads = o.threads, .limit = o.limit,
        .finite = o.check_finite ? PIPELINE_FINITE_ALWAYS : PIPELINE_FINITE_NEVER };
    VKC_TRY(pipeline__api_labels(o.labels, &d.labels));
    VKC_TRY(pipeline__api_split(&call.context, data, model->nn, o.split, NN_SPLIT_TEST, &split));
    if (nn_model_config_scores(&model->nn->cfg) == NN_SCORES_SIGMOID)
        pipeline_say(&call.context, PIPELINE_NOTE, "scores of the model are sigmoids: a picture counts as right when "
                     "its class has the highest one, and the loss is the mean binary cross-entropy of the classes");
    r = malloc(sizeof *r);
    if (!r) {
        st = VKC_FAIL(VKC_E_NOMEM, "out of host memory");
        goto done;
    }
    VKC_TRY(pipeline_data_match(&call.context, &d, &model->nn->cfg, *model->from ? model->from : "the model", &view));
    VKC_TRY(pipeline_measure(&call.context, model->nn, &d, split, r));
    if (r->images == 0)
        st = VKC_FAIL(VKC_E_FORMAT, "%s has no pictures in its %s split", nn_dataset_spec(data->set),
                      nn_split_name(split));
    else
        give(r, out);
done:
    free(r);
    nn_dataset_destroy(view);
    pipeline__api_end(&call);
    return pipeline__api_status(st);
}

struct pare_sparsity { distill_sparsity s; };

pare_status pare_measure_sparsity(pare_model *model, const pare_data *data, const pare_sparsity_options *options,
                                  pare_sparsity **out)
{
    pare_sparsity_options o;
    pipeline__api_call call = { .watch = { .dev = NULL } };
    pare_sparsity *s = NULL;
    nn_split split;
    vkc_status st;
    VKC_TRY(API_WANT(model));
    VKC_TRY(API_WANT(out));
    VKC_TRY(API_TAKE(options, &o));
    VKC_TRY(pipeline__api_begin(__func__, o.callbacks, model->device, &call));
    VKC_TRY(API_WANT(data));
    VKC_TRY(pipeline__api_split(&call.context, data, model->nn, o.split, NN_SPLIT_VAL, &split));
    pipeline_data_tell(&call.context, data->set);
    s = calloc(1, sizeof *s);
    if (!s) {
        st = VKC_FAIL(VKC_E_NOMEM, "out of host memory");
        goto done;
    }
    VKC_TRY(distill_sparsity_measure(model->nn, &(distill_sparsity_params) {
        .data = data->set, .split = split, .images = o.images, .batch = o.batch, .progress = pipeline__api_progress,
        .user = &call }, &s->s));
    pipeline_data_tell_bad(&call.context, data->set);
    *out = s;
    s = NULL;
done:
    pare_sparsity_free(s);
    pipeline__api_end(&call);
    return pipeline__api_status(st);
}

const distill_sparsity *pipeline_unwrap_sparsity(const pare_sparsity *s)
{
    return &s->s;
}

void pare_sparsity_free(pare_sparsity *sparsity)
{
    if (sparsity)
        distill_sparsity_finish(&sparsity->s);
    free(sparsity);
}

const char *pare_sparsity_measure(uint32_t i)
{
    return i < DISTILL_N_MEASURES ? distill_measure_name((distill_measure) i) : NULL;
}

int pare_sparsity_is_high(uint32_t measure)
{
    return measure < DISTILL_N_MEASURES && distill_measure_is_high((distill_measure) measure);
}

uint32_t pare_sparsity_images(const pare_sparsity *sparsity)
{
    return sparsity ? sparsity->s.images : 0;
}

typedef double (*value_fn)(const distill_sparsity *s, distill_keys k, uint32_t layer, uint32_t head, distill_measure m);

// Of a head, or the mean of all.
static double get(const pare_sparsity *p, uint32_t layer, uint32_t head, uint32_t measure, int patches_only,
                  value_fn value)
{
    const bool is_all = head == PARE_ALL_HEADS;
    double sum = 0.0;
    if (!p || layer >= p->s.depth || (!is_all && head >= p->s.heads) || measure >= DISTILL_N_MEASURES)
        return (double) NAN;
    const uint32_t first = is_all ? 0 : head, n = is_all ? p->s.heads : 1;
    for (uint32_t h = first; h < first + n; h++)
        sum += value(&p->s, patches_only ? DISTILL_KEYS_PATCHES : DISTILL_KEYS_ALL, layer, h,
                     (distill_measure) measure);
    return sum / n;
}

double pare_sparsity_get(const pare_sparsity *sparsity, uint32_t layer, uint32_t head, uint32_t measure,
                         int patches_only)
{
    return get(sparsity, layer, head, measure, patches_only, distill_sparsity_get);
}

double pare_sparsity_std(const pare_sparsity *sparsity, uint32_t layer, uint32_t head, uint32_t measure,
                         int patches_only)
{
    return get(sparsity, layer, head, measure, patches_only, distill_sparsity_std);
}
