// tensor_naming.c — a prefix that all tensors of a file have, as training programs save a model inside another.
#include "nn/models/config/tensor_naming.h"

#include <string.h>

static bool is_known(const nn_params *own, const char *name)
{
    nn_tensor_name found;
    uint32_t index;
    return (own && nn_params_find(own, name, &index)) || nn_tensor_name_get(name, &found);
}

static bool are_known(const nn_weights *w, const nn_params *own, size_t skip)
{
    for (size_t i = 0; i < nn_weights_len(w); i++)
        if (!is_known(own, nn_weights_at(w, i)->name + skip))
            return false;
    return true;
}

// Bytes that all names have in common.
static size_t count_common(const nn_weights *w)
{
    const char *first = nn_weights_at(w, 0)->name;
    size_t n = strlen(first);
    for (size_t i = 1; i < nn_weights_len(w); i++) {
        const char *name = nn_weights_at(w, i)->name;
        size_t same = 0;
        while (same < n && name[same] == first[same])
            same++;
        n = same;
    }
    return n;
}

static size_t find_prefix(const nn_weights *w, const nn_params *own)
{
    if (nn_weights_len(w) < 2 || are_known(w, own, 0))
        return 0;
    const char *first = nn_weights_at(w, 0)->name;
    const size_t common = count_common(w);
    for (size_t i = 0; i < common; i++)
        if (first[i] == '.' && are_known(w, own, i + 1))
            return i + 1;
    return 0;
}

nn_naming nn_naming_find(const nn_weights *w, const nn_params *own, nn_model_config *c)
{
    const nn_naming naming = { find_prefix(w, own) };
    bool is_chunked = false;
    if (!c)
        return naming;
    for (size_t i = 0; i < nn_weights_len(w) && !is_chunked; i++)
        is_chunked = nn_tensor_name_is_chunked(nn_weights_at(w, i)->name + naming.skip);
    if (naming.skip)
        nn_model_config_note(c, "%s: the names of all tensors begin with \"%.*s\", which is taken off",
                             nn_weights_path(w), (int) naming.skip, nn_weights_at(w, 0)->name);
    if (is_chunked)
        nn_model_config_note(c, "%s: blocks are named in chunks, as FSDP writes them", nn_weights_path(w));
    return naming;
}
