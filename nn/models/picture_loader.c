// picture_loader.c — settings of a loader from the config of a model.
#include "nn/models/picture_loader.h"

#include <string.h>

nn_loader_params nn_loader_params_of(const nn_model_config *c, const nn_dataset *data, nn_split split, uint32_t batch)
{
    nn_loader_params p = { .data = data, .split = split, .batch = batch, .height = c->height, .width = c->width,
                           .channels = c->channels, .preprocess = c->preprocess };
    memcpy(p.mean, c->mean, sizeof p.mean);
    memcpy(p.std, c->std, sizeof p.std);
    return p;
}

nn_loader_params nn_loader_params_to_train(const nn_model_config *c, const nn_dataset *data, uint32_t batch,
                                           uint64_t seed, uint32_t threads, bool plain)
{
    nn_loader_params p = nn_loader_params_of(c, data, NN_SPLIT_TRAIN, batch);
    p.seed = seed;
    p.threads = threads;
    p.shuffle = true;
    if (!plain)
        p.augment = nn_augment_default(data, c->height, c->width);
    return p;
}

void nn_loader_params_augment(nn_loader_params *p, const nn_augment_recipe *r)
{
    p->recipe = *r;
    if (nn_augment_recipe_is_geometric(r))
        p->augment = (nn_augment_params) { .shift = 0 };
}
