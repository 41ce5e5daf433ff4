// sheet.h — a contact sheet of token pruning: pictures whose patches are shaded by the block that dropped them.
//
// A patch that was kept to the end shows the picture as it is. One that was dropped shows it in grey under a tint: dark
// violet for the earliest, over magenta, to light orange for the latest, so that lightness alone tells the order. Thin
// dark lines part the patches, a light one runs round what is kept; a strip below names the shades by block, the
// first being 0. Lines of text stand under each picture.
// Thread-safety: one caller at a time per sheet. Errors: E_ARG (too large), E_NOMEM, E_IO.
#ifndef NN_SHEET_H
#define NN_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/base/limits.h"
#include "nn/image/draw.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_sheet_params {
    uint32_t size, patch;           // pixels a side of a picture, and of a patch
    uint32_t depth;                 // blocks of the model
    bool     leaves[NN_MAX_DEPTH];  // can tokens be dropped after block l (l < depth - 1)?
} nn_sheet_params;

typedef struct nn_sheet nn_sheet;
vkc_status nn_sheet_create(const nn_sheet_params *p, nn_sheet **out);
void       nn_sheet_destroy(nn_sheet *s);
// One more picture: rgb (size, size, 3), and for its patches, row by row, the blocks 1 .. depth that they went through.
// `lines` stand under it; NULL = none. All is copied.
vkc_status nn_sheet_add(nn_sheet *s, const uint8_t *rgb, const uint8_t *blocks, const nn_lines *lines);
uint32_t   nn_sheet_len(const nn_sheet *s);

// Pixels of the sheet a pixel of a picture: a picture is then about 384 pixels a side.
uint32_t   nn_sheet_scale(uint32_t size);
// Where picture i stands (top left), and the sheet: up to four pictures in a row, more when there are more than 16.
void       nn_sheet_place(const nn_sheet *s, uint32_t i, uint32_t *x, uint32_t *y);
vkc_status nn_sheet_draw(const nn_sheet *s, nn_image *out);     // finish `out` with nn_image_finish
vkc_status nn_sheet_save(const nn_sheet *s, const char *path);  // as PNG, written beside and renamed

#ifdef __cplusplus
}
#endif
#endif
