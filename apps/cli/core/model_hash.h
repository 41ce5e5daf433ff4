// model_hash.h — a checksum of a model, so that a run is not resumed with another.
#ifndef CLI_MODEL_HASH_H
#define CLI_MODEL_HASH_H

#include "nn/models/config/model_config.h"

#define MODEL_HASH_MAX 24

// Of the weights in the folder, the retention of `cfg` and, if asked for, its mixers: 16 hexadecimal digits (FNV-1a).
vkc_status model_hash(const char *dir, const nn_model_config *cfg, bool with_mixers, char out[MODEL_HASH_MAX]);

#endif
