// hub.h — models that other programs have downloaded, found by name in their caches; nothing is fetched.
//
// Hugging Face's: HF_HUB_CACHE, or hub below HF_HOME, or ~/.cache/huggingface/hub. PyTorch's: hub/checkpoints below
// TORCH_HOME, or ~/.cache/torch. XDG_CACHE_HOME stands for ~/.cache where it is set.
#ifndef CLI_HUB_H
#define CLI_HUB_H

#include "nn/base/files.h"
#include "nn/base/name_list.h"

typedef struct hub_found {
    nn_name_list names;             // of what was found: n = 0 is nothing
    char path[NN_PATH_MAX];         // of the first: a folder of the hub, or a file of PyTorch's
} hub_found;

// What a name stands for: "google/vit-base-patch16-224", a name of timm's with its tag, "vit_tiny_patch16_224.augreg",
// or without one, which may be several. A folder of the hub counts when its main revision, or its only one, is there.
// What stands behind a # is an entry of the file, and no part of the name.
void hub_find(const char *name, hub_found *out);

// Is it a folder or a file, also with "#" and an entry of it behind?
bool hub_is_path(const char *name);
// The path that a name stands for, with the # and the entry, on the heap: *out = NULL where the name is a path already.
// E_IO: nothing of that name is in a cache; E_ARG: several are.
vkc_status hub_resolve(const char *name, char **out);

#endif
