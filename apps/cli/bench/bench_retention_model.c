// bench_retention_model.c — whole models, forward, with all their tokens and with token pruning.
#include "apps/cli/bench/bench_retention.h"

#include "apps/cli/bench/bench_race.h"
#include "nn/models/picture_loader.h"
#include "nn/data/dataset.h"
#include "nn/infer/infer.h"
#include "nn/data/loader.h"
#include "nn/base/rng.h"
#include "pipeline/timing/model_times.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 6u                    // of the built-in shape
#define PATCH 4u
#define CLASSES 10u

enum { DENSE, KEPT, N_FORMS };

typedef struct pair {               // one model in both forms, a batch behind it
    nn_model   *v[N_FORMS];
    nn_infer *inf[N_FORMS];
    float    *pixels, *logits;
    uint32_t  n;                    // pictures of the batch
    double    ms[N_FORMS];
} pair;

static void finish(pair *p)
{
    for (int i = 0; i < N_FORMS; i++) {
        nn_infer_destroy(p->inf[i]);
        nn_model_destroy(p->v[i]);
    }
    free(p->pixels);
    free(p->logits);
}

// Half of the patches after a third of the blocks, a quarter after two thirds, by class attention.
static void set_halving(nn_model_config *c)
{
    c->retention = (nn_retention_config) { .policy = NN_POLICY_TOPK };
    for (uint32_t l = 0; l < c->depth; l++)
        c->retention.share[l] = l + 1 >= 2 * c->depth / 3 ? 0.25 : l + 1 >= c->depth / 3 ? 0.5 : 1.0;
}

// The built-in shape: a mixer in all blocks but those that need attention to choose.
static vkc_status make_built_in(const retention_args *a, const nn_layer_config *layer, uint32_t tokens,
                                vkc_device *dev, uint64_t seed, pair *p)
{
    const uint32_t side = (uint32_t) lround(sqrt((double) tokens - 1));
    nn_model_config c = { .height = PATCH * side, .width = PATCH * side, .patch = PATCH, .channels = 3,
                          .dim = a->lists.dim, .depth = DEPTH, .heads = a->lists.heads, .hidden = 4 * a->lists.dim,
                          .classes = CLASSES, .eps = 1e-6, .mean = { 0.5, 0.5, 0.5 }, .std = { 0.5, 0.5, 0.5 } };
    vkc_status st;
    if (side * side + 1 != tokens)
        return VKC_FAIL(VKC_E_ARG, "%u patches are no square image", tokens - 1);
    set_halving(&c);
    for (uint32_t l = 0; l < DEPTH; l++) {
        c.layers[l] = *layer;
        if (nn_retention_is_made(&c, l))
            VKC_TRY(nn_mixer_parse(nn_mixer_default()->name, &c.layers[l], NULL));
    }
    for (int i = KEPT; i >= DENSE; i--) {
        VKC_TRY(nn_model_config_check(&c, VKC_E_ARG, "bench retention"));
        VKC_TRY(nn_model_create(dev, &c, false, &p->v[i]));
        VKC_TRY(nn_model_init(p->v[i], seed));
        c.retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
    }
done:
    return st;
}

static vkc_status load(const char *dir, vkc_device *dev, pair *p)
{
    vkc_status st;
    for (int i = 0; i < N_FORMS; i++)
        VKC_TRY(nn_model_load(dev, dir, false, &p->v[i]));
    VKC_TRY(nn_model_config_check_pictures(&p->v[KEPT]->cfg));
    p->v[DENSE]->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
    if (p->v[KEPT]->cfg.retention.policy == NN_POLICY_NONE) {
        say("%s keeps all its tokens: timed as if half of the patches left after a third of its blocks, and half of "
            "those after two thirds", dir);
        set_halving(&p->v[KEPT]->cfg);
        st = nn_model_config_check(&p->v[KEPT]->cfg, VKC_E_ARG, dir);
    }
done:
    return st;
}

// Pictures of the test split, or noise.
static vkc_status fill_pixels(const nn_model_config *c, const char *data, uint32_t batch, uint64_t seed, pair *p)
{
    nn_dataset *d = NULL;
    nn_loader *l = NULL;
    vkc_status st = VKC_OK;
    const size_t len = (size_t) batch * nn_model_config_pixels(c);
    p->n = batch;
    p->pixels = (float *) malloc(len * sizeof *p->pixels);
    p->logits = (float *) malloc((size_t) batch * c->classes * sizeof *p->logits);
    if (!p->pixels || !p->logits)
        return VKC_FAIL(VKC_E_NOMEM, "bench: out of host memory");
    for (size_t i = 0; i < len && !data; i++)
        p->pixels[i] = 2.0f * nn_rng_uniform(seed, 1, (uint32_t) i) - 1.0f;
    if (!data)
        return VKC_OK;
    VKC_TRY(nn_dataset_create(data, &d));
    nn_loader_params lp = nn_loader_params_of(c, d, nn_dataset_len(d, NN_SPLIT_TEST) ? NN_SPLIT_TEST : NN_SPLIT_ALL,
                                               batch);
    lp.max_images = batch;          // spread over the split
    lp.epochs = 1;
    VKC_TRY(nn_loader_create(&lp, &l));
    VKC_TRY(nn_loader_get(l, p->pixels, NULL, &p->n));
    if (p->n == 0)
        st = VKC_FAIL(VKC_E_FORMAT, "%s: none of the images to time with can be read", data);
done:
    nn_loader_destroy(l);
    nn_dataset_destroy(d);
    return st;
}

