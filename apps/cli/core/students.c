// students.c — models and mixers as commands are given them.
#include "apps/cli/core/students.h"

#include <stdio.h>
#include <string.h>

bool list_next(const char **at, char *text, size_t size)
{
    if (!*at)
        return false;
    const size_t len = strcspn(*at, ","), kept = len < size ? len : size - 1;
    memcpy(text, *at, kept);
    text[kept] = '\0';
    *at = (*at)[len] ? *at + len + 1 : NULL;
    return true;
}

void student_name(const nn_model *teacher, const nn_model *student, const char *dir, char out[REPORT_TEXT])
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
        report_layer_text(one, out);
        return;
    }
    const char *name = strrchr(dir, '/');
    snprintf(out, REPORT_TEXT, "%.*s", (int) REPORT_TEXT - 1, name && name[1] ? name + 1 : dir);
}
