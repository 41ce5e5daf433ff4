// golden.h — a model folder with another implementation's results beside it, run on a device and compared.
//
// golden.safetensors holds float32 tensors: pixels (B, channels, H, W), normalised; tokens (B, T, C), the stream that
// enters block 0; block.<l> (B, T, C), the stream after block l; logits (B, K).
// Thread-safety: as the device. Errors: E_FORMAT with file and tensor, E_IO, E_NOMEM, device errors.
#ifndef NN_GOLDEN_H
#define NN_GOLDEN_H

#include "nn/models/config/model_config.h"
#include "vk/device.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_GOLDEN_LOGITS 1e-4       // bar: absolute difference
#define NN_GOLDEN_LAYER  1e-4       // bar: difference over the largest magnitude of the layer

typedef struct nn_golden_result {
    uint32_t n_layers;              // depth + 1: the tokens, then every block
    double   layer[NN_MAX_DEPTH + 1];       // largest difference over the largest magnitude; infinite where one of both
                                    // is not finite
    double   logits;                // largest difference
    uint32_t first_bad;             // of the layers; n_layers = the logits alone, n_layers + 1 = all are within bars
} nn_golden_result;

// Load the folder as any model is, run its pixels as one batch, compare.
vkc_status nn_golden_run(vkc_device *dev, const char *dir, nn_golden_result *out);
bool       nn_golden_is_right(const nn_golden_result *r);
// "tokens", "block.3" or "logits", by index of the layers, n_layers for the logits.
const char *nn_golden_name(const nn_golden_result *r, uint32_t layer, char out[24]);

#ifdef __cplusplus
}
#endif
#endif
