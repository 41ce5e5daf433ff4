// show.c — pictures, and the blocks that their tokens went through, onto a contact sheet.
#include "apps/cli/commands/show.h"

#include "apps/cli/commands/caption.h"
#include "nn/models/picture_loader.h"
#include "nn/infer/infer.h"
#include "nn/data/loader.h"

#include <stdlib.h>

static bool drops(const nn_model_config *c)
{
    for (uint32_t l = 0; l < c->depth; l++)
        if (nn_retention_is_made(c, l))
            return true;
    return false;
}

vkc_status show_create(const nn_model_config *c, nn_sheet **out)
{
    if (c->height != c->width)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "--show: images of %u x %u pixels; only square ones are drawn", c->width,
                        c->height);
    nn_sheet_params p = { .size = c->height, .patch = c->patch, .depth = c->depth };
    for (uint32_t l = 0; l < c->depth; l++)
        p.leaves[l] = nn_retention_is_made(c, l);
    return nn_sheet_create(&p, out);
}

vkc_status show_save(const nn_sheet *s, const nn_model_config *c, const char *path)
{
    if (nn_sheet_len(s) == 0) {
        warn("no image to draw: %s is not written", path);
        return VKC_OK;
    }
    vkc_status st = nn_sheet_save(s, path);
    if (st == VKC_OK && drops(c))
        say("%s shows where tokens were dropped", path);
    else if (st == VKC_OK)
        say("the model drops no tokens: %s shows the images as they are", path);
    return st;
}

// A picture (image, image, 3) that was image b of a run; `words` as nn_retention_depths takes them.
static vkc_status add(nn_sheet *s, const nn_model_config *c, const uint8_t *rgb, const uint32_t *const *words,
                      uint32_t b, const nn_lines *lines)
{
    uint8_t *blocks = (uint8_t *) malloc(nn_model_config_tokens(c));
    if (!blocks)
        return VKC_FAIL(VKC_E_NOMEM, "--show: out of host memory");
    nn_retention_depths(c, words, b, blocks);
    vkc_status st = nn_sheet_add(s, rgb, blocks + nn_model_config_prefix(c), lines);
    free(blocks);
    return st;
}

static vkc_status draw(const nn_model *m, nn_loader *l, const nn_loader_params *p, nn_sheet *sheet)
{
    const uint32_t n = p->batch;
    const nn_model_config *c = &m->cfg;
    const size_t area = (size_t) c->height * c->width;
    vkc_status st;
    nn_infer *inf = NULL;
    float *pixels = (float *) malloc(n * c->channels * area * sizeof *pixels);
    float *logits = (float *) malloc((size_t) n * c->classes * sizeof *logits);
    uint8_t *rgb = (uint8_t *) malloc(3 * area);
    const uint32_t *words[NN_MAX_DEPTH] = { 0 };
    uint32_t there = 0;
    nn_lines lines;
    if (!pixels || !logits || !rgb) {
        st = VKC_FAIL(VKC_E_NOMEM, "--show: out of host memory");
        goto done;
    }
    VKC_TRY(nn_infer_create_with(m, &(nn_infer_params) { .cap_images = n, .kept = true }, &inf));
    VKC_TRY(nn_loader_get(l, pixels, NULL, &there));
    if (there > 0)
        VKC_TRY(nn_infer_run(inf, pixels, there, logits));
    for (uint32_t k = 0; k < c->depth; k++)
        words[k] = nn_infer_kept(inf, k);
    for (uint32_t i = 0; i < there; i++) {
        nn_image_restore(pixels + i * c->channels * area, area, c->channels, c->mean, c->std, rgb);
        VKC_TRY(caption_of(&lines, c, &(labelled) { p->data, p->split, true }, nn_loader_taken(l, i),
                           logits + (size_t) i * c->classes));
        VKC_TRY(add(sheet, c, rgb, words, i, &lines));
    }
    st = VKC_OK;
done:
    nn_infer_destroy(inf);
    free(rgb);
    free(logits);
    free(pixels);
    return st;
}

vkc_status show_split(const nn_model *m, const nn_dataset *data, nn_split split, const data_args *d, uint32_t n,
                      const char *path)
{
    nn_loader_params p = nn_loader_params_of(&m->cfg, data, split, n);
    nn_loader *l = NULL;
    nn_sheet *sheet = NULL;
    vkc_status st;
    p.threads = d->threads;
    p.max_images = d->limit;
    p.epochs = 1;
    VKC_TRY(nn_loader_create(&p, &l));
    VKC_TRY(show_create(&m->cfg, &sheet));
    VKC_TRY(draw(m, l, &p, sheet));
    st = show_save(sheet, &m->cfg, path);
done:
    nn_sheet_destroy(sheet);
    nn_loader_destroy(l);
    return st;
}
