// model.h — a transformer of any kind of input: parameters, named inputs, blocks with mixers, a forward pass.
//
// Training, inference, measuring and distillation know a model by this header alone. What a kind of model does in its
// own way (its inputs, what comes before and after the blocks, its files) is a row of models.def and a folder below
// nn/models/. Blocks are the same for all: x += proj(mixer(norm1(x))), x += fc2(act(fc1(norm2(x)))), pre-norm. Their
// mixers may be any of nn/mixers/mixers.def, and mixer and projection of a block may come from another model
// (nn_model_borrow), which is how hybrids are tried.
// Thread-safety: as the device.
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include "nn/checkpoint/faults.h"
#include "nn/mixers/mixer.h"
#include "nn/models/batch.h"
#include "nn/models/config/model_config.h"
#include "nn/models/retention.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_NO_PARAM UINT32_MAX      // in place of the index of a parameter that a model does not have

typedef struct nn_block {
    const nn_mixer *mixer;
    nn_layer_config layer;          // the mixer's name and options
    nn_mixer_options options;       // the same, parsed
    nn_params  *attn_params;        // whose parameters mixer_p, proj_w, proj_b index; may be borrowed
    uint32_t    mixer_p[NN_MAX_MIXER_PARAMS], n_mixer_p, proj_w, proj_b;
    uint32_t    norm1_w, norm1_b, norm2_w, norm2_b, fc1_w, fc1_b, fc2_w, fc2_b;    // in nn_model.params
    uint32_t    ls1, ls2;           // with layer_scale
    uint32_t    mlp_norm_w, mlp_norm_b;     // with mlp_norm
} nn_block;

typedef struct nn_model {
    const struct nn_model_kind *kind;   // what is done its own way (nn/models/model_kind.h)
    nn_model_config cfg;            // owned copy
    vkc_device  *dev;
    nn_params   *params;
    nn_block    *block;             // (depth)
    nn_init     *init;              // (params->n) how each parameter starts
    void        *own;               // what only its kind knows; owned
} nn_model;

// Make the model of a config, values zero. `trainable` adds gradient memory.
vkc_status nn_model_create(vkc_device *dev, const nn_model_config *cfg, bool trainable, nn_model **out);
void       nn_model_destroy(nn_model *m);
vkc_status nn_model_init(nn_model *m, uint64_t seed);       // from scratch

typedef struct nn_model_load_params {
    bool        trainable;
    nn_size     size;               // pictures: of another size, positions resampled (nn/models/vit/positions.h);
                                    // 0 x 0 = the folder's, and then the same bits
    const nn_model_config *config;  // what nn_model_config_load made of the folder before, borrowed; NULL = it is read
    const char *class_vectors;      // a file (nn/models/vit/class_vectors.h); NULL: the folder's own, if it has one
    nn_faults  *faults;             // gets the count of values that are not finite; NULL: E_FORMAT when there are some
} nn_model_load_params;

// Load a model folder, its weights from the files that weights.h finds beside config.json; or save weights to one file.
// They must match the config tensor by tensor, before any memory is asked for; E_FORMAT names what is missing, unknown
// or of another shape.
vkc_status nn_model_load(vkc_device *dev, const char *dir, bool trainable, nn_model **out);
vkc_status nn_model_load_with(vkc_device *dev, const char *dir, const nn_model_load_params *p, nn_model **out);
vkc_status nn_model_save_weights(const nn_model *m, const char *path);

// What the mixer of block l is asked with. Points into m.
nn_mixer_dims nn_model_mixer_dims(const nn_model *m, uint32_t l);

// Let block l of m use the mixer and projection of block l of `from`, which must outlive it.
void       nn_model_borrow(nn_model *m, const nn_model *from, uint32_t l);

// Layouts for at most `cap` samples of the model of a config.
vkc_status nn_model_batch_create(vkc_device *dev, const nn_model_config *cfg, uint32_t cap, nn_batch *out);

// Relative positions that all layers share, where a model has some; others are parameters of their attention.
#define NN_SHARED_TABLE "rel_pos_bias." NN_RELATIVE_TABLE

// What is added to the scores of attention in block l: (rows, heads) values, as op attention's table. 0 rows: nothing
// is, and `table` is not written. Blocking. Errors: E_NOMEM and the device's.
uint32_t   nn_model_relative_rows(const nn_model *m, uint32_t l);
vkc_status nn_model_read_relative(const nn_model *m, uint32_t l, double *table);

#define NN_MAX_INPUTS 4

// What a model reads: "pixels" (B, channels * height * width), normalised; "ids" (R) uint32.
typedef struct nn_model_input {
    const char *name;
    nn_shape    shape;              // dim[0] is 0: a row of the layout each
    nn_dtype    dtype;
    bool        is_per_token;       // packed by batch.tokens and not by batch.samples
} nn_model_input;

