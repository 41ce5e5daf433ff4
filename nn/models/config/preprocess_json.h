// preprocess_json.h — how pictures become pixels, as timm and Hugging Face write it down in a model folder.
//
// timm: pretrained_cfg of config.json, {input_size, interpolation, crop_pct, crop_mode, mean, std}. Hugging Face:
// preprocessor_config.json, or image_processor in processor_config.json, with size, crop_size, resample, image_mean,
// image_std and what is done at all.
// Both are read as these programs read them, defaults included. What they can say and this program cannot do is
// refused.
//
// Thread-safety: safe on different configs. Errors: E_FORMAT in words that begin with `where`, E_IO (files), E_NOMEM.
#ifndef NN_PREPROCESS_JSON_H
#define NN_PREPROCESS_JSON_H

#include "nn/models/config/model_config.h"

#ifdef __cplusplus
extern "C" {
#endif

// Means and standard deviations of the pictures that models were trained on, pixels in 0 .. 1.
extern const double nn_imagenet_mean[3], nn_imagenet_std[3], nn_clip_mean[3], nn_clip_std[3];

// Set preprocess, mean and std of a config whose channels are known (0 counts as 3). Where its height and width are 0
// they are set too, to the size of the pixels that come out; else they stay, and the settings hold for them.
vkc_status nn_preprocess_read_timm(const char *where, struct json_t *pretrained_cfg, nn_model_config *c);
// A processor without a name is the one of the config's family. Other factors than 1 / 255 go into mean and std.
vkc_status nn_preprocess_read_hf(const char *where, struct json_t *preprocessor, nn_model_config *c);

// The same from a model folder, by one program's rule. E_FORMAT where the folder does not have it.
vkc_status nn_preprocess_load(const char *model, nn_rule rule, nn_model_config *c);

// The objects to write: exact for the config's own rule, as close as the other program's settings can say it for the
// other. New references; NULL when memory is short.
struct json_t *nn_preprocess_json_timm(const nn_model_config *c);
struct json_t *nn_preprocess_json_hf(const nn_model_config *c);

#ifdef __cplusplus
}
#endif
#endif
