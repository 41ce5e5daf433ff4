// causal_impl.h — the parts of causal language models, for their row in the table of kinds.
#ifndef NN_CAUSAL_IMPL_H
#define NN_CAUSAL_IMPL_H

#include "nn/models/causal/causal.h"
#include "nn/models/model_kind.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { NN_TEXT_GATED, NN_TEXT_PLAIN } nn_text_mlp;

// A family of transformers': its names, and what its config says where a key is left out.
typedef struct nn_causal_family {
    const char *type, *architecture;        // model_type; the class that is saved
    nn_text_mlp mlp;
    double   eps;                           // of its norms
    uint32_t context;                       // max_position_embeddings
    bool     rms_norm, bare_norm, post_norm, tied;
    bool     positions;                     // learned, and no rotary ones
    nn_qk_norm qk_norm;
    bool     qkv_bias, proj_bias, mlp_bias; // where no key says so
    bool     takes_biases, takes_clip;      // keys attention_bias and mlp_bias; clip_qkv
} nn_causal_family;

extern const nn_causal_family nn__causal_families[];
extern const uint32_t nn__causal_n_families;

// As the functions of nn_model_kind say.
vkc_status nn__causal_check(const nn_model_config *c, vkc_status st, const char *where);
vkc_status nn__causal_read_config(const char *where, struct json_t *root, nn_model_config *c);
struct json_t *nn__causal_build_config(const nn_model_config *c);
vkc_status nn__causal_load(vkc_device *dev, const char *dir, const nn_model_config *cfg, const nn_model_load_params *p,
                           nn_model **out);
vkc_status nn__causal_save_weights(const nn_model *m, const char *path);

// Where a tensor of a family's files belongs.
typedef struct nn_causal_place {
    char     name[NN_MAX_NAME];             // the parameter; "" = of no use here
    uint32_t row, rows;                     // its rows row .. row + rows - 1; rows 0 = all
    bool     is_transposed;
} nn_causal_place;

// False: the family has no tensor of this name.
bool nn__causal_place_get(const nn_model_config *c, const char *theirs, nn_causal_place *out);
// Part `part` (from 0 on) of a parameter of ours, and what the family calls it; false behind the last.
bool nn__causal_name_get(const nn_model_config *c, const char *ours, uint32_t part, nn_causal_place *out,
                         char theirs[NN_MAX_NAME]);

#ifdef __cplusplus
}
#endif
#endif
