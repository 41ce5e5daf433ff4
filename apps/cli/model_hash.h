// model_hash.h — a checksum of a model, so that a run is not resumed with another one.
#ifndef CLI_MODEL_HASH_H
#define CLI_MODEL_HASH_H

#include "nn/model_config.h"

// Of the weights in the folder `dir`, the retention and the mixers of all layers: 16 hexadecimal digits.
// Errors: E_IO, E_NOMEM.
vkc_status model_hash(const char *dir, const nn_model_config *cfg, char out[24]);

#endif
