// class_vectors.h — one vector a class, to compare pictures with that a model turns into vectors:
// CLIP without its text side.
//
// A safetensors file with one matrix (classes, dim) of any name, and in its metadata, both optional,
//   labels        a JSON list of as many names
//   logit_scale   a factor of the logits, 100 by default, as CLIP's trained models have it
//   logit_bias    what is added to them, as SigLIP's have it; each class then is scored on its own, by sigma(logit)
// logit of class k = logit_scale * (x / |x|) . (v_k / |v_k|) + logit_bias       (Radford et al. 2021; Zhai et al. 2023)
// Thread-safety: safe. Errors: E_IO, E_FORMAT (with file and tensor), E_NOMEM.
#ifndef NN_CLASS_VECTORS_H
#define NN_CLASS_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_CLASS_VECTORS_FILE "class_vectors.safetensors"      // in a model folder: taken without asking

typedef struct nn_class_vectors {
    char    *path;
    uint32_t classes, dim;
    float   *scaled;                // (classes, dim): each of length logit_scale
    bool     has_bias;
    float    bias;
    char   **labels;                // (classes); NULL = none
} nn_class_vectors;

vkc_status nn_class_vectors_load(const char *path, nn_class_vectors *out);
void       nn_class_vectors_finish(nn_class_vectors *k);        // zeroed is fine

#ifdef __cplusplus
}
#endif
#endif
