// dataset.h — labelled pictures: a folder of class folders, or the built-in synth:ringed-digit.
//
// A folder D holds one folder per class, or train/, val/ and test/ (also training/, validation/ or valid/, testing/)
// that do. All pictures at any depth below a class folder are of that class. Class names, sorted bytewise, are the
// class indices; a class without pictures keeps its number. Without such splits the pictures are split by what the
// files hold (70, 15 and 15 % of each class), which reads each of them once; or, when asked for, all of them are one.
// Files are only listed here; broken ones are found when they are read.
//
// Thread-safety: a data set, once created, may be shared: all that reading changes is the count of broken pictures.
// Errors: E_ARG (an unknown name or option), E_IO, E_FORMAT (no classes, no pictures, two folders for one split),
// E_NOMEM, E_STOPPED (the progress function of a split).
#ifndef NN_DATASET_H
#define NN_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/base/progress.h"
#include "nn/data/left_out.h"
#include "nn/image/preprocess.h"
#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { NN_SPLIT_TRAIN, NN_SPLIT_VAL, NN_SPLIT_TEST, NN_N_SPLITS, NN_SPLIT_ALL = NN_N_SPLITS } nn_split;

vkc_status  nn_split_get(const char *name, nn_split *out);      // "train", "val", "test", "all"; else E_ARG
const char *nn_split_name(nn_split split);

typedef struct nn_dataset nn_dataset;

// `spec` is a folder, or synth:ringed-digit and options: synth:ringed-digit,train=8192,val=1000,test=2000.
// An option fresh=1 (the default, 0 switches it off) draws new training pictures in every epoch.
// A plain folder of classes is split with seed 0.
vkc_status nn_dataset_create(const char *spec, nn_dataset **out);
void       nn_dataset_destroy(nn_dataset *d);

typedef struct nn_dataset_params {
    const char *spec;
    uint64_t    split_seed;         // of a plain folder of classes
    bool        whole;              // which is not split: all its pictures are in NN_SPLIT_ALL and in no other
    nn_progress_fn progress;        // of splitting; may be NULL
    void       *user;
} nn_dataset_params;

vkc_status nn_dataset_create_with(const nn_dataset_params *params, nn_dataset **out);

// The same pictures under a model's classes: class i of `of`, which is no view, is to[i] (nn/data/class_map.h), below
// `classes`; its names are the model's, or without (label NULL) its own. `of` must outlive it; nn_dataset_destroy it.
vkc_status nn_dataset_create_view(const nn_dataset *of, const uint32_t *to, const char *const *label, uint32_t classes,
                                  nn_dataset **out);

const char        *nn_dataset_spec(const nn_dataset *d);
// Whose bytes a picture has that is resized, 12 or 13 (nn/image/resample.h), whatever nn_dataset_read is told; 0, as
// it is after nn_dataset_create: as that says. To be set before other threads read, and before views are made.
void               nn_dataset_set_pillow(nn_dataset *d, uint32_t pillow);
uint32_t           nn_dataset_pillow(const nn_dataset *d);
bool               nn_dataset_has_splits(const nn_dataset *d);  // false: a plain folder of classes
// A plain folder that was split: its seed, and a checksum of what all its files hold. False: it was not.
bool               nn_dataset_get_split(const nn_dataset *d, uint64_t *seed, uint64_t *contents);
const nn_left_out *nn_dataset_left_out(const nn_dataset *d);
// Pictures that nn_dataset_read found broken so far, in whatever thread, for whatever view; each counts once.
uint32_t           nn_dataset_count_bad(const nn_dataset *d);
bool               nn_dataset_is_bad(const nn_dataset *d, nn_split split, uint32_t i);      // is this one of them?
uint32_t           nn_dataset_classes(const nn_dataset *d);
const char *const *nn_dataset_labels(const nn_dataset *d);      // (classes), names of the classes
// Classes without a picture in any split: how many, and the first `cap` of them.
uint32_t           nn_dataset_list_empty(const nn_dataset *d, uint32_t *out, uint32_t cap);
uint32_t           nn_dataset_len(const nn_dataset *d, nn_split split);     // pictures listed; may be 0
uint32_t           nn_dataset_label(const nn_dataset *d, nn_split split, uint32_t i);
// Would a mirrored or turned picture be of another class (as with digits)? Then shift only.
bool               nn_dataset_is_oriented(const nn_dataset *d);
// Do the pictures of this split change from epoch to epoch?
bool               nn_dataset_is_fresh(const nn_dataset *d, nn_split split);
// Where picture i is, for messages: a path, or "synth:ringed-digit train 12". `out` holds NN_PATH_MAX bytes.
vkc_status         nn_dataset_path(const nn_dataset *d, nn_split split, uint32_t i, char *out);
// Bytes of its file, when that was listed; 0 of what is drawn.
uint64_t           nn_dataset_file_size(const nn_dataset *d, nn_split split, uint32_t i);

// Decode or draw picture i and bring it to this size by `pre`: (height, width, 3) bytes. `epoch` matters to fresh
// splits only.
// E_FORMAT or E_IO with its name when it is broken.
vkc_status nn_dataset_read(const nn_dataset *d, nn_split split, uint32_t i, uint64_t epoch,
                           const nn_preprocess *pre, nn_size size, uint8_t *rgb);

// Decode or draw picture i as large as it is; nn_image_finish it. Errors: as nn_dataset_read.
vkc_status nn_dataset_load(const nn_dataset *d, nn_split split, uint32_t i, uint64_t epoch, struct nn_image *out);

// The seed nn_synth_read takes for a split of synth:ringed-digit; picture i of val and test has the index i,
// so nn_synth_read with a truth tells what it shows.
uint64_t nn_dataset_synth_seed(nn_split split);

#ifdef __cplusplus
}
#endif
#endif
