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
// A folder without any config: what the shapes of its tensors say, under timm's or DINOv2's names. Heads are taken to
// have 64 channels (c->guessed_heads).
vkc_status nn__config_guess(const char *folder, nn_model_config *c);

// A member that is a whole number for both, or a list of height and width.
vkc_status nn__size_read(const char *where, struct json_t *obj, const char *key, nn_size *out);
// Class names, n == c->classes: strings of a list; E_FORMAT when one is none or too long.
vkc_status nn__labels_set(const char *where, const char *key, const char *const *labels, nn_model_config *c);
// The labels as a list, a new reference; NULL without any.
struct json_t *nn__labels_json(const nn_model_config *c);
// The entries of label_names (once: labels), as many as classes, and in place of a name its description, where
// label_descriptions has one; none without that member.
vkc_status nn__labels_read(const char *where, struct json_t *root, nn_model_config *c);
// The activation that a key names, "gelu_pytorch_tanh"; E_FORMAT with those that there are.
vkc_status nn__act_read(const char *where, const char *key, const char *name, nn_model_config *c);
// MLP width as timm and Hugging Face compute it: dim times a ratio, cut to a whole number; 0 when absurd.
uint32_t   nn__hidden(uint32_t dim, double ratio);

#ifdef __cplusplus
}
#endif
#endif
