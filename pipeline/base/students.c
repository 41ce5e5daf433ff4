// students.c — mixers and students by name.
#include "pipeline/base/students.h"

#include <stdio.h>
#include <string.h>

void pipeline_layer_text(const nn_layer_config *layer, char out[PIPELINE_LAYER_TEXT])
{
    snprintf(out, PIPELINE_LAYER_TEXT, "%s%s%s", layer->mixer, *layer->options ? ":" : "", layer->options);
}

void pipeline_student_name(const nn_model *teacher, const nn_model *student, const char *dir,
                           char out[PIPELINE_LAYER_TEXT])
{
    const nn_layer_config *one = NULL;
    bool is_one = true;
    for (uint32_t l = 0; l < student->cfg.depth; l++) {
        if (!nn_mixer_is_replaceable(&teacher->cfg.layers[l]))
            continue;
        is_one = is_one && (!one || memcmp(one, &student->cfg.layers[l], sizeof *one) == 0);
        one = &student->cfg.layers[l];
    }
    if (one && is_one) {
        pipeline_layer_text(one, out);
        return;
    }
    const char *name = strrchr(dir, '/');
    snprintf(out, PIPELINE_LAYER_TEXT, "%.*s", (int) PIPELINE_LAYER_TEXT - 1, name && name[1] ? name + 1 : dir);
}
