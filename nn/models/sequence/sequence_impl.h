// sequence_impl.h — the parts of a classifier of token sequences, for its row in the table of kinds.
#ifndef NN_SEQUENCE_IMPL_H
#define NN_SEQUENCE_IMPL_H

#include "nn/models/model_kind.h"
#include "nn/models/sequence/sequence.h"

#ifdef __cplusplus
extern "C" {
#endif

// As the functions of nn_model_kind say.
vkc_status nn__sequence_check(const nn_model_config *c, vkc_status st, const char *where);
vkc_status nn__sequence_read_config(const char *where, struct json_t *root, nn_model_config *c);
struct json_t *nn__sequence_build_config(const nn_model_config *c);

#ifdef __cplusplus
}
#endif
#endif
