// vit.h — a vision transformer classifier: parameters under timm's names, and the graph over them.
//
// Blocks are pre-norm: x += proj(mixer(norm1(x))), x += fc2(gelu(fc1(norm2(x)))). Tokens are the class
// token, then those of the family (distillation token, registers), then the patches row by row. What else families
// differ in, nn_model_config says. A block's mixer may be any of nn/mixers/mixers.def, and its mixer and
// projection may come from another model (nn_vit_borrow), which is how hybrids are tried.
// Thread-safety: as the device.
#ifndef NN_VIT_H
#define NN_VIT_H

#include "nn/mixers/mixer.h"
#include "nn/models/vit/config/model_config.h"
#include "nn/models/vit/retention.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_vit_block {
    const nn_mixer *mixer;
    nn_layer_config layer;          // the mixer's name and options
    nn_params  *attn_params;        // whose parameters mixer_p, proj_w, proj_b index; may be borrowed
    uint32_t    mixer_p[NN_MAX_MIXER_PARAMS], n_mixer_p, proj_w, proj_b;
    uint32_t    norm1_w, norm1_b, norm2_w, norm2_b, fc1_w, fc1_b, fc2_w, fc2_b;    // in nn_vit.params
    uint32_t    ls1, ls2;           // with layer_scale
} nn_vit_block;

typedef struct nn_vit {
    nn_model_config cfg;            // owned copy
    vkc_device  *dev;
    nn_params   *params;
    nn_vit_block *block;            // (depth)
    uint32_t     patch_w, patch_b, cls, pos, norm_w, norm_b, head_w, head_b;
    uint32_t     more;              // tokens between class token and patches, where the family has them
    uint32_t     norm_pre_w, norm_pre_b;        // with pre_norm, and then no patch_b
    uint32_t     head_dist_w, head_dist_b;      // with a distillation token
    uint32_t     vectors;           // with cfg.embed: (classes, embed) unit rows times a scale
    nn_init     *init;              // (params->n) how each parameter starts
} nn_vit;

// The packed layouts of a batch of at most cap_images images.
typedef struct nn_batch {
    nn_rows *images, *patches, *tokens;     // 1, grid and prefix + grid tokens an image; owned
    nn_rows *kept[NN_MAX_DEPTH];            // made after block l by retention; NULL: all go on as they are. Owned
} nn_batch;

vkc_status nn_batch_create(vkc_device *dev, const nn_model_config *cfg, uint32_t cap_images, nn_batch *out);
vkc_status nn_batch_write(vkc_device *dev, nn_batch *b, uint32_t n_images);     // blocking; dense
void       nn_batch_finish(nn_batch *b);

// Make the model of a config, values zero. `trainable` adds gradient memory.
vkc_status nn_vit_create(vkc_device *dev, const nn_model_config *cfg, bool trainable, nn_vit **out);
void       nn_vit_destroy(nn_vit *v);
vkc_status nn_vit_init(nn_vit *v, uint64_t seed);       // from scratch
// Load a model folder, its weights from the files that weights.h finds beside config.json; or save weights to one file.
// They must match the config tensor by tensor, before any memory is asked for; E_FORMAT names what is missing, unknown
// or of another shape.
vkc_status nn_vit_load(vkc_device *dev, const char *dir, bool trainable, nn_vit **out);
// The same for pictures of another size, positions resampled (nn/models/vit/positions.h); 0 x 0 = the folder's, and then the
// same bits. And with class vectors (nn/models/vit/class_vectors.h) of a file; NULL: the folder's class_vectors.safetensors, if
// it has one.
vkc_status nn_vit_load_with(vkc_device *dev, const char *dir, const char *vectors, nn_size size, bool trainable,
                            nn_vit **out);
vkc_status nn_vit_save_weights(const nn_vit *v, const char *path);

// What the mixer of block l is asked with. Points into v.
nn_mixer_dims nn_vit_mixer_dims(const nn_vit *v, uint32_t l);

// Let block l of v use the mixer and projection of block l of `from`, which must outlive it.
void       nn_vit_borrow(nn_vit *v, const nn_vit *from, uint32_t l);

// Stochastic depth (nn/train/recipe.h): the branches of block l are left out of an image with probability
// rate * l / (depth - 1), anew by the words of the key, and count 1 / (1 - that) times where they stay.
typedef struct nn_vit_drop {
    nn_tensor *key;                 // (2) uint32, a plain input; NULL = all branches stay: the plain graph
    double     rate;                // of the last block, 0 .. < 1
} nn_vit_drop;

// Tensors inside, by layer; ask by handing one in, and nn_graph_keep what must stay readable. `drop` is read and, of
// `retention`, `gate` and `follow`.
typedef struct nn_vit_taps {
    nn_vit_drop drop;
    nn_tensor *normed[NN_MAX_DEPTH];        // y: what the mixer reads
    nn_tensor *heads[NN_MAX_DEPTH];         // before the projection
    nn_tensor *attn[NN_MAX_DEPTH];          // after it: what enters the residual stream
    nn_mixer_taps mixer[NN_MAX_DEPTH];
    nn_tensor *block[NN_MAX_DEPTH];         // the residual stream after the block
    nn_tensor *tokens;                      // after embedding
    nn_retention_taps retention;
} nn_vit_taps;

// Images as (B, channels * size * size) pixels, already normalised, packed by batch->images -> logits (B, K).
nn_tensor *nn_vit_forward(nn_graph *g, const nn_vit *v, const nn_batch *b, nn_tensor *pixels, bool trained,
                          nn_vit_taps *taps);
// The rest of it from block `first` on: x (R, C), the residual stream that enters that block, packed by batch->tokens
// -> logits. Dense models only (E_ARG) unless first is 0. Taps of what is before stay NULL; `tokens` is x for
// first = 0.
nn_tensor *nn_vit_forward_from(nn_graph *g, const nn_vit *v, const nn_batch *b, uint32_t first, nn_tensor *x,
                               bool trained, nn_vit_taps *taps);
// Block l alone: x (R, C) -> (R, C), the residual stream. `taps` may be NULL.
nn_tensor *nn_vit_block_forward(nn_graph *g, const nn_vit *v, uint32_t l, nn_tensor *x, bool trained,
                                nn_vit_taps *taps);
// Count what is not finite in what each mixer reads and gives (nn/graph/finite.h): "layer 3 (ssd): its input".
void       nn_vit_watch(nn_graph *g, const nn_vit *v, const nn_vit_taps *taps);
// The mixer and projection of block l alone: y (R, C) -> (R, C).
nn_tensor *nn_vit_attn(nn_graph *g, const nn_vit *v, uint32_t l, nn_tensor *y, bool trained,
                       nn_tensor **heads, nn_mixer_taps *taps);

// Parameters of the model of a config, counted without making it; 0 when host memory is short or its mixers are
// unknown.
uint64_t nn_vit_count_params(const nn_model_config *cfg);
uint64_t nn_vit_macs(const nn_vit *v, uint32_t l);      // multiply-adds an image; l = layer, depth = all
// Multiply-adds of block l, norms and MLP included, for an image of which `tokens` are there.
uint64_t nn_vit_block_macs(const nn_vit *v, uint32_t l, uint32_t tokens);

#ifdef __cplusplus
}
#endif
#endif
