// layer_config.c — a mixer's name and its options as one short text.
#include "nn/mixers/layer_config.h"

#include <string.h>

#include "nn/base/json.h"

static bool is_word(const char *text, size_t len, const char *more)
{
    for (size_t i = 0; i < len; i++) {
        bool is_plain = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') || text[i] == '_';
        if (!is_plain && (text[i] == '\0' || strchr(more, text[i]) == NULL))
            return false;
    }
    return len > 0;
}

vkc_status nn_layer_config_set(nn_layer_config *l, const char *mixer, const char *options)
{
    if (strlen(mixer) >= sizeof l->mixer || !is_word(mixer, strlen(mixer), ""))
        return VKC_FAIL(VKC_E_ARG, "'%.30s' is no name for a mixer", nn_is_printable(mixer) ? mixer : "?");
    if (options == NULL)
        options = "";
    bool is_good = strlen(options) < sizeof l->options;
    for (const char *p = options; is_good && *p != '\0';) {
        size_t len = strcspn(p, ","), key = strcspn(p, "=");
        is_good = key < len && is_word(p, key, "") && is_word(p + key + 1, len - key - 1, ".+-") &&
                  (p[len] == '\0' || p[len + 1] != '\0');
        p += len + (p[len] == ',');
    }
    if (!is_good)
        return VKC_FAIL(VKC_E_ARG, "the options of mixer %s are not a short list like feature=hedgehog,conv=3", mixer);
    memset(l, 0, sizeof *l);
    memcpy(l->mixer, mixer, strlen(mixer));
    memcpy(l->options, options, strlen(options));
    return VKC_OK;
}

bool nn_layer_config_get(const nn_layer_config *l, const char *key, char *out, size_t size)
{
    size_t key_len = strlen(key);
    for (const char *p = l->options; *p != '\0';) {
        size_t len = strcspn(p, ",");
        if (len > key_len && p[key_len] == '=' && memcmp(p, key, key_len) == 0) {
            size_t value = len - key_len - 1;
            if (value >= size)
                return false;
            memcpy(out, p + key_len + 1, value);
            out[value] = '\0';
            return true;
        }
        p += len + (p[len] == ',');
    }
    return false;
}
