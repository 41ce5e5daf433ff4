// class_map.h — which class of a model each class folder of a data set is: by name, or by place.
//
// Thread-safety: safe on different maps. Errors: E_FORMAT (folders and classes do not fit, in a sentence that says how
// they may be made to), E_NOMEM.
#ifndef NN_CLASS_MAP_H
#define NN_CLASS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nn_labels {
    NN_LABELS_AUTO,                 // by name where the model has names, else by place in the natural order
    NN_LABELS_INDEX,                // by place: the i-th folder, sorted bytewise, is class i
    NN_LABELS_NAME                  // by name, or not at all
} nn_labels;

vkc_status  nn_labels_get(const char *name, nn_labels *out);    // "auto", "index", "name"; else E_ARG
const char *nn_labels_name(nn_labels labels);

typedef struct nn_class_map_params {
    const char *data, *dash;        // for messages: where the folders are; what stands before an option, NULL = ""
    const char *const *folder;      // (n_folders) names, sorted bytewise, no two alike
    const char *const *label;       // (n_classes) names of the model's classes; NULL = it has none
    uint32_t n_folders, n_classes;  // both at least 1
    nn_labels how;
} nn_class_map_params;

typedef struct nn_class_map {
    uint32_t *to;                   // (n_folders) owned: the model's class; no two alike
    bool by_name;
    bool natural;                   // by place, in natural order, which here is not the bytewise one
    bool moved;                     // a folder's class is not its place in bytewise order
} nn_class_map;

// By name: a folder is the class whose whole label it equals, byte by byte; else the only class that has it among the
// synonyms of its label, the parts between commas ("tench, Tinca tinca"; the first sixteen). Each folder must be a
// class of its own; classes without a folder are fine. Labels that are all LABEL_0, LABEL_1 ... are no names.
// By place: there must be as many folders as classes. nn_class_map_finish the map.
vkc_status nn_class_map_make(const nn_class_map_params *p, nn_class_map *out);
void       nn_class_map_finish(nn_class_map *m);

// Do labels name anything? Not those that are NULL, or all LABEL_0, LABEL_1 ...
bool nn_labels_are_names(const char *const *label, uint32_t n);

// Order of names as timm has it: runs of digits by their value, letters of ASCII without their case; < 0, 0, > 0.
int  nn_compare_naturally(const char *a, const char *b);

#ifdef __cplusplus
}
#endif
#endif
