// decoder.h — batches of pictures, decoded ahead by threads that live as long as the decoder.
//
// Pictures come from a source, by the number of their batch and their place in it. Threads decode up to `slots`
// batches ahead of the caller and wait when all are full. Batches come out in order, and with a source that is a pure
// function their bits are the same whatever the number of threads.
//
// Memory: slots * batch * height * width * (4 * channels + 3 with `rgb`) bytes of the host, and for each thread and the
// caller 3 * height * width + `scratch`, all taken when the decoder is made; beside it what each thread's one picture
// takes while it is decoded.
// Thread-safety: one caller at a time per decoder.
#ifndef NN_DECODER_H
#define NN_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/image/preprocess.h"

#ifdef __cplusplus
extern "C" {
#endif

// What is decoded. The calls must not call the decoder.
typedef struct nn_decoder_source {
    // Pictures of this batch, at most those of a slot; 0 = the one before was the last. Quick; the decoder is locked.
    uint32_t (*len)(void *user, uint64_t batch);
    // Write picture `at` of the batch, rgb (height, width, 3). `scratch` is this thread's. Called by several threads at
    // once, once a picture. E_FORMAT and E_IO concern this picture alone; any other error (E_NOMEM) ends the decoding.
    vkc_status (*read)(void *user, uint64_t batch, uint32_t at, uint8_t *scratch, uint8_t *rgb);
    void *user;
    // Change its normalised pixels (channels, height, width). As `read`, after it; NULL = they stay.
    void (*finish)(void *user, uint64_t batch, uint32_t at, float *pixels);
} nn_decoder_source;

typedef struct nn_decoder_params {
    nn_decoder_source source;
    uint32_t batch;                 // pictures of a slot
    uint32_t slots;                 // 0 = 3
    uint32_t threads;               // 0 = as many as cores; never more than pictures in all slots, nor than 64
    nn_size  size;                  // pixels
    uint32_t channels;              // 1 or 3
    double   mean[3], std[3];       // of the channels
    bool     rgb;                   // nn_decoded.rgb will be read
    size_t   scratch;               // bytes that `read` is given
} nn_decoder_params;

typedef struct nn_decoded_picture {
    vkc_status st;                  // VKC_OK, E_FORMAT or E_IO
    char     *text;                 // what is wrong with it, NULL with VKC_OK
    uint32_t  place;                // in `pixels`; of a broken one that of the next good one
} nn_decoded_picture;

typedef struct nn_decoded {
    uint64_t batch;                 // its number
    uint32_t n, good;               // pictures, and those that are not broken
    nn_decoded_picture *picture;    // (n)
    uint8_t *rgb;                   // (n, height, width, 3), or NULL
    float   *pixels;                // (good, channels, height, width): (x / 255 - mean) / std, broken ones left out
} nn_decoded;

typedef struct nn_decoder nn_decoder;

// Starts the threads, which wait for nn_decoder_start. Where none can be started the caller decodes in nn_decoder_get.
// Errors: E_ARG, E_NOMEM.
vkc_status nn_decoder_create(const nn_decoder_params *p, nn_decoder **out);
// Waits for the pictures that are being decoded, and no others.
void       nn_decoder_destroy(nn_decoder *d);

// Decode this batch and those after it, for nn_decoder_get, in place of whatever was being decoded. Blocking as
// nn_decoder_cancel.
void       nn_decoder_start(nn_decoder *d, uint64_t batch);
// Begin no more pictures. On return `read` is not being called, and will not be before nn_decoder_start.
void       nn_decoder_cancel(nn_decoder *d);

// Wait for the next batch, which stays until nn_decoder_release, start, cancel or the next get, while others are
// decoded behind it. *out = NULL after the last. The caller decodes too while it waits.
// Errors: E_ARG when nothing was started; an error of `read` that does not concern one picture alone, until the next
// start.
vkc_status nn_decoder_get(nn_decoder *d, const nn_decoded **out);
// The batch of the last get is done with; its memory gets decoded into.
void       nn_decoder_release(nn_decoder *d);

#ifdef __cplusplus
}
#endif
#endif
