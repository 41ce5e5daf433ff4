// selftest_random.c — small models of random values, run once on a device that is checked.
#include "apps/cli/selftest/selftest_random.h"

#include "nn/infer/infer.h"
#include "nn/train/recipe.h"
#include "nn/base/rng.h"
#include "nn/train/stepper.h"

#include <stdlib.h>
#include <string.h>

#define ARCH "vit:image=32,patch=4,dim=48,depth=2,heads=3,classes=10"
#define BATCH 3u                    // pictures, of
#define CAP 4u                      // so that there are rows that are not live

typedef enum { RANDOM_MIXER, RANDOM_HALTING, RANDOM_TOPK, RANDOM_TRAINING, RANDOM_RELATIVE,
               RANDOM_END } random_kind;

static random_kind kind_of(uint32_t i)
{
    const uint32_t k = i < nn_n_mixers ? 0 : i - nn_n_mixers + 1;
    return k < RANDOM_END ? (random_kind) k : RANDOM_END;
}

const char *selftest_random_name(uint32_t i)
{
    switch (kind_of(i)) {
    case RANDOM_MIXER: return nn_mixers[i]->name;
    case RANDOM_HALTING: return nn_policy_name(NN_POLICY_HALTING);
    case RANDOM_TOPK: return nn_policy_name(NN_POLICY_TOPK);
    case RANDOM_TRAINING: return "training";
    case RANDOM_RELATIVE: return "relative";
    case RANDOM_END: break;
    }
    return NULL;
}

static vkc_status make_config(uint32_t i, nn_model_config *c)
{
    vkc_status st = nn_model_config_init(c, ARCH);
    for (uint32_t l = 0; st == VKC_OK && kind_of(i) == RANDOM_MIXER && l < c->depth; l++)
        st = nn_mixer_parse(nn_mixers[i]->name, &c->layers[l], NULL);
    if (kind_of(i) == RANDOM_HALTING)
        c->retention = (nn_retention_config) { .policy = NN_POLICY_HALTING, .every = 1, .gate_scale = 2,
                                               .gate_centre = 0.75, .eps = 0.01, .keep_class = true };
    if (kind_of(i) == RANDOM_TOPK)
        c->retention = (nn_retention_config) { .policy = NN_POLICY_TOPK, .share = { 0.6, 0.6 } };
    if (kind_of(i) == RANDOM_RELATIVE) {        // trained on tokens of which some are dropped
        c->retention = (nn_retention_config) { .policy = NN_POLICY_TOPK, .share = { 0.6, 0.6 } };
        c->relative = c->shared_relative = c->no_pos = c->no_key_bias = c->layer_scale = true;
    }
    return st == VKC_OK ? nn_model_config_check(c, VKC_E_ARG, "selftest") : st;
}

// Starting values and noise on top, so that nothing is zero.
static vkc_status fill(nn_model *m, uint64_t seed)
{
    vkc_status st = nn_model_init(m, seed);
    for (uint32_t i = 0; i < m->params->n && st == VKC_OK; i++) {
        const size_t n = nn_shape_len(&m->params->p[i].shape);
        float *x = (float *) malloc(n * sizeof *x);
        st = x ? nn_params_read(m->params, i, x) : VKC_FAIL(VKC_E_NOMEM, "selftest: out of host memory");
        for (size_t k = 0; k < n && st == VKC_OK; k++)
            x[k] += 0.4f * (nn_rng_uniform(seed, 100 + i, (uint32_t) k) - 0.5f);
        if (st == VKC_OK)
            st = nn_params_write(m->params, i, x);
        free(x);
    }
    return st;
}

static void draw_pixels(const nn_model_config *c, uint64_t seed, float *pixels)
{
    for (uint32_t k = 0; k < BATCH * nn_model_config_pixels(c); k++)
        pixels[k] = 2 * nn_rng_uniform(seed, 1, k) - 1;
}

static vkc_status infer(const nn_model *m, uint64_t seed)
{
    vkc_status st;
    nn_infer *inf = NULL;
    float *pixels = (float *) malloc((size_t) CAP * nn_model_config_pixels(&m->cfg) * sizeof *pixels);
    float *logits = (float *) malloc((size_t) CAP * m->cfg.classes * sizeof *logits);
    if (!pixels || !logits) {
        st = VKC_FAIL(VKC_E_NOMEM, "selftest: out of host memory");
        goto done;
    }
    draw_pixels(&m->cfg, seed, pixels);
    VKC_TRY(nn_infer_create(m, CAP, &inf));
    st = nn_infer_run(inf, pixels, BATCH, logits);
done:
    nn_infer_destroy(inf);
    free(pixels);
    free(logits);
    return st;
}

