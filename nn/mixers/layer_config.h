// layer_config.h — which mixer a layer has and with what options, as files and command lines say it.
//
// Thread-safety: safe on different configs.
#ifndef NN_LAYER_CONFIG_H
#define NN_LAYER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_layer_config {
    char mixer[24];                 // a name of the mixer table; a-z, 0-9 and _
    char options[104];              // "feature=hedgehog,conv=3"; "" = none
} nn_layer_config;

// What decays of mixers make of dropped tokens: pass over them, or count them.
typedef enum { NN_GAPS_SKIP, NN_GAPS_COUNT } nn_gaps;

// E_ARG when a name or the options are not of the form above; whether there is such a mixer, nn_mixer_check says.
vkc_status nn_layer_config_set(nn_layer_config *l, const char *mixer, const char *options);
// The value of an option, into `out`; false when it is not there or does not fit.
bool       nn_layer_config_get(const nn_layer_config *l, const char *key, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
