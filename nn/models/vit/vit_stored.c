// vit_stored.c — the picture size that a file's positions are for: of weights fine-tuned at another size than their
// config says.
#include "nn/models/vit/vit_impl.h"

#include <math.h>
#include <string.h>

#include "nn/models/config/tensor_naming.h"

static const nn_st_tensor *find_positions(const nn_weights *w, const nn_model_config *cfg)
{
    const nn_naming naming = nn_naming_find(w, NULL, NULL);
    const nn_st_tensor *found = NULL;
    nn_tensor_name name;
    for (size_t i = 0; i < nn_weights_len(w); i++) {
        const nn_st_tensor *t = nn_weights_at(w, i);
        if (nn_tensor_name_get(t->name + naming.skip, &name) && strcmp(name.ours, "pos_embed") == 0)
            found = t;
    }
    const bool is_list = found && (found->rank == 2 || (found->rank == 3 && found->shape[0] == 1));
    return is_list && found->shape[found->rank - 1] == cfg->dim ? found : NULL;
}

// The side of a square of n patches; 0 = n is none, or none that is bearable.
static uint32_t get_side(uint64_t n, uint32_t patch)
{
    const uint32_t side = n <= NN_MAX_TOKENS ? (uint32_t) sqrt((double) n + 0.5) : 0;
    return (uint64_t) side * side == n && (uint64_t) side * patch <= 16384 ? side : 0;
}

void nn__vit_find_stored(const nn_weights *w, nn_size wanted, nn_model_config *cfg)
{
    const nn_size now = cfg->stored.height ? cfg->stored : (nn_size) { cfg->height, cfg->width };
    const uint64_t patches = (uint64_t) (now.height / cfg->patch) * (now.width / cfg->patch);
    const uint32_t prefix = cfg->bare_prefix ? 0 : nn_model_config_prefix(cfg);
    const nn_st_tensor *t = find_positions(w, cfg);
    const uint64_t rows = t ? t->shape[t->rank - 2] : 0;
    if (!t || rows == patches + prefix || (cfg->bare_prefix && rows == patches + 1))
        return;
    uint32_t side = rows > prefix ? get_side(rows - prefix, cfg->patch) : 0;
    if (!side && cfg->bare_prefix && rows > 1)      // the class token has one too
        side = get_side(rows - 1, cfg->patch);
    if (!side)
        return;
    cfg->stored = (nn_size) { side * cfg->patch, side * cfg->patch };
    if (cfg->stored.height != wanted.height || cfg->stored.width != wanted.width)
        nn_model_config_note(cfg, "%s: its positions are for pictures of %u x %u pixels, and are resampled for %u x %u",
                             nn_weights_path(w), cfg->stored.width, cfg->stored.height, wanted.width, wanted.height);
}
