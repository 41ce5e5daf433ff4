// model.c — the model of a command.
#include "apps/cli/core/model.h"

#include "nn/checkpoint/weights.h"
#include "nn/models/vit/positions.h"

#define IMAGENET_CLASSES 1000

vkc_status model_load(vkc_device *dev, const char *dir, const char *vectors, nn_size size, nn_model **out)
{
    vkc_status st = nn_model_load_with(dev, dir, &(nn_model_load_params) { .class_vectors = vectors, .size = size },
                                       out);
    if (st == VKC_OK && (*out)->cfg.guessed_heads)
        say("%s has no config: its %u heads are a guess, of 64 channels each", dir, (*out)->cfg.heads);
    if (st == VKC_OK && *(*out)->cfg.other_entries)
        say("%s: the weights under %s are read; there are others under %s (--checkpoint-key)", dir,
            *(*out)->cfg.entry ? (*out)->cfg.entry : "no entry", (*out)->cfg.other_entries);
    return st;
}

vkc_status model_load_or_make(vkc_device *dev, const char *name, nn_size size, nn_model **out)
{
    nn_model_config cfg = { 0 };
    nn_model *m = NULL;
    vkc_status st;
    nn_weights_place place;
    VKC_TRY(nn_weights_find(name, &place));
    if (place.is_there || nn_model_config_init(&cfg, name) != VKC_OK)
        return model_load(dev, name, NULL, size, out);      // whose sentence it is, if there is no such folder either
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
