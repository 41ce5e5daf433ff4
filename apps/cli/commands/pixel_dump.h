// pixel_dump.h — --preprocess-dump: the pixels of every picture as the model got them, in a safetensors file.
#ifndef CLI_PIXEL_DUMP_H
#define CLI_PIXEL_DUMP_H

#include "nn/models/config/model_config.h"

#define PIXEL_DUMP_MAX 4096         // pictures

typedef struct pixel_dump pixel_dump;

// For at most n pictures of this model's size. E_ARG when that is more than PIXEL_DUMP_MAX, E_NOMEM.
vkc_status pixel_dump_create(const nn_model_config *c, size_t n, pixel_dump **out);
void       pixel_dump_destroy(pixel_dump *d);
// One more: its file, rgb (height, width, 3) and pixels (channels, height, width). Both are copied.
vkc_status pixel_dump_add(pixel_dump *d, const char *file, const uint8_t *rgb, const float *pixels);
// Write "pixels" (n, channels, height, width) and "rgb" (n, height, width, 3), with the metadata "files", a JSON list,
// and say so. Without a picture nothing is written.
vkc_status pixel_dump_save(const pixel_dump *d, const char *path);

#endif
