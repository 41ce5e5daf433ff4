// model_config_impl.h — the parts that reading a model folder's config is made of. `where` begins every sentence.
#ifndef NN_MODEL_CONFIG_IMPL_H
#define NN_MODEL_CONFIG_IMPL_H

#include "nn/models/config/model_config.h"

#ifdef __cplusplus
extern "C" {
#endif

// The object "retention" of pare.json's root, of a model whose depth is known; without one, none.
vkc_status nn__retention_read(const char *where, struct json_t *root, nn_model_config *c);
// The object "family" of pare.json's root; without one the config stays. And that object to write; NULL for a plain
// ViT.
vkc_status nn__family_read(const char *where, struct json_t *root, nn_model_config *c);
struct json_t *nn__family_json(const nn_model_config *c);

// What a name of timm's says, "deit_tiny_distilled_patch16_224.fb_in1k": sizes, family, epsilon; classes stay 0
// unless it has none. Fails with `st`.
vkc_status nn__arch_read(vkc_status st, const char *where, const char *name, nn_model_config *c);

// Likewise, of a model of timm's Eva class: the first `len` bytes are its name; false when no such model is known. Its
// arguments, `arch` being the name. And what a model of ours is as one: is it one at all, the architecture, the
// arguments that such a model has besides.
bool        nn__arch_read_eva(const char *name, size_t len, nn_model_config *c);
vkc_status  nn__args_read_eva(const char *where, const char *arch, struct json_t *args, nn_model_config *c);
bool        nn__config_is_eva(const nn_model_config *c);
const char *nn__arch_of_eva(const nn_model_config *c);
void        nn__args_add_eva(const nn_model_config *c, struct json_t *args);

// Likewise, of timm's Beit class; is a name one of its architectures? And the part of a config of transformers' BEiT or
// data2vec-vision that is not alike in all families: positions, LayerScale, pooling.
bool        nn__arch_read_beit(const char *name, size_t len, nn_model_config *c);
bool        nn__arch_is_beit(const char *name);
vkc_status  nn__args_read_beit(const char *where, struct json_t *args, nn_model_config *c);
bool        nn__config_is_beit(const nn_model_config *c);
void        nn__args_add_beit(const nn_model_config *c, struct json_t *args);
vkc_status  nn__config_read_hf_beit(const char *where, struct json_t *obj, nn_model_config *c);

// Attention in every layer, all tokens kept, no class vectors: may another program have such a model?
bool       nn__config_is_plain(const nn_model_config *c);
// Is it a model that only transformers have, their DINOv2 with a classifier on class token and mean patch? Then weights
// are written under their names, and config.json says what they want to know besides; nn__config_add_dinov2 adds it.
bool       nn__config_is_dinov2(const nn_model_config *c);
void       nn__config_add_dinov2(const nn_model_config *c, struct json_t *config);

// config.json as timm writes it; as Hugging Face does; open_clip_config.json.
vkc_status nn__config_read_timm(const char *where, struct json_t *root, nn_model_config *c);
vkc_status nn__config_read_hf(const char *where, struct json_t *root, nn_model_config *c);
vkc_status nn__config_read_open_clip(const char *where, struct json_t *root, nn_model_config *c);
// A folder or file without any config: what the shapes of its tensors say, under timm's or DINOv2's names. Heads are
// taken to have 64 channels unless a checkpoint says which architecture it is of. A note tells.
vkc_status nn__config_guess(const char *model, nn_model_config *c);

// A member that is a whole number for both, or a list of height and width.
vkc_status nn__size_read(const char *where, struct json_t *obj, const char *key, nn_size *out);
// Class names, n == c->classes: strings and numbers. What cannot be a name becomes one: a text that is too long is cut,
// control characters become spaces, and what is no text or number at all (NULL too) "class 3", with a note.
vkc_status nn__labels_set(const char *where, const char *key, struct json_t *const *labels, nn_model_config *c);
// Keys that this program knows at one value alone, their default, as JSON: E_FORMAT where an object has them at
// another. A value of NULL: it makes no difference, whatever it is. A key of NULL ends the list.
typedef struct nn__fixed_key { const char *key, *value; } nn__fixed_key;
vkc_status nn__fixed_check(const char *where, struct json_t *obj, const nn__fixed_key *fixed);
// nn_json_check_keys, of two lists.
vkc_status nn__keys_check(const char *where, struct json_t *obj, const char *const *known, const nn__fixed_key *fixed);

// A note that names the keys of an object that are not in `known`, which ends with NULL, and neither null nor false.
void       nn__unknown_note(const char *where, struct json_t *obj, const char *const *known, nn_model_config *c);

// Pictures as the files of Hugging Face in a folder say: image_processor of processor_config.json, else
// preprocessor_config.json; *is_there = false: there is neither. Where both are and disagree a note says so.
vkc_status nn__preprocess_read_hf_folder(const char *folder, nn_model_config *c, bool *is_there);
// A note where the folder has the settings of the program whose rule the config does not follow too, and they mean
// other pixels. When they are broken: fails, or unless `is_strict` a note. `config`: what config.json says; NULL = not
// read yet.
vkc_status nn__preprocess_check_folder(const char *folder, struct json_t *config, bool is_strict, nn_model_config *c);

// problem_type, of a config whose classes are known, with a note where scores are no softmax.
vkc_status nn__scores_read(const char *where, struct json_t *root, nn_model_config *c);
// Its value to write; NULL for a softmax.
const char *nn__scores_name(nn_scores scores);

// The labels as a list, a new reference; NULL without any.
struct json_t *nn__labels_json(const nn_model_config *c);
// The entries of label_names (once: labels), and in place of a name its description, where label_descriptions has one;
// none without that member, or, with a note, where they are not as many as classes.
vkc_status nn__labels_read(const char *where, struct json_t *root, nn_model_config *c);
// The activation that a key names, "gelu_pytorch_tanh"; E_FORMAT with those that there are.
vkc_status nn__act_read(const char *where, const char *key, const char *name, nn_model_config *c);
// MLP width as timm and Hugging Face compute it: dim times a ratio, cut to a whole number; 0 when absurd.
uint32_t   nn__hidden(uint32_t dim, double ratio);

#ifdef __cplusplus
}
#endif
#endif
