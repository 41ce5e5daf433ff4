// model_config.h — what a model is, and the model folder that says so.
//
// A model folder of ours holds config.json (timm's keys), preprocessor_config.json (Hugging Face's keys), pare.json
// (what is ours: mixer of every layer, family, provenance, measured figures), README.md (model card) and
// model.safetensors. Others' are read too (docs/checkpoints.md): timm's, Hugging Face's, OpenCLIP's, and weights
// without any config.
// Thread-safety: safe on different configs.
// Errors: E_IO, E_FORMAT (files), E_ARG (arguments), E_NOMEM.
#ifndef NN_MODEL_CONFIG_H
#define NN_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/base/limits.h"
#include "nn/image/preprocess.h"
#include "nn/mixers/mixer.h"
#include "nn/mixers/rope.h"
#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;

typedef enum { NN_POLICY_NONE, NN_POLICY_HALTING, NN_POLICY_TOPK } nn_policy;

// Which tokens go on from block to block (nn/models/retention.h). All zero: every one.
typedef struct nn_retention_config {
    nn_policy policy;
    nn_gaps  gaps;                          // decays of mixers pass over dropped tokens, or count them
    // halting: tokens whose cumulative score has reached 1 - eps leave at the next multiple of `every` blocks
    uint32_t every;
    double   gate_scale, gate_centre, eps;
    bool     keep_class;                    // the class token never halts: the classifier reads it of the last block
    double   read_patches;                  // weight of the mean patch in what the classifier reads; 0 = class token;
                                            // 1 in a model without one
    // topk: of an image's patches, the share kept after block l; never more than after the block before,
    // 1 = no choice is made there (depth)
    double   share[NN_MAX_DEPTH];
} nn_retention_config;

typedef enum { NN_ACT_GELU, NN_ACT_QUICK_GELU, NN_ACT_GELU_TANH } nn_act;   // of the MLP: the erf form;
                                                                            // x sigma(1.702 x); the tanh form
typedef enum {                      // what the classifier reads
    NN_POOL_TOKEN,                  // the class token, after the last norm
    NN_POOL_AVG,                    // the mean patch, normed after (timm's avg with fc_norm)
    NN_POOL_TOKEN_AVG,              // class token and mean patch side by side, after the last norm (DINOv2)
    NN_POOL_NORM_AVG,               // the mean of the normed patches (I-JEPA, timm's avg without fc_norm)
    NN_POOL_RAW_AVG,                // the mean patch without any norm (CLIPForImageClassification)
    NN_POOL_MAP,                    // what one learned query reads of all tokens, and an MLP of that (SigLIP)
} nn_pool;
typedef enum {                      // what becomes of the logits (problem_type of a config)
    NN_SCORES_SOFTMAX,              // one class a picture
    NN_SCORES_SIGMOID,              // each class by itself
    NN_SCORES_NONE,                 // numbers that are predicted, no classes
} nn_scores;
typedef enum { NN_POSITIONS_TIMM, NN_POSITIONS_HF, NN_POSITIONS_DINOV2 } nn_pos_rule;     // nn/models/vit/positions.h

// What a causal language model is beside the sizes that all models have (nn/models/causal/causal.h).
typedef struct nn_text_config {
    uint32_t family;                        // whose names and keys its files have: a row of causal_families.def
    nn_text_attention attention;            // its eps is that of all norms
    bool     rms_norm;                      // norms are RMS norms; else layer norms
    bool     bare_norm;                     // they have no weights (OLMo)
    bool     post_norm;                     // they stand behind the branches, not before (OLMo 2)
    bool     proj_bias, mlp_bias;
    bool     positions;                     // learned ones (GPT-2)
    uint32_t tokens;                        // of a text that batches have room for; 0 = context, or NN_CAUSAL_TOKENS
    bool     tied;                          // the table of the embedding is the classifier
} nn_text_config;

typedef enum nn_model_type {
#define NN_MODEL(NAME, name) NN_MODEL_##NAME,
#include "nn/models/models.def"
#undef NN_MODEL
} nn_model_type;

