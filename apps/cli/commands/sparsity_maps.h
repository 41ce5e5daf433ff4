// sparsity_maps.h — the pictures of pare sparsity: what the class token looks at, and whole maps, by attention weights;
// sparsity_gradients.h has those by gradients.
#ifndef CLI_SPARSITY_MAPS_H
#define CLI_SPARSITY_MAPS_H

#include "apps/cli/options/data_options.h"
#include "distill/sparsity/maps.h"

typedef struct map_args {
    const char *file, *dir;         // --maps, --full-maps; NULL = none
    const char *of;                 // --maps-of: "attention" (or NULL), "gradient"
    const char *teacher;            // whose attention is drawn beside gradients; NULL = none
    const char *layers;             // "0,3,5-7": which; NULL = all
    uint32_t    images, head;       // head UINT32_MAX: the mean of all
    bool        force;
} map_args;

// Rows of an option table, for a `map_args` member called `m`.
#define MAP_ROWS(type) \
    { "maps", 0, ARG_OUT, offsetof(type, m.file), 0, 0, "PNG", \
      "draw what the class token looks at, layer by layer; the words attention and gradient stand for --maps-of " \
      "and a file of that name, gradient.png" }, \
    { "maps-of", 0, ARG_TEXT, offsetof(type, m.of), 0, 0, "WHAT", \
      "what maps show: attention (weights), or gradient (of any mixer's output) [attention]" }, \
    { "full-maps", 0, ARG_OUT, offsetof(type, m.dir), 0, 0, "DIR", \
      "draw full maps, every token's, one file per image and layer" }, \
    { "teacher", 0, ARG_MODEL, offsetof(type, m.teacher), 0, 0, "T", \
      "draw this model's attention beside M's gradients" }, \
    { "images", 0, ARG_U32, offsetof(type, m.images), 1, 64, "K", \
      "number of images to draw, spread evenly over the split [4]" }, \
    { "layer", 0, ARG_TEXT, offsetof(type, m.layers), 0, 0, "L", "layers to draw, such as 0,3,5-7 [all]" }, \
    { "head", 0, ARG_U32, offsetof(type, m.head), 0, 4294967294.0, "H", "head to draw [the mean of all]" }, \
    { "force", 'f', ARG_FLAG, offsetof(type, m.force), 0, 0, NULL, "overwrite files of --maps and --full-maps" }
#define MAP_DEFAULTS { .images = 4, .head = UINT32_MAX }

// Settle what the maps are of and where they go: --maps gradient is --maps-of gradient --maps gradient.png. E_ARG when
// the options contradict each other.
vkc_status sparsity_maps_settle(map_args *a);
bool       sparsity_maps_by_gradient(const map_args *a);
// E_ARG when something is where files are to be written that is not to be replaced. Before any work.
vkc_status sparsity_maps_check_paths(const map_args *a, const char *model, const char *data);
// E_ARG when a layer or head is not there.
vkc_status sparsity_maps_check(const map_args *a, const nn_model_config *c);
// Draw what is asked for by attention weights and say where it is.
vkc_status sparsity_maps_save(const map_args *a, const data_args *d, const nn_model *model, const nn_dataset *data,
                              nn_split split);

// ---- for sparsity_gradients.c

#define MAPS_HEADS_A_ROW 4u         // of a file of whole maps
#define MAPS_TITLE_FULL "queries down, keys across; 1 is an even share"

// The layers of --layer; all without. E_ARG for what is no layer of the model.
vkc_status sparsity_maps_layers(const char *list, const nn_model_config *c, bool chosen[NN_MAX_DEPTH]);
// What stands above a panel: "layer 3", or with `more` "layer 3, head 2"; k = DISTILL_MAPS_HEADS leaves the number out.
void       sparsity_maps_name(char out[48], const char *what, uint32_t i, const char *more, uint32_t k);
// What the model takes the pictures for: logits (images, classes), to be freed; NULL where it has no classes.
vkc_status sparsity_maps_predict(const nn_model *model, const distill_maps *m, float **out);
// The data set with the model's class numbers, to be destroyed; NULL where its classes are others.
nn_dataset *sparsity_maps_view(const data_args *d, const nn_model *model, const nn_dataset *data);

#endif
