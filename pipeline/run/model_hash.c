// model_hash.c — a checksum of a model.
#include "pipeline/run/model_hash.h"

#include "nn/base/json.h"
#include "nn/base/source.h"
#include "nn/models/retention.h"
#include "nn/checkpoint/weights.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static vkc_status hash_file(const char *path, uint64_t *h)
{
    nn_source src = { 0 };
    vkc_status st = nn_source_open(path, &src);
    if (st == VKC_OK)
        st = nn_hash_add_source(h, &src);
    nn_source_close(&src);
    return st;
}

vkc_status pipeline_model_hash(const char *dir, const nn_model_config *cfg, bool with_mixers,
                               char out[PIPELINE_HASH_MAX])
{
    nn_weights *w = NULL;
    uint64_t h = NN_HASH_START;
    vkc_status st = nn_weights_load(dir, &w);
    for (uint32_t i = 0; st == VKC_OK && i < nn_weights_n_files(w); i++)
        st = hash_file(nn_safetensors_path(nn_weights_file(w, i)), &h);
    if (st == VKC_OK && nn_weights_notes(w) != NULL)        // which of the file's dicts
        h = nn_hash_add(h, nn_weights_notes(w)->key, strlen(nn_weights_notes(w)->key));
    nn_weights_destroy(w);
    if (st != VKC_OK)
        return st;
    json_t *kept = nn_retention_json(cfg);
    char *text = kept ? nn_json_print(kept, JSON_COMPACT) : NULL;
    const bool is_whole = nn_json_is_whole() && (text || !kept);
    if (text)
        h = nn_hash_add(h, text, strlen(text));
    free(text);
    json_decref(kept);
    if (!is_whole)
        return VKC_FAIL(VKC_E_NOMEM, "%s: out of host memory", dir);
    for (uint32_t l = 0; l < cfg->depth && with_mixers; l++)
        h = nn_hash_add(h, &cfg->layers[l], sizeof cfg->layers[l]);
    snprintf(out, PIPELINE_HASH_MAX, "%016llx", (unsigned long long) h);
    return VKC_OK;
}