// A transformer of pre-norm blocks. Zero in the fields of families is the plain vision transformer: class token,
// learned positions, a classifier on the class token.
typedef struct nn_model_config {
    nn_model_type type;                     // which kind of model (nn/models/models.def)
    uint32_t height, width, patch, channels;    // pixels of a picture, of a (square) patch; channels 1 or 3
    nn_size  stored;                        // of the pictures that the positions in the files are for; 0 x 0 = these
    uint32_t dim, depth, heads, hidden;     // hidden = width of the MLP
    uint32_t classes;                       // 0 = not known yet
    uint32_t vocab, context;                // of texts: token ids there are, and tokens of a sequence at most
    nn_text_config text;                  // NN_MODEL_CAUSAL
    // families
    uint32_t registers;                     // learned tokens between class token and patches (DINOv2)
    bool     no_class;                      // no class token: the classifier reads the patches
    bool     distilled;                     // DeiT's second class token with a head of its own; logits are their mean
    bool     pre_norm;                      // a norm before the first block; the patch embedding has no bias (CLIP)
    bool     layer_scale;                   // branches scaled channel by channel (DINOv2)
    bool     swiglu;                        // the MLP is gated: silu(first half) * second half (DINOv2 giant)
    bool     bare_prefix;                   // only patches have positions (timm's no_embed_class)
    bool     headless;                      // no classifier: the logits are the features, `classes` many
    uint32_t projection_dim;                // not 0: what comes of the classifier, or the features, are so many
                                            // numbers; made unit length, their products with class vectors are the
                                            // logits (CLIP)
    bool     mlp_norm;                      // a norm in the MLP, before its second matrix (EVA-02)
    bool     no_pos;                        // no learned positions of tokens (DINOv3, BEiT)
    nn_rope  rope;                          // rotary positions in attention; the grid in it is not read
    bool     no_key_bias;                   // attention's bias of k counts as zeros (DINOv3, EVA-02, BEiT)
    bool     relative;                      // relative positions: a table in each layer's attention (BEiT)
    bool     shared_relative;               // one that all layers share, instead or besides
    bool     no_qkv_bias;                   // of the files it comes from: read as zeros, and from then on there
    bool     no_patch_bias;                 // likewise (OpenCLIP without a norm before the blocks)
    bool     outputs_embedding;             // what comes of the classifier are no scores of classes, but CLIP's space
    nn_act   act;
    nn_pool  pool;
    nn_scores scores;                       // as its config says; nn_model_config_scores is what to go by
    nn_pos_rule pos_rule;                   // how positions are resampled for other picture sizes
    double   eps;                           // of every layer norm
    double   mean[3], std[3];               // of the channels, for pixels in 0..1
    nn_preprocess preprocess;               // how a picture becomes one of this size
    char   **labels;                        // (classes), owned; NULL = none
    nn_layer_config layers[NN_MAX_DEPTH];   // (depth)
    nn_retention_config retention;
    struct json_t *provenance, *measured;   // objects, owned; NULL = none
    char    *notes;                         // what a user should know of how the folder was read (a guess, settings
                                            // that contradict each other, what was passed over): sentences without
                                            // their full stop, each ended by a newline, owned; NULL = none
} nn_model_config;

// Init from "vit:image=64,patch=8,dim=96,depth=6,heads=3" and optionally mlp=4 (hidden / dim) or
// hidden=384, channels=3, classes=10, and mixer=: one for all layers, "linear:features=elu1" (several options have
// a + between them), or a list, "linear*3/attention*3", repeated until it fills the depth; attention by default. In
// place of vit: a name of timm's, "deit_tiny_patch16_224", and then only what is to differ from it.
// E_ARG names the key that is wrong, and the mixers and options that there are.
vkc_status nn_model_config_init(nn_model_config *c, const char *arch);
vkc_status nn_model_config_copy(const nn_model_config *from, nn_model_config *out);
void       nn_model_config_finish(nn_model_config *c);      // zeroed is fine

// Append a sentence to the notes, unless it is there already; control characters become question marks. Never fails:
// where host memory is short a note is lost.
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void       nn_model_config_note(nn_model_config *c, const char *fmt, ...);
// The notes one after the other: *at = notes to begin with. False at the end, or `line` holds the next, cut to `size`.
bool       nn_model_config_next_note(const char **at, char *line, size_t size);

// Sets `classes` and copies the labels. E_ARG: too many or not printable.
vkc_status nn_model_config_set_labels(nn_model_config *c, const char *const *labels, uint32_t n);

// A text as the name of a class: cut where a character of UTF-8 ends, control characters made spaces.
void       nn_label_clean(const char *text, char out[NN_MAX_LABEL + 1]);

// Inits *c, of a folder or a file of weights (nn/checkpoint/weights.h), from the folder's config.json (timm's or
// Hugging Face's keys) and pare.json (without one: attention everywhere), else from open_clip_config.json, else from
// the shapes of the weights and the architecture that a checkpoint says.
vkc_status nn_model_config_load(const char *model, nn_model_config *c);
// Makes the folder if need be and writes its JSON files, each atomically, and README.md when `card` is not NULL.
vkc_status nn_model_config_save(const char *folder, const nn_model_config *c, const char *card);

uint32_t nn_model_config_prefix(const nn_model_config *c);  // tokens before the patches: the class token, and those of
                                                            // its family
uint32_t nn_model_config_patches(const nn_model_config *c);
// What becomes of the logits: `scores`, but of a single class that is no class vector a sigmoid.
nn_scores nn_model_config_scores(const nn_model_config *c);
// Is a picture of one class? E_ARG when its scores are sigmoids: training by labels is for one class a picture.
vkc_status nn_model_config_check_exclusive(const nn_model_config *c);
// Are the logits scores of classes, and not features or an embedding? E_ARG, with what to do, when they are none.
bool     nn_model_config_has_scores(const nn_model_config *c);
vkc_status nn_model_config_check_scores(const nn_model_config *c);
const char *nn_model_config_kind(const nn_model_config *c);         // its name in models.def
vkc_status nn_model_config_check_pictures(const nn_model_config *c);    // E_ARG when it reads something else
uint32_t nn_model_config_tokens(const nn_model_config *c);  // both
uint32_t nn_model_config_features(const nn_model_config *c);    // numbers that the classifier reads: dim, or twice that
uint32_t nn_model_config_pixels(const nn_model_config *c);  // floats of a picture: channels * height * width

// Fails with `st`, in words that begin with `where`, when values contradict each other.
vkc_status nn_model_config_check(const nn_model_config *c, vkc_status st, const char *where);

#ifdef __cplusplus
}
#endif
#endif
