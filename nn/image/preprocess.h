// preprocess.h — from a picture of any size to the pixels a model takes: resize, centre crop or pad.
//
// Two programs' rules, each to its last rounding: timm's (transforms_imagenet_eval: crop_pct, crop_mode) and Hugging
// Face's (the image processors that work with Pillow: size, crop_size). The bytes are those that these programs get
// from the same decoded picture, with the version of Pillow that is asked for.
//
// Thread-safety: safe.
#ifndef NN_PREPROCESS_H
#define NN_PREPROCESS_H

#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nn_image;

typedef struct nn_size { uint32_t height, width; } nn_size;     // pixels

typedef enum { NN_FILTER_BILINEAR, NN_FILTER_BICUBIC } nn_filter;       // both with antialias, as Pillow has them

typedef enum {
    NN_RESIZE_SQUASH,                  // both edges to the size wanted; the aspect is lost
    NN_RESIZE_SHORTEST,                // the shorter edge; what is too much of the longer one is cropped
    NN_RESIZE_LONGEST,                 // the longer edge; what is missing of the shorter one is filled with the mean
    NN_RESIZE_NONE,                    // pictures stay as large as they are
} nn_resize;

#define NN_PILLOW_USUAL 13

typedef enum { NN_RULE_TIMM, NN_RULE_HF } nn_rule;              // whose rounding of sizes and offsets

// Zero: both edges to the model's size, bilinear, nothing cropped.
typedef struct nn_preprocess {
    nn_filter filter;
    nn_resize mode;
    nn_rule   rule;
    double    crop_pct;             // timm: resized to floor(size / crop_pct), then cropped to size; 0 counts as 1
    nn_size   resize, crop;         // hf: resized to `resize` (shortest: its height) for a model of `crop`, in
                                    // proportion for others; both 0 = to the model's size. Without a resize, crop 0 =
                                    // pictures must have the model's size
    uint8_t   fill[3];              // what pixels get where the resized picture is smaller than the model's size
    uint32_t  pillow;               // whose bytes: 12 or 13 (nn/image/resample.h); 0 = NN_PILLOW_USUAL
} nn_preprocess;

// Where a picture comes to lie: it is resized, and pixel (y, x) of the model's picture is pixel (y + top, x + left) of
// that, or the fill where it has none.
typedef struct nn_placement {
    nn_filter filter;
    nn_size   resized;
    int64_t   top, left;            // < 0 = padded
} nn_placement;

// `name` is for messages. E_FORMAT: the picture has not the size that it must have, or is so long and thin that the
// resized one has more than 2^31 - 1 pixels a side; E_ARG: a size is 0.
vkc_status nn_preprocess_place(const nn_preprocess *p, const char *name, nn_size picture, nn_size model,
                               nn_placement *out);

// The whole of it: rgb (height, width, 3) bytes of the model's size. A picture of that size from which nothing is
// cropped is copied. Errors: also E_NOMEM.
vkc_status nn_preprocess_run(const nn_preprocess *p, const char *name, const struct nn_image *im, nn_size model,
                             uint8_t *rgb);

#ifdef __cplusplus
}
#endif
#endif
