// picture_loader.h — how a data set of pictures is read for a model: at its size, normalised as it wants it.
#ifndef NN_PICTURE_LOADER_H
#define NN_PICTURE_LOADER_H

#include "nn/data/loader.h"
#include "nn/models/config/model_config.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a model wants of a split: its size, channels, mean and std; all else zero.
nn_loader_params nn_loader_params_of(const nn_model_config *c, const nn_dataset *data, nn_split split, uint32_t batch);

// The same for training: the train split, shuffled by `seed`, and augmented unless `plain`.
nn_loader_params nn_loader_params_to_train(const nn_model_config *c, const nn_dataset *data, uint32_t batch,
                                           uint64_t seed, uint32_t threads, bool plain);

// Let `p`, made by the one before, augment by a recipe too. One that says where pixels come from (crop, flips) takes
// the place of the usual flips, transposes and shifts; anything else comes after them.
void             nn_loader_params_augment(nn_loader_params *p, const nn_augment_recipe *r);

#ifdef __cplusplus
}
#endif
#endif
