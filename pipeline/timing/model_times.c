// model_times.c — models of some configs timed at several picture sizes.
#include "pipeline/timing/model_times.h"

#include "nn/base/rng.h"

#include <stdlib.h>

#define MIN_REPEATS 3u
#define MAX_REPEATS 25u
#define MAX_MS      1500.0          // a model and size, beyond MIN_REPEATS

typedef struct contender {
    nn_model   *model;
    nn_infer *inf;
    double    keep;
} contender;

static void retire(contender *c)
{
    nn_infer_destroy(c->inf);
    nn_model_destroy(c->model);
    *c = (contender) { .model = NULL };
}

// The mean share of its patches that a picture enters a block with, of the run that is over.
static double get_keep(const contender *c, uint32_t n)
{
    const nn_model_config *cfg = &c->model->cfg;
    double share[NN_MAX_DEPTH] = { 0 }, sum = 0.0;
    nn_infer_add_shares(c->inf, n, share);
    for (uint32_t l = 0; l < cfg->depth; l++)
        sum += share[l];
    return sum / n / cfg->depth;
}

// A model of this config at another image size, with random values and a random batch behind it. The first replays
// are not timed: recordings are cut by what those took.
static vkc_status prepare(contender *c, vkc_device *dev, const nn_model_config *like, uint32_t image, uint32_t batch,
                          uint64_t seed)
{
    vkc_status st;
    nn_model_config cfg = { 0 };
    float *pixels = NULL, *logits = NULL;
    VKC_TRY(nn_model_config_copy(like, &cfg));
    cfg.height = cfg.width = image;
    VKC_TRY(nn_model_config_check(&cfg, VKC_E_ARG, "timing"));
    VKC_TRY(nn_model_create(dev, &cfg, false, &c->model));
    VKC_TRY(nn_model_init(c->model, seed));
    VKC_TRY(nn_infer_create_with(c->model, &(nn_infer_params) { .cap_images = batch, .kept = true }, &c->inf));
    size_t len = (size_t) batch * nn_model_config_pixels(&cfg);
    pixels = (float *) malloc(len * sizeof *pixels);
    logits = (float *) malloc((size_t) batch * cfg.classes * sizeof *logits);
    if (!pixels || !logits) {
        st = VKC_FAIL(VKC_E_NOMEM, "timing: out of host memory");
        goto done;
    }
    for (size_t i = 0; i < len; i++)
        pixels[i] = 2.0f * nn_rng_uniform(seed, 1, (uint32_t) i) - 1.0f;
    VKC_TRY(nn_infer_run(c->inf, pixels, batch, logits));
    c->keep = get_keep(c, batch);
    double unused;
    st = nn_infer_repeat(c->inf, &unused);
done:
    free(pixels);
    free(logits);
    nn_model_config_finish(&cfg);
    return st;
}

vkc_status pipeline_replay_infer(void *infer, double *ms)
{
    double seconds = 0.0;
    vkc_status st = nn_infer_repeat(infer, &seconds);
    *ms = 1e3 * seconds;
    return st;
}

static vkc_status compete(const pipeline_context *ctx, contender *c, uint32_t n, pipeline_model_time *out)
{
    pipeline_contender in_turn[PIPELINE_MODELS] = { { .n = 0 } };
    pipeline_race race = { .contender = in_turn, .n = n };
    for (uint32_t m = 0; m < n; m++)
        in_turn[m] = (pipeline_contender) { .replay = pipeline_replay_infer, .user = c[m].inf };
    vkc_status st = pipeline_race_run(ctx, &(pipeline_race *) { &race }, 1, &(pipeline_timing) {
        .least = MIN_REPEATS, .most = MAX_REPEATS, .budget_ms = MAX_MS * n });
    for (uint32_t m = 0; m < n && st == VKC_OK; m++) {
        out->ms[m] = pipeline_median(&in_turn[m]);
        out->keep[m] = c[m].keep;
    }
    out->repeats = race.rounds;
    return st;
}

uint32_t pipeline_model_sizes(const nn_model_config *c, uint32_t more, uint32_t image[PIPELINE_SIZES + 1])
{
    bool is_there = more == 0;
    for (uint32_t s = 0; s < PIPELINE_SIZES; s++) {
        image[s] = (s + 1) * c->height;
        is_there = is_there || image[s] == more;
    }
    image[PIPELINE_SIZES] = more;
    return PIPELINE_SIZES + !is_there;
}

vkc_status pipeline_time_models(const pipeline_context *ctx, const nn_model_config *const *cfg, uint32_t n,
                                uint32_t batch, uint64_t seed, const uint32_t *image, uint32_t n_sizes,
                                pipeline_model_time *out)
{
    vkc_status st = VKC_OK;
    for (uint32_t s = 0; s < n_sizes && st == VKC_OK; s++) {
        contender c[PIPELINE_MODELS] = { { .model = NULL } };
        out[s] = (pipeline_model_time) { .image = image[s] };
        for (uint32_t m = 0; m < n && st == VKC_OK; m++)
            st = prepare(&c[m], ctx->dev, cfg[m], image[s], batch, seed);
        if (st == VKC_OK)
            st = compete(ctx, c, n, &out[s]);
        if (st == VKC_OK)
            out[s].tokens = nn_model_config_tokens(&c[0].model->cfg);
        if (st == VKC_E_DEVMEM || st == VKC_E_UNSUPPORTED) {
            pipeline_say_failure(ctx);
            pipeline_say(ctx, PIPELINE_WARNING, "pictures of %u x %u are not timed", image[s], image[s]);
            st = VKC_OK;
        }
        for (uint32_t m = 0; m < n; m++)
            retire(&c[m]);
    }
    return st;
}
