// vit_impl.h — the parts of a vision transformer, for its row in the table of kinds.
#ifndef NN_VIT_IMPL_H
#define NN_VIT_IMPL_H

#include "nn/checkpoint/weights.h"
#include "nn/models/model_kind.h"
#include "nn/models/vit/vit.h"

#ifdef __cplusplus
extern "C" {
#endif

// Tokens between class token and patches: those of the family.
static inline uint32_t nn__vit_more(const nn_model_config *c)
{
    return c->distilled + c->registers;
}

// As the functions of nn_model_kind say.
void       nn__vit_add_front(nn_param_adder *a);
void       nn__vit_add_back(nn_param_adder *a);
nn_tensor *nn__vit_embed(nn_graph *g, const nn_model *m, const nn_batch *b, nn_tensor *const *in, bool trained);
nn_tensor *nn__vit_read_out(nn_graph *g, const nn_model *m, nn__retention *kept, nn_tensor *x, bool trained);
vkc_status nn__vit_load(vkc_device *dev, const char *dir, const nn_model_config *cfg, const nn_model_load_params *p,
                        nn_model **out);
vkc_status nn__vit_save_weights(const nn_model *m, const char *path);

// Find the picture size that the positions in `w` are for, where it is not the config's, and set cfg->stored. A note
// says so unless it is `wanted`, the size that the model will have. Positions that are no square of patches leave all
// as it is.
void nn__vit_find_stored(const nn_weights *w, nn_size wanted, nn_model_config *cfg);

#ifdef __cplusplus
}
#endif
#endif
