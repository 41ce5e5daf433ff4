// sparsity_maps.c — attention maps of chosen pictures as heat maps.
#include "apps/cli/commands/sparsity_maps.h"

#include "apps/cli/commands/caption.h"
#include "apps/cli/core/list.h"
#include "nn/base/files.h"
#include "nn/base/names.h"
#include "nn/image/heat.h"
#include "nn/infer/infer.h"
#include "pipeline/base/data.h"

#include <stdlib.h>
#include <string.h>

#define TITLE_CLASS "attention of the class token; 1 is an even share"

enum { OF_ATTENTION, OF_GRADIENT };
static const char *const kinds[] = { "attention", "gradient" };

vkc_status sparsity_maps_settle(map_args *a)
{
    static const char *const files[] = { "attention.png", "gradient.png" };
    uint32_t of = OF_ATTENTION;
    vkc_status st = a->of ? nn_name_get("--maps-of", a->of, kinds, 2, &of) : VKC_OK;
    for (uint32_t k = 0; k < 2 && st == VKC_OK && a->file; k++) {
        if (strcmp(a->file, kinds[k]) != 0)
            continue;
        if (a->of && of != k)
            return VKC_FAIL(VKC_E_ARG, "--maps %s and --maps-of %s are not the same maps", a->file, a->of);
        of = k;
        a->file = files[k];
        break;
    }
    a->of = kinds[of];
    if (st == VKC_OK && a->teacher && of != OF_GRADIENT)
        st = VKC_FAIL(VKC_E_ARG, "--teacher is drawn beside gradients: add --maps gradient");
    if (st == VKC_OK && of == OF_GRADIENT && !a->file && !a->dir)
        st = VKC_FAIL(VKC_E_ARG, "--maps-of gradient says what is drawn, not where: add --maps PNG or --full-maps DIR");
    return st;
}

bool sparsity_maps_by_gradient(const map_args *a)
{
    return strcmp(a->of, kinds[OF_GRADIENT]) == 0;
}

vkc_status sparsity_maps_layers(const char *list, const nn_model_config *c, bool chosen[NN_MAX_DEPTH])
{
    uint32_t layer[NN_MAX_DEPTH], n = 0;
    const vkc_status st = list ? list_read_ranges("layer", "layer", list, c->depth, layer, &n) : VKC_OK;
    for (uint32_t l = 0; l < NN_MAX_DEPTH; l++)
        chosen[l] = !list && l < c->depth;
    for (uint32_t i = 0; i < n; i++)
        chosen[layer[i]] = true;
    return st;
}

vkc_status sparsity_maps_check(const map_args *a, const nn_model_config *c)
{
    bool chosen[NN_MAX_DEPTH], any = false;
    vkc_status st = sparsity_maps_layers(a->layers, c, chosen);
    for (uint32_t l = 0; l < c->depth; l++)
        any = any || (chosen[l] && (sparsity_maps_by_gradient(a) || nn_mixer_has_weights(&c->layers[l])));
    if (st == VKC_OK && (a->file || a->dir) && !any)
        st = VKC_FAIL(VKC_E_ARG, "no attention to draw: none of these layers has it; --maps gradient draws any mixer");
    if (st == VKC_OK && a->file && c->height != c->width)
        st = VKC_FAIL(VKC_E_ARG, "--maps draws square images, and the model reads %u x %u; --full-maps takes any",
                      c->height, c->width);
    if (st == VKC_OK && a->head != DISTILL_MAPS_HEADS && a->head >= c->heads)
        st = VKC_FAIL(VKC_E_ARG, "--head %u: the model has heads 0 .. %u", a->head, c->heads - 1);
    return st;
}

vkc_status sparsity_maps_check_paths(const map_args *a, const char *model, const char *data)
{
    const char *const read[] = { model, data, a->teacher };
    return nn_destination_check((const nn_destination[]) {
        { OUTPUT_OF("--maps", a->file, NN_TO_PNG, a->force), .input = read, .n_inputs = 3 },
        { OUTPUT_OF("--full-maps", a->dir, NN_TO_MAPS, a->force), .input = read, .n_inputs = 3 } }, 2);
}

void sparsity_maps_name(char out[48], const char *what, uint32_t i, const char *more, uint32_t k)
{
    if (k == DISTILL_MAPS_HEADS)
        snprintf(out, 48, "%s %u%s", what, i, more);
    else
        snprintf(out, 48, "%s %u%s %u", what, i, more, k);
}

vkc_status sparsity_maps_predict(const nn_model *model, const distill_maps *m, float **out)
{
    const uint32_t n = distill_maps_images(m);
    nn_infer *inf = NULL;
    vkc_status st;
    *out = NULL;
    if (!nn_model_config_has_scores(&model->cfg))
        return VKC_OK;
    float *logits = (float *) malloc((size_t) n * model->cfg.classes * sizeof *logits);
    if (!logits)
        return VKC_FAIL(VKC_E_NOMEM, "--maps: out of host memory");
    VKC_TRY(nn_infer_create(model, n, &inf));
    VKC_TRY(nn_infer_run(inf, distill_maps_pixels(m, 0), n, logits));
    *out = logits;
    logits = NULL;
done:
    nn_infer_destroy(inf);
    free(logits);
    return st;
}

