// model_config_values.c — values that the configs of several programs have alike: sizes, widths, class names.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"

vkc_status nn__size_read(const char *where, json_t *obj, const char *key, nn_size *out)
{
    double size[2];
    if (!json_is_array(json_object_get(obj, key))) {
        vkc_status st = nn_json_get_u32(where, obj, key, 1, 16384, &out->height);
        out->width = out->height;
        return st;
    }
    vkc_status st = nn_json_get_numbers(where, obj, key, 2, 1, 16384, size);
    if (st == VKC_OK && (size[0] != floor(size[0]) || size[1] != floor(size[1])))
        st = VKC_FAIL(VKC_E_FORMAT, "%s: %s is not two whole numbers", where, key);
    if (st == VKC_OK)
        *out = (nn_size) { (uint32_t) size[0], (uint32_t) size[1] };
    return st;
}

static const nn__fixed_key *find_fixed(const nn__fixed_key *fixed, const char *key)
{
    while (fixed->key && strcmp(fixed->key, key) != 0)
        fixed++;
    return fixed->key ? fixed : NULL;
}

vkc_status nn__fixed_check(const char *where, json_t *obj, const nn__fixed_key *fixed)
{
    const char *key;
    json_t *v;
    json_object_foreach(obj, key, v) {
        const nn__fixed_key *k = json_is_null(v) ? NULL : find_fixed(fixed, key);
        if (!k || !k->value)
            continue;
        char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
        vkc_status st = VKC_OK;
        if (!text)
            st = VKC_FAIL(VKC_E_NOMEM, "%s: no memory for %s", where, key);
        else if (strcmp(text, k->value) != 0)
            st = VKC_FAIL(VKC_E_FORMAT, "%s: %s is %.60s; only %s is supported", where, key, text, k->value);
        free(text);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

vkc_status nn__keys_check(const char *where, json_t *obj, const char *const *known, const nn__fixed_key *fixed)
{
    const char *key;
    json_t *v;
    json_object_foreach(obj, key, v) {
        if (!nn_json_is_known(known, key) && !json_is_null(v) && !find_fixed(fixed, key))
            return VKC_FAIL(VKC_E_FORMAT, "%s: %.60s is not supported", where,
                            nn_is_printable(key) ? key : "a key with control characters");
    }
    return nn__fixed_check(where, obj, fixed);
}

vkc_status nn__act_read(const char *where, const char *key, const char *name, nn_model_config *c)
{
    static const struct { const char *name; nn_act act; } acts[] = {
        { "gelu", NN_ACT_GELU }, { "quick_gelu", NN_ACT_QUICK_GELU }, { "gelu_tanh", NN_ACT_GELU_TANH },
        { "gelu_pytorch_tanh", NN_ACT_GELU_TANH }, { "gelu_new", NN_ACT_GELU_TANH },
    };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        if (strcmp(name, acts[i].name) == 0) {
            c->act = acts[i].act;
            return VKC_OK;
        }
    return VKC_FAIL(VKC_E_FORMAT, "%s: %s is %s; gelu, quick_gelu, gelu_tanh and gelu_pytorch_tanh are supported",
                    where, key, name);
}

uint32_t nn__hidden(uint32_t dim, double ratio)
{
    const double hidden = (double) dim * ratio;
    return hidden <= NN_MAX_HIDDEN ? (uint32_t) hidden : 0;
}

// Bytes of `text`, at most `most`, that end with a whole character of UTF-8.
static size_t cut(const char *text, size_t most)
{
    size_t n = strlen(text);
    if (n <= most)
        return n;
    for (n = most; n > 0 && ((unsigned char) text[n] & 0xc0) == 0x80;)
        n--;
    return n;
}

void nn_label_clean(const char *text, char out[NN_MAX_LABEL + 1])
{
    const size_t n = cut(text, NN_MAX_LABEL);
    memcpy(out, text, n);
    out[n] = '\0';
    for (unsigned char *p = (unsigned char *) out; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

// False: the value is no name.
static bool name_label(const json_t *v, char out[NN_MAX_LABEL + 1])
{
    if (json_is_string(v))
        nn_label_clean(json_string_value(v), out);
    else if (json_is_integer(v))
        snprintf(out, NN_MAX_LABEL + 1, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if (json_is_real(v))
        snprintf(out, NN_MAX_LABEL + 1, "%.15g", json_real_value(v));
    else if (json_is_boolean(v))
        snprintf(out, NN_MAX_LABEL + 1, "%s", json_is_true(v) ? "true" : "false");
    else
        return false;
    return true;
}

vkc_status nn__labels_set(const char *where, const char *key, json_t *const *labels, nn_model_config *c)
{
    const uint32_t n = c->classes;
    uint32_t missing = 0, changed = 0, first = 0;
    char (*names)[NN_MAX_LABEL + 1] = malloc(n * sizeof *names);
    const char **list = (const char **) malloc(n * sizeof *list);
    vkc_status st = names && list ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "%s: no memory for %s", where, key);
    for (uint32_t i = 0; st == VKC_OK && i < n; i++) {
        list[i] = names[i];
        const bool is_name = name_label(labels[i], names[i]);
        if (!is_name) {
            snprintf(names[i], sizeof names[i], "class %u", i);
            first = missing++ ? first : i;
        }
        changed += is_name && json_is_string(labels[i]) && strcmp(json_string_value(labels[i]), names[i]) != 0;
    }
    if (st == VKC_OK)
        st = nn_model_config_set_labels(c, list, n);
    if (st == VKC_OK && missing)
        nn_model_config_note(c, "%s: %s has no name for %u of %u classes, class %u the first", where, key, missing, n,
                             first);
    if (st == VKC_OK && changed)
        nn_model_config_note(c, "%s: %u of the names in %s are cut to %d bytes or had control characters", where,
                             changed, key, NN_MAX_LABEL);
    free(list);
    free(names);
    return st;
}

json_t *nn__labels_json(const nn_model_config *c)
{
    json_t *labels = c->labels != NULL ? nn_json_made(json_array()) : NULL;
    for (uint32_t i = 0; c->labels != NULL && i < c->classes; i++)
        nn_json_append_new(labels, json_string(c->labels[i]));
    return labels;
}