// Both forms in turn, the least of the replays of each. The first round is not timed.
static vkc_status race(const retention_args *a, vkc_device *dev, const char *name, pair *p, uint32_t *repeats)
{
    const pipeline_context c = app_context(dev);
    pipeline_contender both[N_FORMS] = { { .n = 0 } };
    pipeline_race race = { .contender = both, .n = N_FORMS,
                           .progress = { .what = "bench, whole models", .left = -1.0, .note = name } };
    for (int i = 0; i < N_FORMS; i++)
        both[i] = (pipeline_contender) { .replay = pipeline_replay_infer, .user = p->inf[i] };
    vkc_status st = pipeline_race_round(&c, &race, false);
    if (st == VKC_OK)
        st = pipeline_race_run(&c, &(pipeline_race *) { &race }, 1, &(pipeline_timing) {
            .most = a->lists.repeat, .budget_ms = 1e3 * a->lists.budget });
    for (int i = 0; i < N_FORMS; i++)
        p->ms[i] = both[i].least;
    *repeats = race.rounds;
    return st;
}

// What there is to gain: multiply-adds with all tokens to those with as many as were there on average.
static void fill_ideal(const pair *p, retention_model *m)
{
    const nn_model_config *c = &p->v[KEPT]->cfg;
    double share[NN_MAX_DEPTH] = { 0 };
    nn_infer_add_shares(p->inf[KEPT], p->n, share);
    m->keep = 0.0;
    for (uint32_t l = 0; l < c->depth; l++) {
        share[l] /= p->n;
        m->keep += share[l] / c->depth;
    }
    m->ideal = (double) nn_model_macs(p->v[DENSE], c->depth) / nn_model_kept_macs(p->v[KEPT], share);
}

static vkc_status run_pair(const retention_args *a, const char *data, uint64_t seed, pair *p, retention_model *m)
{
    const nn_model_config *c = &p->v[KEPT]->cfg;
    vkc_status st;
    m->tokens = nn_model_config_tokens(c);
    m->depth = c->depth;
    m->dim = c->dim;
    VKC_TRY(fill_pixels(c, data, m->batch, seed, p));
    for (int i = 0; i < N_FORMS; i++) {
        VKC_TRY(nn_infer_create_with(p->v[i], &(nn_infer_params) { .cap_images = p->n, .kept = i == KEPT },
                                     &p->inf[i]));
        VKC_TRY(nn_infer_run(p->inf[i], p->pixels, p->n, p->logits));
    }
    VKC_TRY(race(a, p->v[KEPT]->dev, m->name, p, &m->repeats));
    fill_ideal(p, m);
    m->dense_ms = p->ms[DENSE] / p->n;
    m->ms = p->ms[KEPT] / p->n;
    m->is_there = true;
done:
    return st;
}

static vkc_status run_built_in(retention_bench *b, const retention_args *a, vkc_device *dev, uint64_t seed,
                               uint32_t mixer, uint32_t tokens)
{
    retention_model *m = &b->model[b->n_models++];
    *m = (retention_model) { .tokens = tokens, .batch = a->lists.batch };
    memcpy(m->name, b->lists.name[mixer], sizeof m->name);
    vkc_status st;
    for (;; m->batch /= 2) {        // the largest part of the batch that fits the device
        pair p = { .n = 0 };
        st = make_built_in(a, &b->lists.layer[mixer], tokens, dev, seed, &p);
        if (st == VKC_OK)
            st = run_pair(a, NULL, seed, &p, m);
        finish(&p);
        if (!bench_is_too_large(st) || m->batch == 1)
            break;
    }
    if (bench_is_skippable(st)) {
        snprintf(m->why, sizeof m->why, "%s", vkc_last_error());
        warn("a model of %s with %u tokens is left out: %s", b->lists.name[mixer], tokens, m->why);
        st = VKC_OK;
    }
    return st;
}

vkc_status retention_bench_models(retention_bench *b, const retention_args *a, vkc_device *dev, uint64_t seed)
{
    vkc_status st = VKC_OK;
    b->n_models = 0;
    if (!a->model) {
        for (uint32_t m = 0; m < b->lists.n_mixers && st == VKC_OK; m++)
            for (uint32_t t = 0; t < b->lists.n_tokens && st == VKC_OK; t++)
                st = run_built_in(b, a, dev, seed, m, b->lists.tokens[t]);
        return st;
    }
    pair p = { .n = 0 };
    retention_model *m = &b->model[0];
    *m = (retention_model) { .batch = a->lists.batch };
    snprintf(m->name, sizeof m->name, "%s", a->model);
    st = load(a->model, dev, &p);
    if (st == VKC_OK)
        st = run_pair(a, a->data, seed, &p, m);
    b->n_models = st == VKC_OK;
    finish(&p);
    return st;
}
