// golden.c — a model on the device against results of another implementation.
#include "nn/infer/golden.h"

#include "nn/base/files.h"
#include "nn/infer/infer.h"
#include "nn/checkpoint/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct golden {
    nn_safetensors *file;
    nn_model   *model;
    nn_infer *inf;
    uint32_t  n;                    // pictures
    float    *pixels, *logits, *want;
} golden;

// The pictures: as many as there are, each as the model takes them.
static vkc_status load_pixels(golden *g)
{
    const nn_model_config *c = &g->model->cfg;
    const nn_st_tensor *t = nn_safetensors_get(g->file, "pixels");
    const char *path = nn_safetensors_path(g->file);
    if (!t)
        return VKC_FAIL(VKC_E_FORMAT, "%s: there is no tensor pixels", path);
    if (t->rank != 4 || t->shape[0] == 0 || t->shape[0] > 1024 || t->shape[1] != c->channels ||
        t->shape[2] != c->height || t->shape[3] != c->width)
        return VKC_FAIL(VKC_E_FORMAT, "%s: pixels are not up to 1024 pictures of %u x %u x %u", path, c->channels,
                        c->height, c->width);
    g->n = (uint32_t) t->shape[0];
    const size_t len = (size_t) t->len, layer = (size_t) g->n * nn_model_config_tokens(c) * c->dim;
    const size_t out = (size_t) g->n * c->classes;
    g->pixels = (float *) malloc(len * sizeof *g->pixels);
    g->logits = (float *) malloc(out * sizeof *g->logits);
    g->want = (float *) malloc((layer > out ? layer : out) * sizeof *g->want);
    if (!g->pixels || !g->logits || !g->want)
        return VKC_FAIL(VKC_E_NOMEM, "golden: out of host memory");
    return nn_safetensors_get_f32(g->file, "pixels", 4, NULL, g->pixels, len);
}

// The largest difference and the largest magnitude.
static void measure(const float *is, const float *want, size_t len, double *most, double *scale)
{
    *most = *scale = 0;
    for (size_t i = 0; i < len; i++) {
        const double d = fabs((double) is[i] - (double) want[i]);
        *scale = fmax(*scale, fabs((double) want[i]));
        *most = isfinite(d) ? fmax(*most, d) : INFINITY;
        if (!isfinite(d))
            return;
    }
}

static vkc_status compare_layer(golden *g, nn_golden_result *r, uint32_t layer)
{
    const nn_model_config *c = &g->model->cfg;
    const uint64_t dim[3] = { g->n, nn_model_config_tokens(c), c->dim };
    const size_t len = (size_t) (dim[0] * dim[1] * dim[2]);
    const float *is = layer ? nn_infer_captured(g->inf, "blocks.%u", layer - 1) : nn_infer_captured(g->inf, "tokens");
    double most, scale;
    char name[24];
    vkc_status st = nn_safetensors_get_f32(g->file, nn_golden_name(r, layer, name), 3, dim, g->want, len);
    if (st != VKC_OK)
        return st;
    measure(is, g->want, len, &most, &scale);
    r->layer[layer] = most > 0 ? most / scale : 0;
    return VKC_OK;
}

static vkc_status compare(golden *g, nn_golden_result *r)
{
    const uint64_t dim[2] = { g->n, g->model->cfg.classes };
    vkc_status st = VKC_OK;
    double scale;
    for (uint32_t l = 0; l < r->n_layers; l++)
        VKC_TRY(compare_layer(g, r, l));
    VKC_TRY(nn_safetensors_get_f32(g->file, "logits", 2, dim, g->want, (size_t) (dim[0] * dim[1])));
    measure(g->logits, g->want, (size_t) (dim[0] * dim[1]), &r->logits, &scale);
    r->first_bad = 0;
    while (r->first_bad < r->n_layers && r->layer[r->first_bad] <= NN_GOLDEN_LAYER)
        r->first_bad++;
    if (r->first_bad == r->n_layers && r->logits <= NN_GOLDEN_LOGITS)
        r->first_bad++;
done:
    return st;
}

vkc_status nn_golden_run(vkc_device *dev, const char *dir, nn_golden_result *out)
{
    vkc_status st;
    golden g = { .n = 0 };
    char path[NN_PATH_MAX];
    *out = (nn_golden_result) { .n_layers = 0 };
    VKC_TRY(nn_path_build(path, dir, "golden.safetensors"));
    VKC_TRY(nn_safetensors_load(path, &g.file));
    VKC_TRY(nn_model_load(dev, dir, false, &g.model));
    out->n_layers = g.model->cfg.depth + 1;
    VKC_TRY(load_pixels(&g));
    VKC_TRY(nn_infer_create_with(g.model, &(nn_infer_params) { .cap_images = g.n, .capture = { "tokens", "blocks.*" } },
                                 &g.inf));
    VKC_TRY(nn_infer_run(g.inf, g.pixels, g.n, g.logits));
    st = compare(&g, out);
done:
    nn_infer_destroy(g.inf);
    nn_model_destroy(g.model);
    nn_safetensors_destroy(g.file);
    free(g.pixels);
    free(g.logits);
    free(g.want);
    return st;
}

bool nn_golden_is_right(const nn_golden_result *r)
{
    return r->first_bad > r->n_layers;
}

const char *nn_golden_name(const nn_golden_result *r, uint32_t layer, char out[24])
{
    if (layer == 0 || layer >= r->n_layers)
        snprintf(out, 24, "%s", layer ? "logits" : "tokens");
    else
        snprintf(out, 24, "block.%u", layer - 1);
    return out;
}
