// pixel_ops.h — the operations of RandAugment and of colour jitter on a picture, with Pillow's bytes.
//
// Source of the methods: Pillow's ImageOps (autocontrast, equalize, invert, posterize, solarize), ImageEnhance (Color,
// Contrast, Brightness, Sharpness) and Image.transform; timm, data/auto_augment.py, for which of them, and with which
// arguments. Thread-safety: safe.
#ifndef NN_PIXEL_OPS_H
#define NN_PIXEL_OPS_H

#include "nn/image/preprocess.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nn_pixel_op {          // and what `value` is
    NN_PIXEL_AUTO_CONTRAST,         // each channel stretched to 0 .. 255
    NN_PIXEL_EQUALIZE,              // each channel's histogram made level
    NN_PIXEL_INVERT,                // 255 - x
    NN_PIXEL_ROTATE,                // degrees, anticlockwise
    NN_PIXEL_POSTERIZE,             // bits of a channel that stay; 8 and more = all
    NN_PIXEL_SOLARIZE,              // what is not below this is inverted
    NN_PIXEL_SOLARIZE_ADD,          // added to what is below 128
    NN_PIXEL_COLOR,                 // 0 = grey, 1 = unchanged
    NN_PIXEL_CONTRAST,              // 0 = the mean grey, 1 = unchanged
    NN_PIXEL_BRIGHTNESS,            // 0 = black, 1 = unchanged
    NN_PIXEL_SHARPNESS,             // 0 = smoothed, 1 = unchanged
    NN_PIXEL_SHEAR_X, NN_PIXEL_SHEAR_Y,             // pixels a line moves by, against the next
    NN_PIXEL_TRANSLATE_X, NN_PIXEL_TRANSLATE_Y,     // fraction of the side
    NN_N_PIXEL_OPS
} nn_pixel_op;

const char *nn_pixel_op_name(nn_pixel_op op);       // timm's: "AutoContrast", "TranslateXRel"

typedef struct nn_pixel_step {
    nn_pixel_op op;
    double      value;
    nn_filter   filter;             // of rotations, shears and translations
} nn_pixel_step;

// Change rgb (height, width, 3) in place. `spare` is as large. `fill` is what comes from outside of the picture.
void nn_pixel_apply(const nn_pixel_step *s, nn_size size, const uint8_t fill[3], uint8_t *rgb, uint8_t *spare);

#ifdef __cplusplus
}
#endif
#endif
