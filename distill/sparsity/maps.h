// maps.h — full attention maps of a few chosen pictures, in double on the host, for plots and as a reference.
//
// Queries and keys come from one forward pass on the device and are kept; a map is computed when it is read, as
// softmax(head_dim^-0.5 q.k) over the tokens that are not dropped. Thread-safety: reading is safe from several threads.
#ifndef DISTILL_MAPS_H
#define DISTILL_MAPS_H

#include "nn/data/dataset.h"
#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_maps_params {
    const nn_dataset *data;
    nn_split split;
    uint32_t images;                // spread evenly over the split; 0 = 4
    uint32_t threads;               // that decode pictures; 0 = as many as cores
} distill_maps_params;

typedef struct distill_maps distill_maps;

// Blocking. Errors: E_FORMAT no usable picture; E_NOMEM, E_DEVMEM.
vkc_status distill_maps_create(const nn_model *model, const distill_maps_params *p, distill_maps **out);
void       distill_maps_destroy(distill_maps *m);

uint32_t     distill_maps_images(const distill_maps *m);                // pictures that could be read
const float *distill_maps_pixels(const distill_maps *m, uint32_t i);    // (channels, size, size) as the model
                                                                        // reads them; the next follows it
uint32_t     distill_maps_picture(const distill_maps *m, uint32_t i);   // which picture of the split
bool         distill_maps_has(const distill_maps *m, uint32_t layer);   // has the layer attention?
// Tokens of picture i that are there in a layer, and their places in the full image; 0 is the class token, if there is
// one.
uint32_t        distill_maps_len(const distill_maps *m, uint32_t layer, uint32_t i);
const uint32_t *distill_maps_places(const distill_maps *m, uint32_t layer, uint32_t i);
// The map (len, len), a row a query.
void distill_maps_read(const distill_maps *m, uint32_t layer, uint32_t i, uint32_t head, double *p);

// For pictures: weights times the number of keys, so that 1 is an even share; NaN where there is no token.
#define DISTILL_MAPS_HEADS UINT32_MAX   // as a head: the mean of all
// The class token's over the patches, (grid * grid) row by row; all NaN where it is not there. In a model without one,
// the mean over all queries: what each patch receives. Errors: E_NOMEM.
vkc_status distill_maps_read_class(const distill_maps *m, uint32_t layer, uint32_t i, uint32_t head, float *share);
// The whole map at its full size, (tokens, tokens). Errors: E_NOMEM.
vkc_status distill_maps_read_full(const distill_maps *m, uint32_t layer, uint32_t i, uint32_t head, float *share);

#ifdef __cplusplus
}
#endif
#endif
