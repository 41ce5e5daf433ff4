// classify.c — pictures classified through the public interface.
#include "pipeline/api/api_impl.h"

#include <stdlib.h>

#include "nn/infer/classify.h"
#include "vk/clock.h"

#define TOP 5
#define BATCH 32                    // pictures at once, where the device has memory for so many

typedef struct job {
    pipeline__api_call call;
    nn_classifier *c;
    const char *const *paths;
    size_t     n;
    uint32_t   batch, k;
    nn_top    *top;                 // (k)
    pare_top  *shown;               // (k)
    pare_classified_fn picture;
    void      *user;
} job;

// A batch that nobody asked for may be smaller where memory is short.
static vkc_status create_classifier(job *j, const nn_model *m, const pare_classify_options *o)
{
    j->batch = o->batch ? o->batch : BATCH;
    if (j->batch > j->n)
        j->batch = j->n > 0 ? (uint32_t) j->n : 1;
    for (;; j->batch /= 2) {
        vkc_status st = nn_classifier_create_of(m, &(nn_classifier_params) {
            .batch = j->batch, .threads = o->threads }, &j->c);
        if ((st != VKC_E_DEVMEM && st != VKC_E_NOMEM) || o->batch || j->batch == 1)
            return st;
    }
}

static vkc_status prepare(job *j, const nn_model *m, const pare_classify_options *o)
{
    vkc_status st = create_classifier(j, m, o);
    if (st != VKC_OK)
        return st;
    j->k = o->top ? o->top : TOP;
    if (j->k > nn_classifier_classes(j->c))
        j->k = nn_classifier_classes(j->c);
    j->top = calloc(j->k, sizeof *j->top);
    j->shown = calloc(j->k, sizeof *j->shown);
    return j->top && j->shown ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "out of host memory");
}

// Hand picture i of the batch over, which is `index` of the list.
static vkc_status show(job *j, uint32_t i, size_t index)
{
    pare_classified out = { .size = sizeof out, .index = index, .path = j->paths[index], .error = "" };
    vkc_status st = nn_classifier_get(j->c, i, j->k, j->top);
    if (st == VKC_E_FORMAT || st == VKC_E_IO) {
        out.status = pipeline__api_status(st);
        out.error = vkc_last_error();
    } else if (st != VKC_OK) {
        return st;
    } else {
        for (uint32_t t = 0; t < j->k; t++)
            j->shown[t] = (pare_top) { j->top[t].label, j->top[t].index, j->top[t].p };
        out.n_top = j->k;
        out.top = j->shown;
        out.rgb = nn_classifier_rgb(j->c, i);
        out.pixels = nn_classifier_pixels(j->c, i);
    }
    return j->picture(j->user, &out) ? VKC_OK : VKC_FAIL(VKC_E_STOPPED, "stopped by the caller");
}

static vkc_status run(job *j)
{
    const double start = vkc_seconds();
    vkc_status st = VKC_OK;
    for (size_t at = 0; st == VKC_OK && at < j->n; at += j->batch) {
        const size_t left = j->n - at;
        const uint32_t n = left < j->batch ? (uint32_t) left : j->batch;
        st = nn_classifier_run_batch(j->c, j->paths + at, n);
        for (uint32_t i = 0; i < n && st == VKC_OK; i++)
            st = show(j, i, at + i);
        if (st == VKC_OK && !nn_progress_report(pipeline__api_progress, &j->call, "classify", "images", "", start, 0,
                                                at + n, j->n))
            st = VKC_FAIL(VKC_E_STOPPED, "stopped by the caller");
    }
    return st;
}

pare_status pare_classify(pare_model *model, const char *const *paths, size_t n, const pare_classify_options *options,
                          pare_classified_fn picture, void *user)
{
    pare_classify_options o;
    job j = { .paths = paths, .n = n, .picture = picture, .user = user };
    vkc_status st;
    VKC_TRY(API_WANT(model));
    VKC_TRY(API_WANT(picture));
    VKC_TRY(API_TAKE(options, &o));
    if (n > 0)
        VKC_TRY(API_WANT(paths));
    for (size_t i = 0; i < n; i++)
        VKC_TRY(API_WANT(paths[i]));
    VKC_TRY(pipeline__api_begin(__func__, o.callbacks, model->device, &j.call));
    VKC_TRY(prepare(&j, model->nn, &o));
    st = run(&j);
done:
    nn_classifier_destroy(j.c);
    free(j.top);
    free(j.shown);
    return pipeline__api_status(st);
}
