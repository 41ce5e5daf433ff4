// model_hash.c — a checksum of a model.
#include "apps/cli/model_hash.h"

#include "nn/files.h"
#include "nn/retention.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WEIGHTS ((size_t) 1 << 40)

static uint64_t hash_on(uint64_t h, const void *bytes, size_t size)     // FNV-1a
{
    for (size_t i = 0; i < size; i++)
        h = (h ^ ((const unsigned char *) bytes)[i]) * 0x100000001b3u;
    return h;
}

vkc_status model_hash(const char *dir, const nn_model_config *cfg, bool with_mixers, char out[MODEL_HASH_MAX])
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
    snprintf(out, MODEL_HASH_MAX, "%016llx", (unsigned long long) h);
    free(bytes);
    return VKC_OK;
}
