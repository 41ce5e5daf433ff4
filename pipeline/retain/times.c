// times.c — a token-pruned model timed against its teacher, on the same pictures.
#include "pipeline/retain/retain_impl.h"

#include <stdlib.h>

#include "nn/data/loader.h"
#include "nn/models/picture_loader.h"
#include "pipeline/timing/model_times.h"

#define ROUNDS 9u                   // of which the median counts
#define BATCH  64u

enum { TEACHER, MODEL, N_MODELS };

static vkc_status load_batch(const pipeline_data *d, const nn_model_config *cfg, nn_infer **inf, uint32_t *n,
                             float *pixels, float *logits)
{
    nn_loader *l = NULL;
    nn_loader_params lp = nn_loader_params_of(cfg, d->set, pipeline_final_split(d->set), BATCH);
    lp.max_images = BATCH;
    lp.threads = d->threads;
    vkc_status st;
    VKC_TRY(nn_loader_create(&lp, &l));
    VKC_TRY(nn_loader_get(l, pixels, NULL, n));
    for (int i = 0; i < N_MODELS && *n; i++)
        VKC_TRY(nn_infer_run(inf[i], pixels, *n, logits));
done:
    nn_loader_destroy(l);
    return st;
}

static vkc_status race(const pipeline_context *c, nn_infer **inf, uint32_t n, pipeline_retained *m,
                       pipeline_retain_result *r)
{
    pipeline_contender both[N_MODELS] = { { .n = 0 } };
    pipeline_race race = { .contender = both, .n = N_MODELS };
    for (int i = 0; i < N_MODELS; i++)
        both[i] = (pipeline_contender) { .replay = pipeline_replay_infer, .user = inf[i] };
    vkc_status st = pipeline_race_run(c, &(pipeline_race *) { &race }, 1, &(pipeline_timing) {
        .warm_up = 1, .least = ROUNDS, .most = ROUNDS });
    if (st == VKC_OK) {
        r->teacher_images_per_s = 1e3 * n / pipeline_median(&both[TEACHER]);
        m->images_per_s = 1e3 * n / pipeline_median(&both[MODEL]);
    }
    return st;
}

vkc_status pipeline__retain_time(const pipeline_context *c, const pipeline_data *d, const nn_model *teacher,
                                 const nn_model *model, pipeline_retained *m, pipeline_retain_result *r)
{
    const nn_model_config *cfg = &model->cfg;
    const nn_model *list[N_MODELS] = { teacher, model };
    nn_infer *inf[N_MODELS] = { NULL, NULL };
    uint32_t n = 0;
    vkc_status st;
    float *pixels = (float *) malloc((size_t) BATCH * nn_model_config_pixels(cfg) * sizeof *pixels);
    float *logits = (float *) malloc((size_t) BATCH * cfg->classes * sizeof *logits);
    if (!pixels || !logits) {
        st = VKC_FAIL(VKC_E_NOMEM, "retain: out of host memory");
        goto done;
    }
    for (int i = 0; i < N_MODELS; i++)
        VKC_TRY(nn_infer_create(list[i], BATCH, &inf[i]));
    VKC_TRY(load_batch(d, cfg, inf, &n, pixels, logits));
    if (n)
        st = race(c, inf, n, m, r);
done:
    for (int i = 0; i < N_MODELS; i++)
        nn_infer_destroy(inf[i]);
    free(pixels);
    free(logits);
    return st;
}
