// inputs.c — checksums of the data and of models among the inputs of a run.
#include "pipeline/run/inputs.h"

#include <stdio.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/source.h"
#include "pipeline/run/model_hash.h"

static uint64_t hash_number(uint64_t h, uint64_t x)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char) (x >> 8 * i);
    return nn_hash_add(h, bytes, sizeof bytes);
}

// Paths count from the data set's folder: the same pictures may be reached by another path.
static vkc_status hash_split(const nn_dataset *set, nn_split split, uint64_t *h)
{
    const size_t skip = strlen(nn_dataset_spec(set));
    const uint32_t n = nn_dataset_len(set, split);
    char path[NN_PATH_MAX];
    *h = hash_number(*h, n);
    for (uint32_t i = 0; i < n && strncmp(nn_dataset_spec(set), "synth:", 6) != 0; i++) {   // which has no files
        vkc_status st = nn_dataset_path(set, split, i, path);
        if (st != VKC_OK)
            return st;
        const char *name = strncmp(path, nn_dataset_spec(set), skip) == 0 ? path + skip : path;
        *h = nn_hash_add(*h, name, strlen(name) + 1);
        *h = hash_number(*h, nn_dataset_file_size(set, split, i));
        *h = hash_number(*h, nn_dataset_label(set, split, i));
    }
    return VKC_OK;
}

static json_t *add(json_t *inputs, const char *key, vkc_status st, const char *hash)
{
    if (st == VKC_OK && json_object_set_new(inputs, key, json_string(hash)) == 0)
        return inputs;
    json_decref(inputs);
    return NULL;
}

json_t *pipeline_inputs_with_data(json_t *inputs, const nn_dataset *set)
{
    uint64_t h = NN_HASH_START;
    char hash[PIPELINE_HASH_MAX];
    vkc_status st = VKC_OK;
    if (!inputs)
        return NULL;
    for (uint32_t i = 0; i < nn_dataset_classes(set); i++)
        h = nn_hash_add(h, nn_dataset_labels(set)[i], strlen(nn_dataset_labels(set)[i]) + 1);
    for (int s = 0; s < NN_N_SPLITS && st == VKC_OK; s++)
        st = hash_split(set, (nn_split) s, &h);
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long) h);
    return add(inputs, PIPELINE_DATA_KEY, st, hash);
}

json_t *pipeline_inputs_with_model(json_t *inputs, const char *key, const char *dir)
{
    nn_model_config cfg = { 0 };
    char hash[PIPELINE_HASH_MAX] = "";
    if (!inputs || !dir)
        return inputs;
    vkc_status st = nn_model_config_load(dir, &cfg);
    if (st == VKC_OK)
        st = pipeline_model_hash(dir, &cfg, true, hash);
    nn_model_config_finish(&cfg);
    return add(inputs, key, st, hash);
}
