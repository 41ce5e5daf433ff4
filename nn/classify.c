// classify.c — a model folder as a classifier of pictures.
#include "nn/classify.h"

#include "nn/image.h"
#include "nn/infer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nn_classifier {
    nn_vit   *owned;                // NULL when the model is the caller's
    const nn_vit *v;
    nn_infer *inf;
    uint8_t  *rgb;                  // (height, width, 3)
    float    *pixels, *logits;      // (channels, height, width), (classes)
};

vkc_status nn_classifier_create_of(const nn_vit *v, bool kept, nn_classifier **out)
{
    vkc_status st;
    nn_classifier *c = (nn_classifier *) calloc(1, sizeof *c);
    if (!c)
        return VKC_FAIL(VKC_E_NOMEM, "classify: out of host memory");
    c->v = v;
    const nn_model_config *cfg = &v->cfg;
    const size_t area = (size_t) cfg->height * cfg->width;
    c->rgb = (uint8_t *) malloc(3 * area);
    c->pixels = (float *) malloc(cfg->channels * area * sizeof *c->pixels);
    c->logits = (float *) malloc(cfg->classes * sizeof *c->logits);
    if (!c->rgb || !c->pixels || !c->logits) {
        st = VKC_FAIL(VKC_E_NOMEM, "classify: out of host memory");
        goto done;
    }
    VKC_TRY(nn_infer_create_with(v, &(nn_infer_params) { .cap_images = 1, .kept = kept }, &c->inf));
    *out = c;
    c = NULL;
done:
    nn_classifier_destroy(c);
    return st;
}

vkc_status nn_classifier_create(vkc_device *dev, const char *model_dir, nn_classifier **out)
{
    nn_vit *v = NULL;
    vkc_status st = nn_vit_load(dev, model_dir, false, &v);
    if (st == VKC_OK)
        st = nn_classifier_create_of(v, false, out);
    if (st == VKC_OK)
        (*out)->owned = v;
    else
        nn_vit_destroy(v);
    return st;
}

void nn_classifier_destroy(nn_classifier *c)
{
    if (!c)
        return;
    nn_infer_destroy(c->inf);
    nn_vit_destroy(c->owned);
    free(c->rgb);
    free(c->pixels);
    free(c->logits);
    free(c);
}

const uint32_t *nn_classifier_kept(const nn_classifier *c, uint32_t l)
{
    return nn_infer_kept(c->inf, l);
}

const uint8_t *nn_classifier_rgb(const nn_classifier *c)
{
    return c->rgb;
}

uint32_t nn_classifier_classes(const nn_classifier *c)
{
    return c->v->cfg.classes;
}

// Logits to the k best classes; the lower index wins a tie. Overwrites the logits.
static void fill_top(float *logits, const nn_model_config *cfg, uint32_t k, nn_top *top)
{
    float most = logits[0];
    double sum = 0.0;
    for (uint32_t i = 1; i < cfg->classes; i++)
        most = logits[i] > most ? logits[i] : most;
    for (uint32_t i = 0; i < cfg->classes; i++)
        sum += exp((double) logits[i] - (double) most);
    for (uint32_t n = 0; n < k; n++) {
        top[n] = (nn_top) { .p = 0.0 };
        if (n >= cfg->classes)
            continue;
        uint32_t best = 0;
        for (uint32_t i = 1; i < cfg->classes; i++)
            if (logits[i] > logits[best])
                best = i;
        top[n].index = best;
        top[n].p = exp((double) logits[best] - (double) most) / sum;
        if (cfg->labels)
            snprintf(top[n].label, sizeof top[n].label, "%s", cfg->labels[best]);
        else
            snprintf(top[n].label, sizeof top[n].label, "class %u", best);
        logits[best] = -INFINITY;
    }
}

vkc_status nn_classifier_run(nn_classifier *c, const char *image_path, uint32_t k, nn_top *top)
{
    vkc_status st;
    const nn_model_config *cfg = &c->v->cfg;
    nn_image im = { 0 };
    VKC_TRY(nn_image_load(image_path, &im));
    VKC_TRY(nn_image_resize(&im, cfg->width, cfg->height, c->rgb));
    nn_image_normalise(c->rgb, (size_t) cfg->height * cfg->width, cfg->channels, cfg->mean, cfg->std, c->pixels);
    VKC_TRY(nn_infer_run(c->inf, c->pixels, 1, c->logits));
    for (uint32_t i = 0; i < cfg->classes; i++) {
        if (!isfinite(c->logits[i])) {
            st = VKC_FAIL(VKC_E_FORMAT, "the model gives no finite score for %s; are its weights broken?", image_path);
            goto done;
        }
    }
    fill_top(c->logits, cfg, k, top);
done:
    nn_image_finish(&im);
    return st;
}

vkc_status nn_classify_file(const char *model_dir, const char *image_path, uint32_t k, nn_top *top)
{
    vkc_device *dev = NULL;
    nn_classifier *c = NULL;
    vkc_status st;
    VKC_TRY(vkc_device_create(&(vkc_device_params) { .select = NULL }, &dev));
    VKC_TRY(nn_classifier_create(dev, model_dir, &c));
    st = nn_classifier_run(c, image_path, k, top);
done:
    nn_classifier_destroy(c);
    vkc_device_destroy(dev);
    return st;
}
