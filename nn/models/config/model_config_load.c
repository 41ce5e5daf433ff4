// model_config_load.c — a model folder's JSON files, read strictly. Writing is in model_config_save.c.
#include "nn/models/config/model_config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/checkpoint/weights.h"
#include "nn/mixers/mixer.h"
#include "nn/models/config/model_config_impl.h"
#include "nn/models/config/preprocess_json.h"
#include "nn/models/causal/causal.h"
#include "nn/models/model_kind.h"

#define MAX_JSON ((size_t) 16 << 20)

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
    static const char *const known[] = { "format", "version", "norm_eps", "family", "preprocess", "layers", "retention",
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
    VKC_TRY(nn__family_read(where, root, c));
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

// Without a file that says how pictures are prepared: as those of the family usually are.
static vkc_status set_usual(const char *folder, nn_model_config *c)
{
    json_t *none = json_object();
    vkc_status st = none ? nn_preprocess_read_hf(folder, none, c)
                         : VKC_FAIL(VKC_E_NOMEM, "%s: out of host memory", folder);
    json_decref(none);
    nn_model_config_note(c, "%s has neither preprocessor_config.json nor processor_config.json: pictures are prepared "
                         "as transformers' image processor of its family does by default", folder);
    return st;
}

// Where pictures are prepared to another size than the model was made for (DINOv2: 224, not 518), its positions are
// resampled to that, as transformers do.
static vkc_status read_preprocessor(const char *folder, nn_model_config *c)
{
    const nn_size made = { c->height, c->width };
    bool is_there;
    vkc_status st;
    c->height = c->width = 0;       // the file says them
    VKC_TRY(nn__preprocess_read_hf_folder(folder, c, &is_there));
    if (c->height == 0)
        c->height = made.height, c->width = made.width;
    if (!is_there)
        VKC_TRY(set_usual(folder, c));
    if (c->height != made.height || c->width != made.width) {
        c->stored = made;
        nn_model_config_note(c, "%s: pictures are prepared to %u x %u pixels, and positions, made for %u x %u, are "
                             "resampled to that, as in transformers", folder, c->width, c->height, made.width,
                             made.height);
    }
done:
    return st;
}

// Is it the config of a language model?
static bool is_text(json_t *root)
{
    const char *type = json_string_value(json_object_get(root, "model_type"));
    return type && nn_causal_is_type(type);
}

// What made the folder tells how its config is read. *config: config.json, to be released; stays when there is none.
static vkc_status read_config(const char *folder, const char *model, nn_model_config *c, json_t **config)
{
    char path[NN_PATH_MAX];
    json_t *root = NULL;
    vkc_status st;
    VKC_TRY(nn_path_build(path, folder, "config.json"));
    const bool has_config = nn_is_file(path);
    if (!has_config)
        VKC_TRY(nn_path_build(path, folder, "open_clip_config.json"));
    if (!has_config && !nn_is_file(path)) {
        st = nn__config_guess(model, c);
        goto done;
    }
    VKC_TRY(nn_json_load(path, MAX_JSON, &root));
    if (has_config)
        *config = json_incref(root);
    if (!has_config) {
        st = nn__config_read_open_clip(path, root, c);
    } else if (nn_json_has(root, "architecture")) {
        const char *name = json_string_value(json_object_get(root, "architecture"));
        const nn_model_kind *own = nn_model_kind_find(name ? name : "", &c->type);
        st = own ? own->read_config(path, root, c) : nn__config_read_timm(path, root, c);
    } else if (is_text(root)) {
        st = nn_model_kind_causal.read_config(path, root, c);
    } else if (nn_json_has(root, "model_type")) {
        VKC_TRY(nn__config_read_hf(path, root, c));
        st = read_preprocessor(folder, c);
    } else {
        st = VKC_FAIL(VKC_E_FORMAT, "%s has neither an architecture, as timm writes it, nor a model_type, as Hugging "
                      "Face does", path);
    }
    if (st == VKC_OK)
        st = nn_model_config_check(c, VKC_E_FORMAT, path);
done:
    json_decref(root);
    return st;
}

vkc_status nn_model_config_load(const char *model, nn_model_config *c)
{
    char path[NN_PATH_MAX], folder[NN_WEIGHTS_MAX_PLACE];
    nn_model_config m = { .channels = 3 };
    json_t *config = NULL, *pare = NULL;
    vkc_status st;
    if (*model == '\0')
        return VKC_FAIL(VKC_E_ARG, "the name of the model is empty: want a folder");
    VKC_TRY(nn_weights_get_folder(model, folder));
    st = nn_folder_check(folder);
    if (st != VKC_OK)
        return VKC_WRAP(st, "not a model folder: %s", vkc_last_error());
    VKC_TRY(read_config(folder, model, &m, &config));
    for (uint32_t i = 0; i < m.depth; i++)
        VKC_TRY(nn_layer_config_set(&m.layers[i], nn_mixer_default()->name, NULL));
    VKC_TRY(nn_path_build(path, folder, "pare.json"));
    if (nn_is_file(path)) {
        VKC_TRY(nn_json_load(path, MAX_JSON, &pare));
        VKC_TRY(read_pare(path, pare, &m));
        if (m.preprocess.rule == NN_RULE_HF)
            VKC_TRY(nn_preprocess_load(folder, NN_RULE_HF, &m));
        VKC_TRY(nn_model_config_check(&m, VKC_E_FORMAT, path));
    }
    if (nn_model_kind_of(&m)->reads_pictures)
        VKC_TRY(nn__preprocess_check_folder(folder, config, pare != NULL, &m));
    *c = m;
    memset(&m, 0, sizeof m);
done:
    nn_model_config_finish(&m);
    json_decref(config);
    json_decref(pare);
    return st;
}
