// classify.h — a model folder as a classifier of pictures.
//
// Thread-safety: as the device. Errors: those of model folders, pictures and devices.
#ifndef NN_CLASSIFY_H
#define NN_CLASSIFY_H

#include "nn/vit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_top {
    char     label[NN_MAX_LABEL + 1];   // "class 3" where the model names none
    uint32_t index;
    double   p;                         // probability
} nn_top;

typedef struct nn_classifier nn_classifier;
// `dev` must outlive it.
vkc_status nn_classifier_create(vkc_device *dev, const char *model_dir, nn_classifier **out);
// Of a model that is loaded, which must outlive it. `kept`: nn_classifier_kept will be asked.
vkc_status nn_classifier_create_of(const nn_vit *v, bool kept, nn_classifier **out);
void       nn_classifier_destroy(nn_classifier *c);
uint32_t   nn_classifier_classes(const nn_classifier *c);

// The k most probable classes of a JPEG or PNG file, best first. With fewer classes than k the rest is
// zeroed. Blocking.
vkc_status nn_classifier_run(nn_classifier *c, const char *image_path, uint32_t k, nn_top *top);

// As nn_infer_kept, of the last picture.
const uint32_t *nn_classifier_kept(const nn_classifier *c, uint32_t l);
// That picture at the model's size: (height, width, 3).
const uint8_t  *nn_classifier_rgb(const nn_classifier *c);

// All in one: open the default device, load the model, classify one picture, close.
vkc_status nn_classify_file(const char *model_dir, const char *image_path, uint32_t k, nn_top *top);

#ifdef __cplusplus
}
#endif
#endif
