// show.h — the option --show of classify and eval: a contact sheet (nn/image/sheet.h) of what the model dropped.
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "apps/cli/options/data_options.h"
#include "nn/image/sheet.h"

// Rows of an option table, for members `show` and `force`.
#define SHOW_ROWS(type) \
    { "show", 0, ARG_OUT, offsetof(type, show), 0, 0, "PNG", "draw the images, shaded where tokens were dropped" }, \
    { "force", 'f', ARG_FLAG, offsetof(type, force), 0, 0, NULL, "overwrite existing files" }

vkc_status show_create(const nn_model_config *c, nn_sheet **out);
// Write the sheet and say so; without a picture nothing is written.
vkc_status show_save(const nn_sheet *s, const nn_model_config *c, const char *path);
// The first n pictures that an evaluation of this split judges; the data set's classes are the model's.
vkc_status show_split(const nn_model *m, const nn_dataset *data, nn_split split, const data_args *d, uint32_t n,
                      const char *path);

#endif
