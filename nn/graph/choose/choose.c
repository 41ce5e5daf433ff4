// choose.c — what may be forced, by the environment or by a caller, and the context of a device that it is kept in.
#include "nn/graph/choose/choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 5

typedef struct word { const char *text; uint32_t value; } word;

static const struct setting {
    const char *name, *variable;
    word words[MAX_WORDS];          // none: a whole number
} settings[NN_N_SETTINGS] = {
    [NN_SETTING_LINEAR] = { "linear", "PARE_LINEAR",
        { { "plain", NN_FORM_PLAIN }, { "tiled", NN_FORM_TILED }, { "simd", NN_FORM_SIMD } } },
    [NN_SETTING_ATTENTION] = { "attention", "PARE_ATTENTION",
        { { "tiled", NN_FORM_TILED }, { "simd", NN_FORM_SIMD } } },
    [NN_SETTING_LANES] = { "lanes", "PARE_LANES", { { "1", 1 }, { "32", 32 } } },
    [NN_SETTING_SCAN] = { "scan", "PARE_SCAN",
        { { "serial", NN_ORDER_SERIAL }, { "chunked", NN_ORDER_CHUNKED }, { "fused", NN_ORDER_FUSED },
          { "split", NN_ORDER_SPLIT } } },
    [NN_SETTING_SCAN_FORM] = { "scan_form", "PARE_SCAN_FORM",
        { { "general", NN_FORM_PLAIN }, { "simd", NN_FORM_SIMD } } },
    [NN_SETTING_SCAN_GROUP] = { "scan_group", "PARE_SCAN_GROUP", { { NULL, 0 } } },
};

static bool is_form(nn_setting s)
{
    return s == NN_SETTING_LINEAR || s == NN_SETTING_ATTENTION || s == NN_SETTING_SCAN_FORM;
}

// What is accepted: "plain, tiled or simd".
static void list_words(const struct setting *s, char *out, size_t size)
{
    uint32_t n = 0;
    size_t used = 0;
    while (n < MAX_WORDS && s->words[n].text)
        n++;
    if (n == 0)
        snprintf(out, size, "a whole number, 0 for no limit");
    for (uint32_t i = 0; i < n && used < size; i++)
        used += (size_t) snprintf(out + used, size - used, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ",
                                  s->words[i].text);
}

// `name` is what the sentence of a failure calls it.
static vkc_status set(nn_forced *f, nn_setting which, const char *name, const char *value)
{
    const struct setting *s = &settings[which];
    char known[96], *end = NULL;
    if (!*value) {
        f->of[which] = 0;
        return VKC_OK;
    }
    if (is_form(which) && strcmp(value, "lanes") == 0)
        value = "simd";             // what that form was called once
    for (uint32_t i = 0; i < MAX_WORDS && s->words[i].text; i++)
        if (strcmp(value, s->words[i].text) == 0) {
            f->of[which] = s->words[i].value;
            return VKC_OK;
        }
    if (!s->words[0].text && value[0] >= '0' && value[0] <= '9') {
        const unsigned long n = strtoul(value, &end, 10);
        if (*end == '\0' && n <= UINT32_MAX) {
            f->of[which] = (uint32_t) n;
            return VKC_OK;
        }
    }
    list_words(s, known, sizeof known);
    return VKC_FAIL(VKC_E_ARG, "%s is \"%.60s\", want %s", name, value, known);
}

vkc_status nn_forced_read(nn_forced *out)
{
    vkc_status st = VKC_OK;
    *out = (nn_forced) { { 0 } };
    for (uint32_t i = 0; i < NN_N_SETTINGS && st == VKC_OK; i++) {
        const char *value = getenv(settings[i].variable);
        if (value)
            st = set(out, (nn_setting) i, settings[i].variable, value);
    }
    return st;
}

static vkc_status find(const char *name, nn_setting *out)
{
    for (uint32_t i = 0; i < NN_N_SETTINGS; i++)
        if (strcmp(name, settings[i].name) == 0) {
            *out = (nn_setting) i;
            return VKC_OK;
        }
    return VKC_FAIL(VKC_E_ARG, "there is no setting \"%.60s\" of kernels, want linear, attention, lanes, scan, "
                    "scan_form or scan_group", name);
}

vkc_status nn_forced_set(nn_forced *f, const char *setting, const char *value)
{
    nn_setting which = NN_N_SETTINGS;
    char name[40];
    vkc_status st = find(setting, &which);
    if (st != VKC_OK)
        return st;
    snprintf(name, sizeof name, "the setting %s", setting);
    return set(f, which, name, value);
}

vkc_status nn_context_get(vkc_device *dev, nn_context **out)
{
    *out = (nn_context *) vkc_device_get_user(dev);
    if (*out)
        return VKC_OK;
    nn_context *c = (nn_context *) calloc(1, sizeof *c);
    vkc_status st = c ? nn_forced_read(&c->environment) : VKC_FAIL(VKC_E_NOMEM, "context: out of host memory");
    if (st != VKC_OK) {
        free(c);
        return st;
    }
    c->forced = c->environment;
    vkc_device_set_user(dev, c, free);
    *out = c;
    return VKC_OK;
}

vkc_status nn_choice_override(vkc_device *dev, const char *setting, const char *value)
{
    nn_context *c;
    nn_setting which = NN_N_SETTINGS;
    vkc_status st;
    VKC_TRY(nn_context_get(dev, &c));
    VKC_TRY(find(setting, &which));
    if (value)
        return nn_forced_set(&c->forced, setting, value);
    c->forced.of[which] = c->environment.of[which];
done:
    return st;
}
