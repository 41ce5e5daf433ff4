// sparsity_maps.h — the pictures of pare sparsity: class attention over the patches, and whole attention maps.
#ifndef CLI_SPARSITY_MAPS_H
#define CLI_SPARSITY_MAPS_H

#include "apps/cli/options/data_options.h"

typedef struct map_args {
    const char *file, *dir;         // --maps, --full-maps; NULL = none
    const char *layers;             // "0,2": which; NULL = all
    uint32_t    images, head;       // head UINT32_MAX: the mean of all
    bool        force;
} map_args;

// Rows of an option table, for a `map_args` member called `m`.
#define MAP_ROWS(type) \
    { "maps", 0, ARG_OUT, offsetof(type, m.file), 0, 0, "PNG", \
      "draw the class token's attention, layer by layer" }, \
    { "full-maps", 0, ARG_OUT, offsetof(type, m.dir), 0, 0, "DIR", \
      "draw full attention maps, one file per image and layer" }, \
    { "images", 0, ARG_U32, offsetof(type, m.images), 1, 64, "K", \
      "number of images to draw, spread evenly over the split [4]" }, \
    { "layer", 0, ARG_TEXT, offsetof(type, m.layers), 0, 0, "L", "layers to draw, such as 0,2 [all]" }, \
    { "head", 0, ARG_U32, offsetof(type, m.head), 0, 4294967294.0, "H", "head to draw [the mean of all]" }, \
    { "force", 'f', ARG_FLAG, offsetof(type, m.force), 0, 0, NULL, "overwrite files of --maps and --full-maps" }
#define MAP_DEFAULTS { .images = 4, .head = UINT32_MAX }

// E_ARG when something is where files are to be written that is not to be replaced. Before any work.
vkc_status sparsity_maps_check_paths(const map_args *a, const char *model, const char *data);
// E_ARG when a layer or head is not there.
vkc_status sparsity_maps_check(const map_args *a, const nn_model_config *c);
// Draw what is asked for and say where it is.
vkc_status sparsity_maps_save(const map_args *a, const data_args *d, const nn_model *model, const nn_dataset *data,
                              nn_split split);

#endif
