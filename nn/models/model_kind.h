// model_kind.h — what a kind of model does in its own way; for nn/models/ and the folders below it.
#ifndef NN_MODEL_KIND_H
#define NN_MODEL_KIND_H

#include "nn/models/model.h"
#include "nn/models/retention_impl.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nn_weights;

// Adds parameters one after the other; the first failure sticks in `st`.
typedef struct nn_param_adder {
    nn_model  *m;
    vkc_status st;
} nn_param_adder;

static inline nn_shape nn_vec(uint32_t n)
{
    const nn_shape s = { 1, { n } };
    return s;
}

static inline nn_shape nn_mat(uint32_t n, uint32_t k)
{
    const nn_shape s = { 2, { n, k } };
    return s;
}

// `saved` is the shape that files have; of rank 0: the same. Returns its index, 0 after a failure.
uint32_t nn_param_add(nn_param_adder *a, const char *name, nn_shape shape, nn_shape saved, bool decay, nn_init init);

// Weight and bias of a norm over the residual stream, "<name>.weight" and "<name>.bias"; NN_NO_PARAM for what the
// model's norms do not have.
void     nn__norm_add(nn_param_adder *a, const char *name, uint32_t *w, uint32_t *b);

// Those of block l, named "blocks.<l>.*".
void     nn__model_add_block(nn_param_adder *a, uint32_t l);

typedef struct nn_model_kind {
    const char *name, *about;       // `about` is one line
    size_t own_size;                // bytes of nn_model.own, zeroed before the parameters are added; 0 = none
    bool   reads_pictures;          // and has a preprocessor_config.json
    // What contradicts itself in a config of this kind, beside what all share: as nn_model_config_check.
    vkc_status (*check)(const nn_model_config *cfg, vkc_status st, const char *where);
    // config.json with "architecture": "pare_<name>", read and built; NULL: the files of nn/models/config/, timm's.
    vkc_status (*read_config)(const char *where, struct json_t *root, nn_model_config *cfg);
    struct json_t *(*build_config)(const nn_model_config *cfg);
    uint32_t   (*inputs)(const nn_model_config *cfg, nn_model_input out[NN_MAX_INPUTS]);
    uint32_t   (*tokens)(const nn_model_config *cfg);       // of a full sample
    // Those of them before its grid, and the grid; 0 x 0 = none.
    void       (*grid)(const nn_model_config *cfg, uint32_t *prefix, uint32_t *height, uint32_t *width);
    // Parameters before the blocks', and behind them. Their order is that of memory and files.
    void       (*add_front)(nn_param_adder *a);
    void       (*add_back)(nn_param_adder *a);
    // Inputs to the residual stream (R, C), packed by batch.tokens.
    nn_tensor *(*embed)(nn_graph *g, const nn_model *m, const nn_batch *b, nn_tensor *const *in, bool trained);
    // Is the class token's row all that read_out reads of a stream that keeps all tokens? NULL = no.
    bool       (*reads_class_token)(const nn_model_config *cfg);
    // The stream after the last block to logits (B, K).
    nn_tensor *(*read_out)(nn_graph *g, const nn_model *m, nn__retention *kept, nn_tensor *x, bool trained);
    vkc_status (*load)(vkc_device *dev, const char *dir, const nn_model_config *cfg, const nn_model_load_params *p,
                       nn_model **out);
    vkc_status (*save_weights)(const nn_model *m, const char *path);
} nn_model_kind;

#define NN_MODEL(NAME, name) extern const nn_model_kind nn_model_kind_##name;
#include "nn/models/models.def"
#undef NN_MODEL

const nn_model_kind *nn_model_kind_of(const nn_model_config *cfg);
// The kind whose config.json says this architecture, "pare_sequence"; NULL when none does. *type is its place.
const nn_model_kind *nn_model_kind_find(const char *architecture, nn_model_type *type);

// The names and shapes of a config's parameters, and no memory for their values yet: nn_params_alloc.
vkc_status nn__model_create_empty(vkc_device *dev, const nn_model_config *cfg, nn_model **out);

// Weights of a model folder under the parameters' own names and shapes, for kinds that no other program writes: as the
// functions of nn_model_kind say. E_FORMAT names tensors that are missing, unknown or of another shape.
vkc_status nn__model_load_as_named(vkc_device *dev, const char *dir, const nn_model_config *cfg,
                                   const nn_model_load_params *p, nn_model **out);
vkc_status nn__model_save_as_named(const nn_model *m, const char *path);

// Notes in `c` which dict of a checkpoint was read, where there was a choice.
void nn__model_note_entry(const struct nn_weights *w, nn_model_config *c);

// Pieces of a forward pass that kinds share. The activation of the MLP as op linear numbers it.
uint32_t   nn__model_act(const nn_model_config *cfg);
nn_tensor *nn__param(nn_graph *g, nn_params *ps, uint32_t index, bool trained);    // NULL for NN_NO_PARAM
nn_tensor *nn__norm(nn_graph *g, const nn_model *m, nn_tensor *x, uint32_t w, uint32_t b, bool trained);
nn_tensor *nn__linear(nn_graph *g, const nn_model *m, nn_tensor *x, uint32_t w, uint32_t b, bool trained);

#ifdef __cplusplus
}
#endif
#endif
