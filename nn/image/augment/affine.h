// affine.h — pictures turned, sheared and moved as Pillow's Image.transform does it with an affine map, to the byte.
//
// Source of the method: Pillow, src/libImaging/Geometry.c (8 bits a channel). Pixel (x, y) of the new picture comes
// from (a (x + 1/2) + b (y + 1/2) + c, d (x + 1/2) + e (y + 1/2) + f) of the old one; what lies outside of that is
// filled. Neighbours beyond an edge are those at the edge. Bilinear values are cut off, bicubic ones kept in 0 .. 255
// and cut off.
// Thread-safety: safe.
#ifndef NN_AFFINE_H
#define NN_AFFINE_H

#include "nn/image/preprocess.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_affine { double a, b, c, d, e, f; } nn_affine;

// in and out are (height, width, 3) and do not overlap; the filter has no antialias.
void      nn_affine_write(const nn_affine *m, nn_size size, nn_filter filter, const uint8_t fill[3], const uint8_t *in,
                          uint8_t *out);
// About the middle of the picture, anticlockwise, as Image.rotate does it.
nn_affine nn_affine_rotation(double degrees, nn_size size);

#ifdef __cplusplus
}
#endif
#endif
