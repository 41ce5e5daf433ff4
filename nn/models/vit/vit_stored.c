// vit_stored.c — the picture size that a file's positions are for: of weights fine-tuned at another size than their
// config says.
#include "nn/models/vit/vit_impl.h"

#include <math.h>
#include <string.h>

#include "nn/models/config/tensor_naming.h"

// The last tensor whose name of ours ends like this.
static const nn_st_tensor *find_tensor(const nn_weights *w, const char *end)
{
    const nn_naming naming = nn_naming_find(w, NULL, NULL);
    const nn_st_tensor *found = NULL;
    nn_tensor_name name;
    for (size_t i = 0; i < nn_weights_len(w); i++) {
        const nn_st_tensor *t = nn_weights_at(w, i);
        if (!nn_tensor_name_get(t->name + naming.skip, &name))
            continue;
        const size_t len = strlen(name.ours);
        if (len >= strlen(end) && strcmp(name.ours + len - strlen(end), end) == 0)
            found = t;
    }
    return found;
}

static const nn_st_tensor *find_positions(const nn_weights *w, const nn_model_config *cfg)
{
    const nn_st_tensor *found = find_tensor(w, "pos_embed");
    const bool is_list = found && (found->rank == 2 || (found->rank == 3 && found->shape[0] == 1));
    return is_list && found->shape[found->rank - 1] == cfg->dim ? found : NULL;
}

// The side of a square of n patches; 0 = n is none, or none that is bearable.
static uint32_t get_side(uint64_t n, uint32_t patch)
{
    const uint32_t side = n <= NN_MAX_TOKENS ? (uint32_t) sqrt((double) n + 0.5) : 0;
    return (uint64_t) side * side == n && (uint64_t) side * patch <= 16384 ? side : 0;
}

// The side of the square of patches that a table of relative positions is for; 0 = of none, or of the grid that is
// expected.
static uint32_t get_table_side(const nn_weights *w, const nn_model_config *cfg, nn_size now)
{
    const nn_st_tensor *t = find_tensor(w, NN_RELATIVE_TABLE);
    if (!t || t->rank != 2 || t->shape[0] <= 3 || t->shape[0] > 4ull * NN_MAX_TOKENS ||
        t->shape[0] == nn_relative_rows(now.height / cfg->patch, now.width / cfg->patch))
        return 0;
    const uint32_t wide = (uint32_t) sqrt((double) (t->shape[0] - 3) + 0.5), side = (wide + 1) / 2;
    const bool is_square = (uint64_t) wide * wide == t->shape[0] - 3 && wide % 2;
    return is_square && (uint64_t) side * cfg->patch <= 16384 ? side : 0;
}

// The side by the positions of tokens; 0 likewise.
static uint32_t get_positions_side(const nn_weights *w, const nn_model_config *cfg, nn_size now)
{
    const uint64_t patches = (uint64_t) (now.height / cfg->patch) * (now.width / cfg->patch);
    const uint32_t prefix = cfg->bare_prefix ? 0 : nn_model_config_prefix(cfg);
    const nn_st_tensor *t = find_positions(w, cfg);
    const uint64_t rows = t ? t->shape[t->rank - 2] : 0;
    if (!t || rows == patches + prefix || (cfg->bare_prefix && rows == patches + 1))
        return 0;
    uint32_t side = rows > prefix ? get_side(rows - prefix, cfg->patch) : 0;
    if (!side && cfg->bare_prefix && rows > 1)      // the class token has one too
        side = get_side(rows - 1, cfg->patch);
    return side;
}

void nn__vit_find_stored(const nn_weights *w, nn_size wanted, nn_model_config *cfg)
{
    const nn_size now = cfg->stored.height ? cfg->stored : (nn_size) { cfg->height, cfg->width };
    const bool has_table = cfg->relative || cfg->shared_relative;
    const uint32_t side = has_table ? get_table_side(w, cfg, now) : get_positions_side(w, cfg, now);
    if (!side)
        return;
    cfg->stored = (nn_size) { side * cfg->patch, side * cfg->patch };
    if (cfg->stored.height != wanted.height || cfg->stored.width != wanted.width)
        nn_model_config_note(cfg, "%s: its positions are for pictures of %u x %u pixels, and are resampled for %u x %u",
                             nn_weights_path(w), cfg->stored.width, cfg->stored.height, wanted.width, wanted.height);
}
