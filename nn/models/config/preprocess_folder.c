// preprocess_folder.c — how pictures become pixels, of the files of a model folder, and what to say where two of them
// disagree.
#include "nn/models/config/model_config_impl.h"
#include "nn/models/config/preprocess_json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/checkpoint/weights.h"

#define MAX_FILE ((size_t) 16 << 20)

// What one file says: `obj` is of `root`, NULL where there is no such file.
typedef struct settings {
    const char *name;               // of the file
    char    where[NN_PATH_MAX + 32];
    json_t *root, *obj;
} settings;

// `known`: what is in the file, where it has been read; NULL = not yet.
static vkc_status load(const char *folder, const char *name, json_t *known, settings *s)
{
    char path[NN_PATH_MAX];
    *s = (settings) { .name = name };
    vkc_status st = nn_path_build(path, folder, name);
    if (st != VKC_OK)
        return st;
    snprintf(s->where, sizeof s->where, "%s", path);
    if (known)
        s->root = json_incref(known);
    else if (nn_is_file(path))
        st = nn_json_load(path, MAX_FILE, &s->root);
    s->obj = s->root;
    return st;
}

// Transformers 5 write all processors of a model into processor_config.json; that of pictures is nested. Older ones
// have a file of this name that says nothing about pictures.
static vkc_status load_nested(const char *folder, settings *s)
{
    vkc_status st = load(folder, "processor_config.json", NULL, s);
    s->obj = NULL;
    if (st != VKC_OK || !s->root || !nn_json_has(s->root, "image_processor"))
        return st;
    st = nn_json_get_object(s->where, s->root, "image_processor", &s->obj);
    strcat(s->where, ": image_processor");
    return st;
}

// Of timm's config.json, where it says how pictures are prepared.
static vkc_status load_timm(const char *folder, json_t *config, settings *s)
{
    vkc_status st = load(folder, "config.json", config, s);
    if (st == VKC_OK && s->root && nn_json_has(s->root, "pretrained_cfg"))      // old files have it at the top
        st = nn_json_get_object(s->where, s->root, "pretrained_cfg", &s->obj);
    if (st == VKC_OK && s->obj && !nn_json_has(s->obj, "input_size"))
        s->obj = NULL;
    return st;
}

static void finish(settings *s)
{
    json_decref(s->root);
    s->root = NULL;
}

// The settings of `obj` for a model like c, and the size that they ask for; c stays.
static vkc_status read_aside(nn_rule rule, const char *where, json_t *obj, const nn_model_config *c,
                             nn_model_config *out)
{
    nn_model_config s = *c;
    s.height = s.width = 0;
    s.notes = NULL;
    const vkc_status st = rule == NN_RULE_HF ? nn_preprocess_read_hf(where, obj, &s)
                                             : nn_preprocess_read_timm(where, obj, &s);
    free(s.notes);
    s.notes = NULL;
    *out = s;                       // what it points to is c's
    return st;
}

static bool is_size(nn_size a, nn_size b)
{
    return a.height == b.height && a.width == b.width;
}

static bool is_color(const double *a, const double *b, uint32_t channels)
{
    bool is_same = true;
    for (uint32_t i = 0; i < channels; i++)
        is_same = is_same && fabs(a[i] - b[i]) <= 1e-6 * fmax(1, fabs(b[i]));
    return is_same;
}

// What two settings disagree about, "size, mean"; false = nothing.
static bool compare(const nn_model_config *a, const nn_model_config *b, char text[64])
{
    const nn_preprocess *p = &a->preprocess, *q = &b->preprocess;
    const bool is_cut = p->mode == q->mode && is_size(p->resize, q->resize) && is_size(p->crop, q->crop) &&
                        fabs(p->crop_pct - q->crop_pct) <= 1e-9;
    const struct { const char *name; bool is_same; } parts[] = {
        { "size", a->height == b->height && a->width == b->width },
        { "crop", is_cut },
        { "filter", p->filter == q->filter },
        { "mean", is_color(a->mean, b->mean, a->channels) },
        { "std", is_color(a->std, b->std, a->channels) },
    };
    text[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!parts[i].is_same)
            snprintf(text + strlen(text), 64 - strlen(text), "%s%s", *text ? ", " : "", parts[i].name);
    return *text != '\0';
}

