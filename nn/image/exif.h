// exif.h — the Exif orientation of a JPEG, PNG, WebP or TIFF file.
//
// Sources: Exif 2.3 (JEITA CP-3451C) 4.6.4, tag 0x0112; TIFF 6.0 section 2 and BigTIFF; PNG, chunk eXIf; WebP, chunk
// EXIF.
// Thread-safety: safe. Nothing fails: what is broken, missing or out of range is a picture that is upright.
#ifndef NN_EXIF_H
#define NN_EXIF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What has to be done to the stored pixels, in the words of the standard's table: 1 = nothing, 2 = mirrored left to
// right, 3 = turned by 180 degrees, 4 = mirrored top to bottom, 5 = transposed, 6 = turned by 90 degrees clockwise,
// 7 = transposed along the other diagonal, 8 = turned by 90 degrees counter-clockwise.
typedef uint32_t nn_orientation;

// Of a whole file: JPEG (segment APP1), PNG (chunk eXIf), WebP (chunk EXIF) or TIFF (its first directory).
nn_orientation nn_exif_find(const void *bytes, size_t size);

// Turn rgb (height, width, 3) into out, (height, width, 3) or from 5 on (width, height, 3).
void nn_exif_turn(nn_orientation o, const uint8_t *rgb, uint32_t height, uint32_t width, uint8_t *out);

#ifdef __cplusplus
}
#endif
#endif
