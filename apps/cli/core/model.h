// model.h — the model of a command: loaded, with notes for the user.
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include "apps/cli/core/app.h"

// Load a folder for pictures of a size (0 x 0 = its own), with class vectors of a file (NULL = the folder's, if any),
// and say its notes.
vkc_status model_load(vkc_device *dev, const char *dir, const char *vectors, nn_size size, nn_model **out);
// The same of a folder whose config was read before; one without layers was not.
vkc_status model_load_as(vkc_device *dev, const char *dir, const nn_model_config *cfg, const char *vectors,
                         nn_size size, nn_model **out);
// To look at: a folder, of which nothing is said and values that are not finite are counted; or the name of an
// architecture with 1,000 classes, whose values are then random.
vkc_status model_load_or_make(vkc_device *dev, const char *name, nn_size size, nn_faults *faults, nn_model **out);

// Row of an option table, for a member called `class_vectors`.
#define VECTORS_ROW(type) \
    { "class-vectors", 0, ARG_TEXT, offsetof(type, class_vectors), 0, 0, "FILE", \
      "safetensors with one vector per class, for models without a classifier [M/class_vectors.safetensors]" }

#endif