vkc_status nn__preprocess_read_hf_folder(const char *folder, nn_model_config *c, bool *is_there)
{
    settings nested = { 0 }, plain = { 0 };
    nn_model_config other;
    char text[64];
    vkc_status st;
    VKC_TRY(load_nested(folder, &nested));
    VKC_TRY(load(folder, "preprocessor_config.json", NULL, &plain));
    *is_there = nested.obj || plain.obj;
    const settings *used = nested.obj ? &nested : &plain;
    if (!*is_there)
        goto done;
    VKC_TRY(nn_preprocess_read_hf(used->where, used->obj, c));
    if (!nested.obj || !plain.obj)
        goto done;
    nn_model_config own;
    VKC_TRY(read_aside(NN_RULE_HF, nested.where, nested.obj, c, &own));
    if (read_aside(NN_RULE_HF, plain.where, plain.obj, c, &other) != VKC_OK)
        nn_model_config_note(c, "%s; processor_config.json is used, as in transformers", vkc_last_error());
    else if (compare(&own, &other, text))
        nn_model_config_note(c, "%s: processor_config.json and preprocessor_config.json disagree (%s); the first is "
                             "used, as in transformers", folder, text);
done:
    finish(&nested);
    finish(&plain);
    return st;
}

// The file of the program whose rule is not the config's, which may be an approximation: it is held against what this
// program would write.
vkc_status nn__preprocess_check_folder(const char *folder, json_t *config, bool is_strict, nn_model_config *c)
{
    const bool is_hf = c->preprocess.rule == NN_RULE_HF;
    settings s = { 0 };
    nn_model_config theirs, ours;
    json_t *written = NULL;
    char text[64];
    vkc_status st = is_hf ? load_timm(folder, config, &s) : load_nested(folder, &s);
    if (st == VKC_OK && !is_hf && !s.obj) {
        finish(&s);
        st = load(folder, "preprocessor_config.json", NULL, &s);
    }
    if (st != VKC_OK || !s.obj)
        goto done;
    VKC_TRY(read_aside(is_hf ? NN_RULE_TIMM : NN_RULE_HF, s.where, s.obj, c, &theirs));
    written = is_hf ? nn_preprocess_json_timm(c) : nn_preprocess_json_hf(c);
    if (!nn_json_is_whole() || !written) {
        st = VKC_FAIL(VKC_E_NOMEM, "%s: out of host memory", folder);
        goto done;
    }
    VKC_TRY(read_aside(is_hf ? NN_RULE_TIMM : NN_RULE_HF, s.where, written, c, &ours));
    if (compare(&ours, &theirs, text))
        nn_model_config_note(c, "%s: %s and %s disagree about pictures (%s); the first is used, --preprocess %s takes "
                             "the other", folder, is_hf ? "preprocessor_config.json" : "config.json", s.name, text,
                             is_hf ? "timm" : "hf");
done:
    if (st == VKC_E_FORMAT && !is_strict) {
        nn_model_config_note(c, "%s; pictures are prepared as %s says", vkc_last_error(),
                             is_hf ? "preprocessor_config.json" : "config.json");
        st = VKC_OK;
    }
    json_decref(written);
    finish(&s);
    return st;
}

vkc_status nn_preprocess_load(const char *model, nn_rule rule, nn_model_config *c)
{
    char folder[NN_WEIGHTS_MAX_PLACE];
    settings s = { 0 };
    bool is_there;
    vkc_status st;
    VKC_TRY(nn_weights_get_folder(model, folder));
    if (rule == NN_RULE_HF) {
        st = nn__preprocess_read_hf_folder(folder, c, &is_there);
        if (st == VKC_OK && !is_there)
            st = VKC_FAIL(VKC_E_FORMAT, "%s has no preprocessor_config.json and no processor_config.json, so it does "
                          "not say how Hugging Face prepares pictures", folder);
        goto done;
    }
    VKC_TRY(load_timm(folder, NULL, &s));
    st = s.obj ? nn_preprocess_read_timm(s.where, s.obj, c)
               : VKC_FAIL(VKC_E_FORMAT, "%s has no pretrained_cfg, so it does not say how timm prepares pictures",
                          s.where);
done:
    finish(&s);
    return st;
}
