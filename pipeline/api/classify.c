// classify.c — pictures classified through the public interface.
#include "pipeline/api/api_impl.h"

#include <stdlib.h>

#include "nn/infer/classify.h"

#define TOP 5
#define BATCH 32                    // pictures at once, where the device has memory for so many

typedef struct job {
    pipeline__api_call call;
    const nn_model *m;
    nn_classifier  *c;
    const char *const *paths;
    size_t     n;
    uint32_t   batch, k;
    nn_top    *top;                 // (k)
    pare_top  *shown;               // (k)
    uint8_t   *blocks;              // (tokens), NULL unless they are wanted
    pare_classified_fn picture;
    void      *user;
} job;

// A batch size that was not asked for may be smaller where memory is short.
static vkc_status create_classifier(job *j, const pare_classify_options *o)
{
    j->batch = o->batch ? o->batch : BATCH;
    if (j->batch > j->n)
        j->batch = j->n > 0 ? (uint32_t) j->n : 1;
    for (;; j->batch /= 2) {
        vkc_status st = nn_classifier_create_of(j->m, &(nn_classifier_params) {
            .batch = j->batch, .threads = o->threads, .kept = o->blocks != 0, .paths = j->paths, .n_paths = j->n },
            &j->c);
        if ((st != VKC_E_DEVMEM && st != VKC_E_NOMEM) || o->batch || j->batch == 1)
            return st;
    }
}

static vkc_status prepare(job *j, const pare_classify_options *o)
{
    vkc_status st = create_classifier(j, o);
    if (st != VKC_OK)
        return st;
    j->k = o->top ? o->top : TOP;
    if (j->k > nn_classifier_classes(j->c))
        j->k = nn_classifier_classes(j->c);
    j->top = calloc(j->k, sizeof *j->top);
    j->shown = calloc(j->k, sizeof *j->shown);
    if (o->blocks)
        j->blocks = malloc(nn_model_config_tokens(&j->m->cfg));
    return j->top && j->shown && (j->blocks || !o->blocks) ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "out of host memory");
}

static const uint8_t *find_blocks(const job *j, uint32_t i)
{
    const uint32_t *words[NN_MAX_DEPTH] = { 0 };
    if (!j->blocks)
        return NULL;
    for (uint32_t l = 0; l < j->m->cfg.depth; l++)
        words[l] = nn_classifier_kept(j->c, l);
    nn_retention_depths(&j->m->cfg, words, nn_classifier_place(j->c, i), j->blocks);
    return j->blocks + nn_model_config_prefix(&j->m->cfg);
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
        out.blocks = find_blocks(j, i);
    }
    return j->picture(j->user, &out) ? VKC_OK : VKC_FAIL(VKC_E_STOPPED, "stopped by the caller");
}

static vkc_status run(job *j)
{
    nn_pace pace = nn_pace_start();
    vkc_status st = VKC_OK;
    uint32_t n = 0;
    for (size_t at = 0; at < j->n && st == VKC_OK; at += n) {
        st = nn_classifier_next(j->c, &n);
        for (uint32_t i = 0; i < n && st == VKC_OK; i++)
            st = show(j, i, at + i);
        if (st == VKC_OK && at + n < j->n &&
            !nn_progress_report(pipeline__api_progress, &j->call, "classify", "images", "", &pace, at + n, j->n))
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
    j.m = model->nn;
    VKC_TRY(prepare(&j, &o));
    st = run(&j);
done:
    nn_classifier_destroy(j.c);
    pipeline__api_end(&j.call);
    free(j.top);
    free(j.shown);
    free(j.blocks);
    return pipeline__api_status(st);
}