static vkc_status save_class(const map_args *a, const nn_model *model, const distill_maps *m, const labelled *of,
                             const bool *chosen)
{
    const nn_model_config *c = &model->cfg;
    const uint32_t side = c->height / c->patch;
    char caption[48];
    nn_lines lines;
    float *logits = NULL;
    nn_heat *h = NULL;
    nn_heat_params p = { .size = c->height, .columns = 1, .title = TITLE_CLASS };
    float *share = (float *) malloc((size_t) side * side * sizeof *share);
    uint8_t *rgb = (uint8_t *) malloc(3 * (size_t) c->height * c->width);
    vkc_status st;
    for (uint32_t l = 0; l < c->depth; l++)
        p.columns += chosen[l] && distill_maps_has(m, l);
    VKC_TRY(nn_heat_create(&p, &h));
    if (!share || !rgb) {
        st = VKC_FAIL(VKC_E_NOMEM, "--maps: out of host memory");
        goto done;
    }
    VKC_TRY(sparsity_maps_predict(model, m, &logits));
    for (uint32_t i = 0; i < distill_maps_images(m); i++) {
        nn_image_restore(distill_maps_pixels(m, i), (size_t) c->height * c->width, c->channels, c->mean, c->std, rgb);
        sparsity_maps_name(caption, "image", i, "", DISTILL_MAPS_HEADS);
        VKC_TRY(nn_heat_add(h, caption, rgb, NULL, 0));
        VKC_TRY(caption_of(&lines, c, of, distill_maps_picture(m, i),
                           logits ? logits + (size_t) i * c->classes : NULL));
        VKC_TRY(nn_heat_add_lines(h, &lines));
        for (uint32_t l = 0; l < c->depth; l++) {
            if (!chosen[l] || !distill_maps_has(m, l))
                continue;
            VKC_TRY(distill_maps_read_class(m, l, i, a->head, share));
            sparsity_maps_name(caption, "layer", l, a->head == DISTILL_MAPS_HEADS ? "" : ", head", a->head);
            VKC_TRY(nn_heat_add(h, caption, rgb, share, side));
        }
    }
    st = nn_heat_save(h, a->file);
    if (st == VKC_OK)
        say("%s shows %s", a->file, c->no_class ? "what each patch receives of all attention" :
                                                 "what the class token attends to");
done:
    nn_heat_destroy(h);
    free(logits);
    free(rgb);
    free(share);
    return st;
}

static vkc_status save_full(const map_args *a, const nn_model *model, const distill_maps *m, uint32_t i, uint32_t l,
                            float *share)
{
    const uint32_t tokens = nn_model_config_tokens(&model->cfg), heads = model->cfg.heads;
    char name[64], path[NN_PATH_MAX], caption[48];
    nn_heat *h = NULL;
    nn_heat_params p = { .size = tokens, .columns = heads < MAPS_HEADS_A_ROW ? heads : MAPS_HEADS_A_ROW,
                         .title = MAPS_TITLE_FULL };
    vkc_status st;
    VKC_TRY(nn_heat_create(&p, &h));
    for (uint32_t k = 0; k < heads; k++) {
        if (a->head != DISTILL_MAPS_HEADS && k != a->head)
            continue;
        VKC_TRY(distill_maps_read_full(m, l, i, k, share));
        sparsity_maps_name(caption, "layer", l, ", head", k);
        VKC_TRY(nn_heat_add(h, caption, NULL, share, tokens));
    }
    snprintf(name, sizeof name, "picture-%03u-layer-%02u.png", i, l);
    VKC_TRY(nn_path_build(path, a->dir, name));
    st = nn_heat_save(h, path);
done:
    nn_heat_destroy(h);
    return st;
}

static vkc_status save_all(const map_args *a, const nn_model *model, const distill_maps *m, const bool *chosen)
{
    const size_t tokens = nn_model_config_tokens(&model->cfg);
    float *share = (float *) malloc(tokens * tokens * sizeof *share);
    vkc_status st = share ? nn_folder_create(a->dir) : VKC_FAIL(VKC_E_NOMEM, "--full-maps: out of host memory");
    for (uint32_t i = 0; i < distill_maps_images(m) && st == VKC_OK; i++)
        for (uint32_t l = 0; l < model->cfg.depth && st == VKC_OK; l++)
            if (chosen[l] && distill_maps_has(m, l))
                st = save_full(a, model, m, i, l, share);
    if (st == VKC_OK)
        say("%s has the attention maps: rows are queries, columns keys, the class token first", a->dir);
    free(share);
    return st;
}

nn_dataset *sparsity_maps_view(const data_args *d, const nn_model *model, const nn_dataset *data)
{
    pipeline_data matched = data_of(d, data);
    nn_dataset *view = NULL;
    const pipeline_context quiet = { .dev = NULL };
    return pipeline_data_match(&quiet, &matched, &model->cfg, "the model", &view) == VKC_OK ? view : NULL;
}

vkc_status sparsity_maps_save(const map_args *a, const data_args *d, const nn_model *model, const nn_dataset *data,
                              nn_split split)
{
    bool chosen[NN_MAX_DEPTH];
    distill_maps *m = NULL;
    nn_dataset *view = NULL;
    vkc_status st;
    if (!a->file && !a->dir)
        return VKC_OK;
    VKC_TRY(sparsity_maps_layers(a->layers, &model->cfg, chosen));
    view = sparsity_maps_view(d, model, data);      // NULL: pictures are called as the data set has them
    VKC_TRY(distill_maps_create(model, &(distill_maps_params) { .data = data, .split = split, .images = a->images,
                                                            .threads = d->threads }, &m));
    if (a->file)
        VKC_TRY(save_class(a, model, m, &(labelled) { view ? view : data, split, view != NULL }, chosen));
    if (a->dir)
        VKC_TRY(save_all(a, model, m, chosen));
done:
    distill_maps_destroy(m);
    nn_dataset_destroy(view);
    return st;
}
