// model_config_load.c — a model folder's JSON files, read strictly. Writing is in model_config_save.c.
#include "nn/model_config.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/files.h"
#include "nn/json.h"
#include "nn/model_config_impl.h"
#include "nn/preprocess_json.h"

#define MAX_JSON ((size_t) 16 << 20)

// A whole number, or height and width.
static vkc_status read_size(const char *where, json_t *args, const char *key, nn_model_config *c)
{
    double size[2];
    if (!json_is_array(json_object_get(args, key))) {
        vkc_status st = nn_json_get_u32(where, args, key, 1, 16384, &c->height);
        c->width = c->height;
        return st;
    }
    vkc_status st = nn_json_get_numbers(where, args, key, 2, 1, 16384, size);
    if (st == VKC_OK && (size[0] != floor(size[0]) || size[1] != floor(size[1])))
        st = VKC_FAIL(VKC_E_FORMAT, "%s: %s is not two whole numbers", where, key);
    if (st == VKC_OK) {
        c->height = (uint32_t) size[0];
        c->width = (uint32_t) size[1];
    }
    return st;
}

static vkc_status read_args(const char *where, json_t *root, nn_model_config *c)
{
    static const char *const known[] = { "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads",
                                         "mlp_ratio", "class_token", "global_pool", NULL };
    json_t *args;
    double ratio = 4;
    bool has_token = true;
    vkc_status st;
    c->channels = 3;
    VKC_TRY(nn_json_get_object(where, root, "model_args", &args));
    VKC_TRY(nn_json_check_keys(where, args, known));
    VKC_TRY(read_size(where, args, "img_size", c));
    VKC_TRY(nn_json_get_u32(where, args, "patch_size", 1, 1024, &c->patch));
    VKC_TRY(nn_json_get_u32(where, args, "embed_dim", 1, NN_MAX_DIM, &c->dim));
    VKC_TRY(nn_json_get_u32(where, args, "depth", 1, NN_MAX_DEPTH, &c->depth));
    VKC_TRY(nn_json_get_u32(where, args, "num_heads", 1, NN_MAX_DIM, &c->heads));
    if (nn_json_has(args, "in_chans"))
        VKC_TRY(nn_json_get_u32(where, args, "in_chans", 1, 3, &c->channels));
    if (nn_json_has(args, "mlp_ratio"))
        VKC_TRY(nn_json_get_number(where, args, "mlp_ratio", 1.0 / NN_MAX_DIM, NN_MAX_HIDDEN, &ratio));
    if (nn_json_has(args, "class_token"))
        VKC_TRY(nn_json_get_bool(where, args, "class_token", &has_token));
    if (!has_token)
        return VKC_FAIL(VKC_E_FORMAT, "%s: a model without a class token is not supported", where);
    double hidden = (double) c->dim * ratio;
    c->hidden = hidden <= NN_MAX_HIDDEN ? (uint32_t) hidden : 0;
done:
    return st;
}

static vkc_status read_labels(const char *where, json_t *root, nn_model_config *c)
{
    json_t *list;
    vkc_status st;
    if (!nn_json_has(root, "label_names"))
        return VKC_OK;
    VKC_TRY(nn_json_get_array(where, root, "label_names", c->classes, c->classes, &list));
    const char **labels = json_array_size(list) > 0 ? malloc(c->classes * sizeof *labels) : NULL;
    if (labels == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "%s: no memory for label_names", where);
    for (uint32_t i = 0; st == VKC_OK && i < c->classes; i++) {
        labels[i] = json_string_value(json_array_get(list, i));
        if (labels[i] == NULL || strlen(labels[i]) > NN_MAX_LABEL || !nn_is_printable(labels[i]))
            st = VKC_FAIL(VKC_E_FORMAT, "%s: an entry of label_names is not a string of at most %d bytes", where,
                          NN_MAX_LABEL);
    }
    if (st == VKC_OK)
        st = nn_model_config_set_labels(c, labels, c->classes);
    free(labels);
done:
    return st;
}

