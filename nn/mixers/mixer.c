// mixer.c — the mixer table, from mixers.def, and the options of a layer.
#include "nn/mixers/mixer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
#define NN_MIXER(name) ROW_##name,
#include "nn/mixers/mixers.def"
#undef NN_MIXER
    N_ROWS
};

const nn_mixer *nn_mixers[NN_MAX_MIXERS] = {
#define NN_MIXER(name) [ROW_##name] = &nn_mixer_##name,
#include "nn/mixers/mixers.def"
#undef NN_MIXER
};
uint32_t nn_n_mixers = N_ROWS;

static void append(char *list, size_t size, const char *separator, const char *word)
{
    size_t len = strlen(list);
    snprintf(list + len, size - len, "%s%s", len ? separator : "", word);
}

const nn_mixer *nn_mixer_default(void)
{
    return nn_mixers[0];
}

const nn_mixer *nn_mixer_of(const nn_layer_config *layer)
{
    for (uint32_t i = 0; i < nn_n_mixers; i++)
        if (strcmp(nn_mixers[i]->name, layer->mixer) == 0)
            return nn_mixers[i];
    return NULL;
}

bool nn_mixer_has_weights(const nn_layer_config *layer)
{
    const nn_mixer *m = nn_mixer_of(layer);
    return m && m->has_weights;
}

bool nn_mixer_is_replaceable(const nn_layer_config *layer)
{
    const nn_mixer *m = nn_mixer_of(layer);
    return m && m->is_replaceable;
}

vkc_status nn_mixer_register(const nn_mixer *m)
{
    nn_layer_config layer;
    vkc_status st = nn_layer_config_set(&layer, m->name, NULL);
    if (st != VKC_OK)
        return st;
    if (nn_mixer_of(&layer))
        return VKC_FAIL(VKC_E_ARG, "there is a mixer \"%s\" already", m->name);
    if (nn_n_mixers == NN_MAX_MIXERS)
        return VKC_FAIL(VKC_E_ARG, "mixer %s: no room for more than %d", m->name, NN_MAX_MIXERS);
    nn_mixers[nn_n_mixers++] = m;
    return VKC_OK;
}

static vkc_status find_mixer(const nn_layer_config *layer, const nn_mixer **out)
{
    char list[256] = "";
    *out = nn_mixer_of(layer);
    if (*out)
        return VKC_OK;
    for (uint32_t i = 0; i < nn_n_mixers; i++)
        append(list, sizeof list, ", ", nn_mixers[i]->name);
    return VKC_FAIL(VKC_E_ARG, "no mixer \"%.64s\"; there are: %s", layer->mixer, list);
}