// Pictures, labels and what the recipe makes of both, as a feed would fill them in (nn/train/recipe_feed.h).
static vkc_status fill_slot(const nn_model_config *c, const nn_recipe_inputs *in, uint64_t seed, nn_stepper *s)
{
    uint32_t *labels = (uint32_t *) nn_stepper_input(s, 0, "labels");
    float *pixels = (float *) malloc((size_t) BATCH * nn_model_config_pixels(c) * sizeof *pixels);
    if (!pixels)
        return VKC_FAIL(VKC_E_NOMEM, "selftest: out of host memory");
    draw_pixels(c, seed, pixels);
    for (uint32_t b = 0; b < BATCH; b++)
        labels[b] = b % c->classes;
    nn_recipe_mix(in, 1, BATCH, pixels, labels, (float *) nn_stepper_input(s, 0, "pixels"),
                  (uint32_t *) nn_stepper_input(s, 0, NN_RECIPE_LABELS_B),
                  (float *) nn_stepper_input(s, 0, NN_RECIPE_LAMBDA));
    nn_recipe_key(in, 1, (uint32_t *) nn_stepper_input(s, 0, NN_RECIPE_KEY));
    free(pixels);
    return VKC_OK;
}

// One step of a classifier with mixed pictures and stochastic depth.
static vkc_status train(nn_model *m, uint64_t seed)
{
    vkc_status st;
    nn_batch batch = { NULL };
    nn_graph *g = NULL;
    nn_stepper *s = NULL;
    nn_recipe_inputs in;
    nn_tensor *model_in[NN_MAX_INPUTS] = { NULL };
    const nn_recipe recipe = { .smoothing = 0.1, .mixup = 0.8, .drop_path = 0.2 };
    VKC_TRY(nn_model_batch_create(m->dev, &m->cfg, CAP, &batch));
    VKC_TRY(nn_graph_create(m->dev, &g));
    nn_model_add_inputs(g, &m->cfg, &batch, model_in);
    nn_tensor *labels = nn_graph_input(g, "labels", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, batch.samples);
    nn_recipe_build(g, &recipe, seed, &m->cfg, batch.samples, &in);
    nn_model_taps taps = { .drop = in.drop };
    nn_tensor *logits = nn_model_forward(g, m, &batch, model_in, true, &taps);
    nn_tensor *loss = nn_recipe_loss(g, &in, logits, labels);
    nn_graph_add_loss(g, loss, 1.0f);
    nn_tensor *const inputs[] = { model_in[0], labels, in.labels_b, in.lambda, in.drop.key };
    VKC_TRY(nn_stepper_create(&(nn_stepper_params) {
        .dev = m->dev, .graph = g, .params = m->params, .batch = &batch, .inputs = inputs,
        .n_inputs = sizeof inputs / sizeof *inputs, .watch = &loss, .n_watch = 1,
        .adamw = { .weight_decay = 0.05, .max_norm = 1 },
    }, &s));
    VKC_TRY(fill_slot(&m->cfg, &in, seed, s));
    VKC_TRY(nn_stepper_submit(s, 0, BATCH, 1e-3, 1));
    VKC_TRY(nn_stepper_wait(s, NULL, NULL));
    st = nn_stepper_check(s, 1);
done:
    nn_stepper_destroy(s);
    nn_graph_destroy(g);
    nn_batch_finish(&batch);
    return st;
}

vkc_status selftest_random_run(vkc_device *dev, uint32_t i, uint64_t seed)
{
    const bool trains = kind_of(i) == RANDOM_TRAINING || kind_of(i) == RANDOM_RELATIVE;
    nn_model_config c = { 0 };
    nn_model *m = NULL;
    vkc_status st;
    VKC_TRY(make_config(i, &c));
    VKC_TRY(nn_model_create(dev, &c, trains, &m));
    VKC_TRY(fill(m, seed));
    st = trains ? train(m, seed) : infer(m, seed);
done:
    nn_model_destroy(m);
    nn_model_config_finish(&c);
    return st;
}
