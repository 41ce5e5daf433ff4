// preprocess.h — from a picture of any size to the pixels a model takes: resize, centre crop.
//
// Two programs' rules, each to its last rounding: timm's (crop_pct, crop_mode) and Hugging Face's (size, crop_size).
#ifndef NN_PREPROCESS_H
#define NN_PREPROCESS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_size { uint32_t height, width; } nn_size;     // pixels

typedef enum { NN_FILTER_BILINEAR, NN_FILTER_BICUBIC } nn_filter;       // both with antialias, as Pillow has them

typedef enum {
    NN_RESIZE_SQUASH,                  // both edges to the size wanted; the aspect is lost
    NN_RESIZE_SHORTEST,                // the shorter edge; what is too much of the longer one is cropped
    NN_RESIZE_LONGEST,                 // the longer edge; what is missing of the shorter one is filled with the mean
} nn_resize;

typedef enum { NN_RULE_TIMM, NN_RULE_HF } nn_rule;              // whose rounding of sizes and offsets

// Zero: both edges to the model's size, bilinear, nothing cropped.
typedef struct nn_preprocess {
    nn_filter filter;
    nn_resize mode;
    nn_rule   rule;
    double    crop_pct;             // timm: resized to floor(size / crop_pct), then cropped to size; 0 counts as 1
    uint32_t  resize, crop;         // hf: resized to `resize` for a model of `crop` pixels, in proportion for others;
                                    // 0 = to the model's size
} nn_preprocess;

#ifdef __cplusplus
}
#endif
#endif