static bool is_any_number(const char *text)
{
    char *end;
    const unsigned long n = strtoul(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && n <= 65536;
}

#define MAX_VALUE 64

// The value a layer gives to an option, or its default, and which of those allowed it is; E_ARG for another.
static vkc_status find_value(const nn_mixer *m, const nn_mixer_option *o, const nn_layer_config *layer,
                             char value[MAX_VALUE], uint32_t *index)
{
    char list[256] = "";
    *index = 0;
    if (!nn_layer_config_get(layer, o->key, value, MAX_VALUE)) {
        snprintf(value, MAX_VALUE, "%s", o->values[0]);
        return VKC_OK;
    }
    for (uint32_t i = 0; o->values[i]; i++) {
        *index = i;
        if (strcmp(o->values[i], NN_ANY_NUMBER) == 0 ? is_any_number(value) : strcmp(o->values[i], value) == 0)
            return VKC_OK;
        append(list, sizeof list, ", ", o->values[i]);
    }
    return VKC_FAIL(VKC_E_ARG, "mixer %s: %s cannot be \"%s\"; it can be: %s", m->name, o->key, value, list);
}

// E_ARG when the layer has an option that the mixer does not know, or one twice.
static vkc_status check_keys(const nn_mixer *m, const nn_layer_config *layer)
{
    char list[256] = "";
    for (const nn_mixer_option *o = m->options; o && o->key; o++)
        append(list, sizeof list, ", ", o->key);
    for (const char *at = layer->options; *at;) {
        size_t key = strcspn(at, "=,"), whole = strcspn(at, ",");
        bool known = false;
        for (const nn_mixer_option *o = m->options; o && o->key; o++)
            known = known || (strlen(o->key) == key && strncmp(o->key, at, key) == 0);
        if (!known || at[key] != '=')
            return VKC_FAIL(VKC_E_ARG, "mixer %s: no option \"%.*s\"; there are: %s", m->name, (int) whole, at,
                            *list ? list : "none");
        for (const char *was = layer->options; was < at; was += strcspn(was, ",") + 1)
            if (strncmp(was, at, key + 1) == 0)
                return VKC_FAIL(VKC_E_ARG, "mixer %s: option %.*s is there twice", m->name, (int) key, at);
        at += whole + (at[whole] == ',');
    }
    return VKC_OK;
}

vkc_status nn_mixer_check(nn_layer_config *layer, const nn_mixer **out, nn_mixer_options *options)
{
    const nn_mixer *m = NULL;
    nn_mixer_options parsed = { 0 };
    char full[sizeof layer->options] = "";
    vkc_status st = find_mixer(layer, &m);
    if (st == VKC_OK)
        st = check_keys(m, layer);
    for (uint32_t i = 0; st == VKC_OK && m->options && m->options[i].key; i++) {
        char value[MAX_VALUE], pair[96];
        st = find_value(m, &m->options[i], layer, value, &parsed.value[i]);
        if (st != VKC_OK)
            break;
        parsed.number[i] = (uint32_t) strtoul(value, NULL, 10);
        snprintf(pair, sizeof pair, "%s=%s", m->options[i].key, value);
        if (strcmp(value, "none") != 0)     // as before there was such an option
            append(full, sizeof full, ",", pair);
    }
    if (st != VKC_OK)
        return st;
    memcpy(layer->options, full, sizeof full);
    if (out)
        *out = m;
    if (options)
        *options = parsed;
    return VKC_OK;
}

vkc_status nn_mixer_parse(const char *text, nn_layer_config *layer, const nn_mixer **out)
{
    char name[sizeof layer->mixer];
    size_t len = strcspn(text, ":");
    if (len >= sizeof name || strlen(text) >= sizeof layer->options)
        return VKC_FAIL(VKC_E_ARG, "\"%.64s\" is too long for a mixer", text);
    memcpy(name, text, len);
    name[len] = 0;
    *layer = (nn_layer_config) { .mixer = "" };
    memcpy(layer->mixer, name, len + 1);
    if (text[len] == ':')
        memcpy(layer->options, text + len + 1, strlen(text + len));
    for (char *at = layer->options; (at = strchr(at, '+')) != NULL;)
        *at = ',';
    return nn_mixer_check(layer, out, NULL);
}

const char *nn_mixer_option_value(const nn_mixer_option *o, uint32_t i)
{
    return o->values[i] && strcmp(o->values[i], NN_ANY_NUMBER) == 0 ? "3" : o->values[i];
}

uint32_t nn_mixer_width(const nn_mixer_dims *d)
{
    return d->text.head_dim ? d->heads * d->text.head_dim : d->dim;
}

uint32_t nn_mixer_qkv(const nn_mixer_dims *d, nn_mixer_param *out)
{
    out[0] = (nn_mixer_param) { .name = "qkv.weight", .shape = { 2, { 3 * d->dim, d->dim } }, .decay = true,
                                .init = NN_INIT_NORMAL, .from = "qkv.weight" };
    out[1] = (nn_mixer_param) { .name = "qkv.bias", .shape = { 1, { 3 * d->dim } }, .from = "qkv.bias" };
    return 2;
}

vkc_status nn_mixer_check_width(const nn_mixer_dims *d, uint32_t most)
{
    if (d->dim / d->heads <= most)
        return VKC_OK;
    return VKC_FAIL(VKC_E_ARG, "mixer %s: heads of %u channels, it can do at most %u: with dim=%u, heads=%u "
                    "or more", d->mixer->name, d->dim / d->heads, most, d->dim, (d->dim - 1) / most + 1);
}
