// class_vectors.c — class vectors of a safetensors file, made equally long.
#include "nn/models/vit/class_vectors.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/models/config/model_config.h"
#include "nn/checkpoint/safetensors.h"

#define LOGIT_SCALE 100.0
#define MAX_LABELS ((size_t) 16 << 20)      // bytes of the list

static vkc_status read_labels(const nn_safetensors *f, nn_class_vectors *k)
{
    const char *text = nn_safetensors_meta(f, "labels");
    json_t *list = NULL;
    vkc_status st;
    if (!text)
        return VKC_OK;
    if (strlen(text) > MAX_LABELS)
        return VKC_FAIL(VKC_E_FORMAT, "%s: its labels are too long", k->path);
    VKC_TRY(nn_json_read(k->path, text, strlen(text), NN_MAX_CLASSES + 1, &list));
    if (!json_is_array(list) || json_array_size(list) != k->classes) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: its labels are no list of %u names", k->path, k->classes);
        goto done;
    }
    k->labels = (char **) calloc(k->classes, sizeof *k->labels);
    for (uint32_t i = 0; k->labels && i < k->classes; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name) {
            st = VKC_FAIL(VKC_E_FORMAT, "%s: label %u is not a name", k->path, i);
            goto done;
        }
        k->labels[i] = (char *) malloc(NN_MAX_LABEL + 1);
        if (!k->labels[i])
            break;
        nn_label_clean(name, k->labels[i]);
    }
    if (!k->labels || !k->labels[k->classes - 1])
        st = VKC_FAIL(VKC_E_NOMEM, "%s: out of host memory", k->path);
done:
    json_decref(list);
    return st;
}

static vkc_status read_scale(const nn_safetensors *f, double *scale, nn_class_vectors *k)
{
    const char *text = nn_safetensors_meta(f, "logit_scale"), *bias = nn_safetensors_meta(f, "logit_bias");
    char *end = NULL;
    *scale = text ? strtod(text, &end) : LOGIT_SCALE;
    if (text && (end == text || *end || !(*scale > 0 && *scale <= 1e4)))
        return VKC_FAIL(VKC_E_FORMAT, "%s: logit_scale is not a number above 0 and up to 10000", k->path);
    k->has_bias = bias != NULL;
    k->bias = bias ? strtof(bias, &end) : 0.0f;
    if (bias && (end == bias || *end || !(fabsf(k->bias) <= 1e4f)))
        return VKC_FAIL(VKC_E_FORMAT, "%s: logit_bias is not a number from -10000 to 10000", k->path);
    return VKC_OK;
}

static vkc_status scale(const nn_st_tensor *t, double factor, nn_class_vectors *k)
{
    for (uint32_t i = 0; i < k->classes; i++) {
        float *v = k->scaled + (size_t) i * k->dim;
        double sum = 0;
        for (uint32_t j = 0; j < k->dim; j++)
            sum += (double) v[j] * (double) v[j];
        if (!(sum > 1e-20) || !isfinite(sum))
            return NN_ST_FAIL(VKC_E_FORMAT, t, "row %u has no length, or none that is a number", i);
        for (uint32_t j = 0; j < k->dim; j++)
            v[j] = (float) (factor / sqrt(sum) * (double) v[j]);
    }
    return VKC_OK;
}

static vkc_status read_vectors(const nn_safetensors *f, nn_class_vectors *k)
{
    double factor;
    vkc_status st;
    const nn_st_tensor *t = nn_safetensors_at(f, 0);
    if (nn_safetensors_len(f) != 1)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %zu tensors; class vectors are one matrix", k->path,
                        nn_safetensors_len(f));
    if (t->rank != 2 || t->shape[0] < 1 || t->shape[0] > NN_MAX_CLASSES || t->shape[1] < 1 ||
        t->shape[1] > NN_MAX_CLASSES)
        return NN_ST_FAIL(VKC_E_FORMAT, t, "is no matrix of 1 to %d class vectors", NN_MAX_CLASSES);
    VKC_TRY(nn_st_tensor_check(t, 2, t->shape));
    k->classes = (uint32_t) t->shape[0];
    k->dim = (uint32_t) t->shape[1];
    VKC_TRY(read_scale(f, &factor, k));
    k->scaled = (float *) malloc((size_t) t->len * sizeof *k->scaled);
    if (!k->scaled)
        return VKC_FAIL(VKC_E_NOMEM, "%s: out of host memory", k->path);
    VKC_TRY(nn_st_tensor_read(t, 0, (size_t) t->len, k->scaled));
    VKC_TRY(scale(t, factor, k));
    st = read_labels(f, k);
done:
    return st;
}

vkc_status nn_class_vectors_load(const char *path, nn_class_vectors *out)
{
    nn_class_vectors k = { 0 };
    nn_safetensors *f = NULL;
    vkc_status st;
    k.path = (char *) malloc(strlen(path) + 1);
    if (!k.path)
        return VKC_FAIL(VKC_E_NOMEM, "class vectors: out of host memory");
    memcpy(k.path, path, strlen(path) + 1);
    VKC_TRY(nn_safetensors_load(path, &f));
    VKC_TRY(read_vectors(f, &k));
    *out = k;
    memset(&k, 0, sizeof k);
done:
    nn_safetensors_destroy(f);
    nn_class_vectors_finish(&k);
    return st;
}

void nn_class_vectors_finish(nn_class_vectors *k)
{
    for (uint32_t i = 0; k->labels && i < k->classes; i++)
        free(k->labels[i]);
    free(k->labels);
    free(k->scaled);
    free(k->path);
    memset(k, 0, sizeof *k);
}
