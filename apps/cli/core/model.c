// model.c — the model of a command.
#include "apps/cli/core/model.h"

#include "nn/checkpoint/weights.h"
#include "nn/models/vit/positions.h"

#define IMAGENET_CLASSES 1000

vkc_status model_load(vkc_device *dev, const char *dir, const char *vectors, nn_size size, nn_model **out)
{
    return model_load_as(dev, dir, &(nn_model_config) { .depth = 0 }, vectors, size, out);
}

vkc_status model_load_as(vkc_device *dev, const char *dir, const nn_model_config *cfg, const char *vectors,
                         nn_size size, nn_model **out)
{
    char line[2048];
    vkc_status st = nn_model_load_with(dev, dir, &(nn_model_load_params) {
        .class_vectors = vectors, .size = size, .config = cfg->depth ? cfg : NULL }, out);
    for (const char *at = st == VKC_OK ? (*out)->cfg.notes : NULL; nn_model_config_next_note(&at, line, sizeof line);)
        say("%s", line);
    return st;
}

vkc_status model_load_or_make(vkc_device *dev, const char *name, nn_size size, nn_faults *faults, nn_model **out)
{
    nn_model_config cfg = { 0 };
    nn_model *m = NULL;
    vkc_status st;
    nn_weights_place place;
    VKC_TRY(nn_weights_find(name, &place));
    if (place.is_there || nn_model_config_init(&cfg, name) != VKC_OK)   // whose sentence it is, if there is nothing
        return nn_model_load_with(dev, name, &(nn_model_load_params) { .size = size, .faults = faults }, out);
    cfg.classes = cfg.classes ? cfg.classes : IMAGENET_CLASSES;
    VKC_TRY(nn_model_config_set_size(&cfg, size));
    VKC_TRY(nn_model_create(dev, &cfg, false, &m));
    VKC_TRY(nn_model_init(m, 0));
    *out = m;
    m = NULL;
done:
    nn_model_destroy(m);
    nn_model_config_finish(&cfg);
    return st;
}