static vkc_status read_config(const char *where, json_t *root, nn_model_config *c)
{
    const char *arch, *pool = "token";
    json_t *pre;
    uint32_t features;
    vkc_status st;
    VKC_TRY(nn_json_get_string(where, root, "architecture", 100, &arch));
    if (strncmp(arch, "vit_", 4) != 0 && strcmp(arch, "pare_vit") != 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: the architecture %s is not supported", where, arch);
    if (nn_json_has(root, "global_pool"))
        VKC_TRY(nn_json_get_string(where, root, "global_pool", 100, &pool));
    if (strcmp(pool, "token") != 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: global_pool is %s; only token is supported", where, pool);
    VKC_TRY(nn_json_get_u32(where, root, "num_classes", 1, NN_MAX_CLASSES, &c->classes));
    VKC_TRY(read_args(where, root, c));
    if (nn_json_has(root, "num_features")) {
        VKC_TRY(nn_json_get_u32(where, root, "num_features", 1, NN_MAX_DIM, &features));
        if (features != c->dim)
            return VKC_FAIL(VKC_E_FORMAT, "%s: num_features is %u but embed_dim is %u", where, features, c->dim);
    }
    VKC_TRY(read_labels(where, root, c));
    VKC_TRY(nn_json_get_object(where, root, "pretrained_cfg", &pre));
    VKC_TRY(nn_preprocess_read_timm(where, pre, c));
    st = nn_model_config_check(c, VKC_E_FORMAT, where);
done:
    return st;
}

static vkc_status read_options(const char *where, json_t *options, char *out, size_t size)
{
    const char *key;
    json_t *v;
    size_t at = 0;
    out[0] = '\0';
    json_object_foreach(options, key, v) {
        int n = -1;
        if (json_is_string(v))
            n = snprintf(out + at, size - at, "%s%s=%s", at > 0 ? "," : "", key, json_string_value(v));
        else if (json_is_integer(v))
            n = snprintf(out + at, size - at, "%s%s=%" JSON_INTEGER_FORMAT, at > 0 ? "," : "", key,
                         json_integer_value(v));
        if (n < 0 || (size_t) n >= size - at)
            return VKC_FAIL(VKC_E_FORMAT, "%s: the options of a layer are too long or not words and whole numbers",
                            where);
        at += (size_t) n;
    }
    return VKC_OK;
}

static vkc_status read_layer(const char *where, json_t *v, nn_layer_config *layer)
{
    static const char *const known[] = { "mixer", "options", NULL };
    const char *mixer;
    char options[sizeof layer->options] = "";
    json_t *obj;
    vkc_status st;
    if (!json_is_object(v))
        return VKC_FAIL(VKC_E_FORMAT, "%s: an entry of layers is not an object", where);
    VKC_TRY(nn_json_check_keys(where, v, known));
    VKC_TRY(nn_json_get_string(where, v, "mixer", sizeof layer->mixer - 1, &mixer));
    if (nn_json_has(v, "options")) {
        VKC_TRY(nn_json_get_object(where, v, "options", &obj));
        VKC_TRY(read_options(where, obj, options, sizeof options));
    }
    if (nn_layer_config_set(layer, mixer, options) != VKC_OK)
        return VKC_FAIL(VKC_E_FORMAT, "%s: the mixer or the options of a layer have odd characters", where);
done:
    return st;
}

// Of a model whose pictures are prepared by Hugging Face's rule config.json says only what comes closest to it.
static vkc_status read_rule(const char *where, json_t *root, nn_model_config *c)
{
    const char *rule;
    vkc_status st = nn_json_get_string(where, root, "preprocess", 10, &rule);
    if (st == VKC_OK && strcmp(rule, "hf") != 0)
        st = VKC_FAIL(VKC_E_FORMAT, "%s: preprocess is %s; only hf is known", where, rule);
    if (st == VKC_OK)
        c->preprocess.rule = NN_RULE_HF;
    return st;
}

static vkc_status read_pare(const char *where, json_t *root, nn_model_config *c)
{
    static const char *const known[] = { "format", "version", "norm_eps", "preprocess", "layers", "retention",
                                         "provenance", "measured", NULL };
    const char *format;
    uint32_t version;
    json_t *list, *obj;
    vkc_status st;
    VKC_TRY(nn_json_get_string(where, root, "format", 20, &format));
    VKC_TRY(nn_json_get_u32(where, root, "version", 1, UINT32_MAX, &version));
    if (strcmp(format, "pare") != 0 || version != 1)
        return VKC_FAIL(VKC_E_FORMAT, "%s: format %s version %u is not known to this program", where, format, version);
    VKC_TRY(nn_json_check_keys(where, root, known));
    VKC_TRY(nn_json_get_number(where, root, "norm_eps", 1e-15, 1.0, &c->eps));
    if (nn_json_has(root, "preprocess"))
        VKC_TRY(read_rule(where, root, c));
    VKC_TRY(nn_json_get_array(where, root, "layers", c->depth, c->depth, &list));
    for (uint32_t i = 0; i < c->depth; i++)
        VKC_TRY(read_layer(where, json_array_get(list, i), &c->layers[i]));
    VKC_TRY(nn__retention_read(where, root, c));
    if (nn_json_has(root, "provenance")) {
        VKC_TRY(nn_json_get_object(where, root, "provenance", &obj));
        c->provenance = json_incref(obj);
    }
    if (nn_json_has(root, "measured")) {
        VKC_TRY(nn_json_get_object(where, root, "measured", &obj));
        c->measured = json_incref(obj);
    }
done:
    return st;
}

vkc_status nn_model_config_load(const char *folder, nn_model_config *c)
{
    char path[NN_PATH_MAX];
    nn_model_config m = { .eps = 1e-6 };
    json_t *config = NULL, *pare = NULL;
    vkc_status st;
    if (!nn_is_folder(folder))
        return VKC_FAIL(VKC_E_IO, "%s is not a model folder", folder);
    VKC_TRY(nn_path_build(path, folder, "config.json"));
    VKC_TRY(nn_json_load(path, MAX_JSON, &config));
    VKC_TRY(read_config(path, config, &m));
    for (uint32_t i = 0; i < m.depth; i++)
        VKC_TRY(nn_layer_config_set(&m.layers[i], "attention", NULL));
    VKC_TRY(nn_path_build(path, folder, "pare.json"));
    if (nn_is_file(path)) {
        VKC_TRY(nn_json_load(path, MAX_JSON, &pare));
        VKC_TRY(read_pare(path, pare, &m));
    }
    if (m.preprocess.rule == NN_RULE_HF)
        VKC_TRY(nn_preprocess_load(folder, NN_RULE_HF, &m));
    *c = m;
    memset(&m, 0, sizeof m);
done:
    nn_model_config_finish(&m);
    json_decref(config);
    json_decref(pare);
    return st;
}
