// students.c — models and mixers as commands are given them.
#include "apps/cli/students.h"

#include "nn/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WEIGHTS ((size_t) 1 << 40)

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

void student_name(const nn_vit *teacher, const nn_vit *student, const char *dir, char out[REPORT_TEXT])
{
    const nn_layer_config *one = NULL;
    bool is_one = true;
    for (uint32_t l = 0; l < student->cfg.depth; l++) {
        if (strcmp(teacher->cfg.layers[l].mixer, "attention") != 0)
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

static uint64_t hash_on(uint64_t h, const void *bytes, size_t size)     // FNV-1a
{
    for (size_t i = 0; i < size; i++)
        h = (h ^ ((const unsigned char *) bytes)[i]) * 0x100000001b3u;
    return h;
}

vkc_status model_hash(const char *dir, const nn_model_config *cfg, bool with_mixers, char out[24])
{
    char path[NN_PATH_MAX];
    unsigned char *bytes = NULL;
    size_t size = 0;
    vkc_status st = nn_path_build(path, dir, "model.safetensors");
    if (st == VKC_OK)
        st = nn_file_load(path, MAX_WEIGHTS, &bytes, &size);
    if (st != VKC_OK)
        return st;
    uint64_t h = hash_on(0xcbf29ce484222325u, bytes, size);
    json_t *kept = nn_retention_json(cfg);
    char *text = kept ? json_dumps(kept, JSON_COMPACT) : NULL;
    if (text)
        h = hash_on(h, text, strlen(text));
    free(text);
    json_decref(kept);
    for (uint32_t l = 0; l < cfg->depth && with_mixers; l++)
        h = hash_on(h, &cfg->layers[l], sizeof cfg->layers[l]);
    snprintf(out, 24, "%016llx", (unsigned long long) h);
    free(bytes);
    return VKC_OK;
}
