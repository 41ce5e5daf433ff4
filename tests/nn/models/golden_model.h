// golden_model.h — a model under test: weights and batches by formula, a graph, a stepper. The formulas are
// those of tests/golden/make.py.
#ifndef TESTS_GOLDEN_MODEL_H
#define TESTS_GOLDEN_MODEL_H

#include "nn/base/rng.h"
#include "nn/models/model.h"
#include "nn/train/stepper.h"
#include "shaders/loss/cross_entropy.h"
#include "tests/vk/vk_test.h"

#include <string.h>

static inline uint32_t golden_stream(const char *name)      // FNV-1a
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char) *name) * 16777619u;
    return h;
}

// value = base +- scale, where base is 1 for the weights of norms, else 0.
static inline void golden_fill(nn_params *ps, uint64_t seed, float scale)
{
    for (uint32_t i = 0; i < ps->n; i++) {
        const char *name = ps->p[i].name;
        size_t n = nn_shape_len(&ps->p[i].shape), len = strlen(name);
        bool is_norm = strstr(name, "norm") && len > 6 && strcmp(name + len - 6, "weight") == 0;
        float *x = (float *) malloc(n * sizeof *x);
        assert_non_null(x);
        for (uint32_t k = 0; k < n; k++)
            x[k] = (is_norm ? 1.0f : 0.0f) +
                   scale * (nn_rng_uniform(seed, golden_stream(name), k) * 2 - 1);
        assert_ok(nn_params_write(ps, i, x));
        free(x);
    }
}

// Batch `step`: noise, and a shift of each channel that tells the class.
static inline void golden_batch(const nn_model_config *c, uint64_t seed, uint32_t step, uint32_t n, float *pixels,
                                uint32_t *labels)
{
    const uint32_t area = c->height * c->width, K = c->classes;
    for (uint32_t b = 0; b < n; b++) {
        labels[b] = (uint32_t) (nn_rng_uniform(seed, 2000 + step, b) * (float) K);
        for (uint32_t i = 0; i < c->channels * area; i++) {
            uint32_t at = b * c->channels * area + i, ch = i / area;
            float shift = (float) ((labels[b] + 1) * (ch + 1) % K) / (float) K;
            pixels[at] = (nn_rng_uniform(seed, 1000 + step, at) * 2 - 1) + (shift - 0.5f);
        }
    }
}

typedef struct golden_model {
    nn_model     *v;
    nn_batch    batch;
    nn_graph   *g;
    nn_stepper *stepper;
    nn_tensor  *logits, *loss;
    uint32_t    cap;                // images
} golden_model;

// The config of an arch with the same mixer in every layer.
static inline void golden_config(const char *arch, const char *mixer, nn_model_config *out)
{
    assert_ok(nn_model_config_init(out, arch));
    for (uint32_t l = 0; l < out->depth; l++)
        assert_ok(nn_mixer_parse(mixer, &out->layers[l], NULL));
}

// A classifier that trains with AdamW, weight decay 0.05, clipping at 1 and label smoothing 0.1; values zero.
static inline void golden_open(vkc_device *dev, const nn_model_config *cfg, uint32_t cap, golden_model *m)
{
    *m = (golden_model) { .cap = cap };
    assert_ok(nn_model_create(dev, cfg, true, &m->v));
    assert_ok(nn_model_batch_create(dev, cfg, cap, &m->batch));
    assert_ok(nn_graph_create(dev, &m->g));
    nn_shape px = { 2, { cap, nn_model_config_pixels(cfg) } }, lb = { 1, { cap } };
    nn_tensor *pixels = nn_graph_input(m->g, "pixels", px, NN_DTYPE_F32, m->batch.samples);
    nn_tensor *labels = nn_graph_input(m->g, "labels", lb, NN_DTYPE_U32, m->batch.samples);
    m->logits = nn_model_forward(m->g, m->v, &m->batch, &pixels, true, NULL);
    m->loss = NN_APPLY(m->g, cross_entropy, &(struct cross_entropy_attr) { .smoothing = 0.1f }, NULL, m->logits,
                       labels);
    nn_graph_add_loss(m->g, m->loss, 1.0f);
    nn_graph_keep(m->g, m->logits);
    assert_ok(nn_stepper_create(&(nn_stepper_params) {
        .dev = dev, .graph = m->g, .params = m->v->params, .batch = &m->batch,
        .inputs = (nn_tensor *const[]) { pixels, labels }, .n_inputs = 2,
        .watch = &m->loss, .n_watch = 1, .adamw = { .weight_decay = 0.05, .max_norm = 1 },
    }, &m->stepper));
}

static inline void golden_close(golden_model *m)
{
    nn_stepper_destroy(m->stepper);
    nn_graph_destroy(m->g);
    nn_batch_finish(&m->batch);
    nn_model_destroy(m->v);
}

// What slot 0 holds.
static inline float *golden_pixels(golden_model *m)
{
    return (float *) nn_stepper_input(m->stepper, 0, "pixels");
}

static inline uint32_t *golden_labels(golden_model *m)
{
    return (uint32_t *) nn_stepper_input(m->stepper, 0, "labels");
}

// One step on what is in slot 0; returns the loss.
static inline float golden_step(golden_model *m, uint32_t n, double lr, uint64_t step, float *norm)
{
    float loss = 0;
    assert_ok(nn_stepper_submit(m->stepper, 0, n, lr, step));
    assert_ok(nn_stepper_wait(m->stepper, &loss, norm));
    return loss;
}

#endif
