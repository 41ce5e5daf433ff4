// classify.h — a model folder as a classifier of pictures.
//
// Pictures become pixels as the folder says (nn/image/preprocess.h). Those of a list are decoded ahead while the device
// works (nn/data/decoder.h): the host memory is that of three batches, or of more that are small, at most 16 MiB.
// Thread-safety: as the device.
// Errors: those of model folders, pictures and devices.
#ifndef NN_CLASSIFY_H
#define NN_CLASSIFY_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_top {
    char     label[NN_MAX_LABEL + 1];   // "class 3" where the model names none
    uint32_t index;
    double   p;                         // probability: of a softmax, or a sigmoid (nn_model_config_scores)
} nn_top;

// The k best classes of a picture by its logits (classes), best first; the lower index wins a tie. The logits are
// written over.
void nn_top_read(float *logits, const nn_model_config *cfg, uint32_t k, nn_top *top);

typedef struct nn_classifier_params {
    uint32_t batch;                     // pictures at once, at most; 0 = 1
    uint32_t threads;                   // that decode them; 0 = as many as cores
    bool     kept;                      // nn_classifier_kept will be asked
    const char *const *paths;           // nn_classifier_start with these is called before the device gets ready; or
    size_t   n_paths;                   // NULL and 0
} nn_classifier_params;

typedef struct nn_classifier nn_classifier;
// `dev` must outlive it. One picture at once.
vkc_status nn_classifier_create(vkc_device *dev, const char *model_dir, nn_classifier **out);
// Of a model that is loaded, which must outlive it.
vkc_status nn_classifier_create_of(const nn_model *m, const nn_classifier_params *p, nn_classifier **out);
void       nn_classifier_destroy(nn_classifier *c);
uint32_t   nn_classifier_classes(const nn_classifier *c);

// The k most probable classes of a JPEG or PNG file, best first. With fewer classes than k the rest is
// zeroed. Blocking.
vkc_status nn_classifier_run(nn_classifier *c, const char *image_path, uint32_t k, nn_top *top);

// A list of pictures of any length, in place of the one before: they are decoded from now on, and run through the model
// by nn_classifier_next, `batch` at once. `paths` must stay until the list is at its end or another is started.
void       nn_classifier_start(nn_classifier *c, const char *const *paths, size_t n);
// Run the next pictures of the list. Then ask for each by its place, 0 to *n - 1. *n = 0 at the end. Blocking. A broken
// picture is no failure of this call. Errors: E_ARG without a list, E_NOMEM, E_CHECK, those of the device.
vkc_status nn_classifier_next(nn_classifier *c, uint32_t *n);
// Both, for a list of at most `batch`. E_ARG for a longer one.
vkc_status nn_classifier_run_batch(nn_classifier *c, const char *const *paths, uint32_t n);
// As nn_classifier_run. E_FORMAT or E_IO with the picture's name when it is broken or the model gives no finite score.
vkc_status nn_classifier_get(const nn_classifier *c, uint32_t i, uint32_t k, nn_top *top);

// Of a good picture of the last run: at the model's size, (height, width, 3); normalised, as the model got it,
// (channels, height, width); and which image of the run it was, for nn_retention_depths. Theirs until the next run.
const uint8_t *nn_classifier_rgb(const nn_classifier *c, uint32_t i);
const float   *nn_classifier_pixels(const nn_classifier *c, uint32_t i);
uint32_t       nn_classifier_place(const nn_classifier *c, uint32_t i);
// As nn_infer_kept, of the last run.
const uint32_t *nn_classifier_kept(const nn_classifier *c, uint32_t l);

// All in one: open the default device, load the model, classify one picture, close.
vkc_status nn_classify_file(const char *model_dir, const char *image_path, uint32_t k, nn_top *top);

#ifdef __cplusplus
}
#endif
#endif