// Fill `out`, return how many: at least one.
uint32_t   nn_model_inputs(const nn_model_config *cfg, nn_model_input out[NN_MAX_INPUTS]);
// The same as inputs of a graph, in that order; returns how many. A failure is the graph's sticky error.
uint32_t   nn_model_add_inputs(nn_graph *g, const nn_model_config *cfg, const nn_batch *b,
                               nn_tensor *out[NN_MAX_INPUTS]);

// Stochastic depth (nn/train/recipe.h): the branches of block l are left out of a sample with probability
// rate * l / (depth - 1), anew by the words of the key, and count 1 / (1 - that) times where they stay.
typedef struct nn_drop_paths {
    nn_tensor *key;                 // (2) uint32, a plain input; NULL = all branches stay: the plain graph
    double     rate;                // of the last block, 0 .. < 1
} nn_drop_paths;

// Tensors inside, by layer; ask by handing one in, and nn_graph_keep what must stay readable. `drop`, `only_logits`
// and `only_stream` are read and, of `retention`, `gate` and `follow`.
typedef struct nn_model_taps {
    nn_drop_paths drop;
    bool only_logits;                       // leave out rows that the logits do not depend on: where the classifier
                                            // reads the class token, those of the others behind the last mixer. `attn`
                                            // and `block` of that layer may then be NULL. Same logits, bit by bit
    bool only_stream;                       // stop behind the last block, and give the residual stream (R, C) there in
                                            // place of logits
    nn_tensor *normed[NN_MAX_DEPTH];        // y: what the mixer reads
    nn_tensor *heads[NN_MAX_DEPTH];         // before the projection
    nn_tensor *attn[NN_MAX_DEPTH];          // after it: what enters the residual stream
    nn_mixer_taps mixer[NN_MAX_DEPTH];
    nn_tensor *block[NN_MAX_DEPTH];         // the residual stream after the block
    nn_tensor *tokens;                      // after embedding
    nn_retention_taps retention;
} nn_model_taps;

// Inputs as nn_model_inputs says -> logits (B, K).
nn_tensor *nn_model_forward(nn_graph *g, const nn_model *m, const nn_batch *b, nn_tensor *const *in, bool trained,
                            nn_model_taps *taps);
// The rest of it from block `first` on: x (R, C), the residual stream that enters that block, packed by batch->tokens
// -> logits. Dense models only (E_ARG) unless first is 0. Taps of what is before stay NULL; `tokens` is x for
// first = 0.
nn_tensor *nn_model_forward_from(nn_graph *g, const nn_model *m, const nn_batch *b, uint32_t first, nn_tensor *x,
                                 bool trained, nn_model_taps *taps);
// Block l alone: x (R, C) -> (R, C), the residual stream. `taps` may be NULL.
nn_tensor *nn_model_block_forward(nn_graph *g, const nn_model *m, uint32_t l, nn_tensor *x, bool trained,
                                  nn_model_taps *taps);
// Count what is not finite in what each mixer reads and gives (nn/graph/finite.h): "layer 3 (ssd): its input".
void       nn_model_watch(nn_graph *g, const nn_model *m, const nn_model_taps *taps);
// The mixer and projection of block l alone: y (R, C) -> (R, C).
nn_tensor *nn_model_attn(nn_graph *g, const nn_model *m, uint32_t l, nn_tensor *y, bool trained,
                         nn_tensor **heads, nn_mixer_taps *taps);
// A tensor of a forward pass by the name it has in `taps`: "tokens", "blocks.3.normed", "blocks.3.heads",
// "blocks.3.attn", "blocks.3"; NULL when there is none.
nn_tensor *nn_model_taps_find(const nn_model *m, const nn_model_taps *taps, const char *name);

// Parameters of the model of a config, counted without making it; 0 when host memory is short or its mixers are
// unknown.
uint64_t nn_model_count_params(const nn_model_config *cfg);
uint64_t nn_model_macs(const nn_model *m, uint32_t l);      // multiply-adds a sample; l = layer, depth = all
uint64_t nn_model_attn_macs(const nn_model *m, uint32_t l); // of it, the mixer and projection of layer l
uint64_t nn_model_attn_params(const nn_model *m, uint32_t l);   // parameters of these
// Multiply-adds of block l, norms and MLP included, for a sample of which `tokens` are there.
uint64_t nn_model_block_macs(const nn_model *m, uint32_t l, uint32_t tokens);
// Of a picture of which block l gets the share keep[l] of its patches (depth), 0 .. 1, and all tokens that are none:
// the whole model, less what the blocks are spared. What a policy computes itself counts as with all tokens.
double   nn_model_kept_macs(const nn_model *m, const double *keep);

#ifdef __cplusplus
}
#endif
#endif
