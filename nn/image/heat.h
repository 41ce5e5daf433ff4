// heat.h — a sheet of heat maps: panels side by side, one scale of colour for all of them, and the bar that names it.
//
// Colours go from black over violet, red and orange to pale yellow in even steps of lightness, so that they keep their
// order in grey. A value x has the shade of sqrt(x / largest): small weights are told apart and 0 stays black. What has
// no value (a dropped token) is hatched in light grey. Over a picture, its grey shines through by a quarter.
// Thread-safety: one caller at a time per sheet. Errors: E_ARG (too large), E_NOMEM, E_IO.
#ifndef NN_HEAT_H
#define NN_HEAT_H

#include "nn/image/draw.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_heat_params {
    uint32_t size;                  // pixels of a panel a side, before it is enlarged
    uint32_t columns;               // panels in a row
    const char *title;              // what the shades stand for; copied
} nn_heat_params;

typedef struct nn_heat nn_heat;
vkc_status nn_heat_create(const nn_heat_params *p, nn_heat **out);
void       nn_heat_destroy(nn_heat *h);
// One more panel under a caption: a picture (size, size, 3), values (side, side) with NaN for none, or values
// over a picture; the other is NULL. `side` divides size. Values are >= 0. All is copied.
vkc_status nn_heat_add(nn_heat *h, const char *caption, const uint8_t *rgb, const float *value, uint32_t side);

// Lines of text under the panel that was added last, copied. E_ARG when there is none, or when they do not fit.
vkc_status nn_heat_add_lines(nn_heat *h, const nn_lines *lines);

nn_colour  nn_heat_colour(double x);                    // of shade 0 .. 1
uint32_t   nn_heat_scale(uint32_t size);                // pixels of the sheet a pixel of a panel: at least 224 a side
void       nn_heat_place(const nn_heat *h, uint32_t i, uint32_t *x, uint32_t *y);   // of panel i, top left
vkc_status nn_heat_draw(const nn_heat *h, nn_image *out);       // finish `out` with nn_image_finish
vkc_status nn_heat_save(const nn_heat *h, const char *path);    // as PNG, written beside and renamed

#ifdef __cplusplus
}
#endif
#endif
