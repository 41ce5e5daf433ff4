// model_config_arch.c — a model's values from an --arch text: numbers, and the mixer of every layer.
#include <string.h>

#include "nn/mixers/mixer.h"
#include "nn/models/config/model_config.h"
#include "nn/models/config/model_config_impl.h"

typedef struct arch_key {
    const char *name;
    uint32_t   *value, min, max;
    bool        is_needed, is_set;
} arch_key;

static vkc_status read_number(const char *key, const char *text, size_t len, uint32_t min, uint32_t max, uint32_t *out)
{
    uint64_t x = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return VKC_FAIL(VKC_E_ARG, "arch: %s is '%.*s', want a whole number", key, (int) len, text);
        x = x * 10 + (uint64_t) (text[i] - '0');
        if (x > UINT32_MAX)
            break;
    }
    if (len == 0 || x < min || x > max)
        return VKC_FAIL(VKC_E_ARG, "arch: %s is '%.*s', want %u to %u", key, (int) (len < 20 ? len : 20), text, min,
                        max);
    *out = (uint32_t) x;
    return VKC_OK;
}

// One "key=value", `len` bytes long.
static vkc_status read_pair(arch_key *keys, size_t n, const char *text, size_t len)
{
    size_t name_len = 0;
    while (name_len < len && text[name_len] != '=')
        name_len++;
    for (size_t i = 0; i < n && name_len < len; i++) {
        if (strlen(keys[i].name) != name_len || memcmp(keys[i].name, text, name_len) != 0)
            continue;
        if (keys[i].is_set)
            return VKC_FAIL(VKC_E_ARG, "arch: %s is given twice", keys[i].name);
        keys[i].is_set = true;
        return read_number(keys[i].name, text + name_len + 1, len - name_len - 1, keys[i].min, keys[i].max,
                           keys[i].value);
    }
    return VKC_FAIL(VKC_E_ARG, "arch: '%.*s' is not one of image=, patch=, dim=, depth=, heads=, mlp=, hidden=, "
                    "channels=, classes=, mixer=", (int) (len < 60 ? len : 60), text);
}

// One entry of a mixer list, "ssd:state=128+chunk=32*3", `len` bytes long.
static vkc_status read_mixer(const char *text, size_t len, nn_layer_config *layer, uint32_t *times)
{
    char name[sizeof layer->options];
    size_t name_len = 0;
    while (name_len < len && text[name_len] != '*')
        name_len++;
    if (name_len >= sizeof name)
        return VKC_FAIL(VKC_E_ARG, "arch: mixer '%.40s' is too long", text);
    memcpy(name, text, name_len);
    name[name_len] = '\0';
    *times = 1;
    vkc_status st = VKC_OK;
    if (name_len < len)
        st = read_number("the count of a mixer", text + name_len + 1, len - name_len - 1, 1, NN_MAX_DEPTH, times);
    return st == VKC_OK ? nn_mixer_parse(name, layer, NULL) : st;
}

// "linear" or "linear*3/attention*3", `len` bytes long: the list is repeated until it fills the depth.
static vkc_status read_mixers(nn_model_config *c, const char *text, size_t len)
{
    uint32_t n = 0;
    for (size_t at = 0; at <= len;) {
        size_t one = 0;
        uint32_t times;
        nn_layer_config layer;
        while (at + one < len && text[at + one] != '/')
            one++;
        vkc_status st = read_mixer(text + at, one, &layer, &times);
        if (st != VKC_OK)
            return st;
        for (; times > 0 && n < c->depth; times--)
            c->layers[n++] = layer;
        if (times > 0)
            return VKC_FAIL(VKC_E_ARG, "arch: mixer names more layers than depth=%u", c->depth);
        at += one + 1;
    }
    if (c->depth % n != 0)
        return VKC_FAIL(VKC_E_ARG, "arch: mixer names %u layers, which does not divide depth=%u", n, c->depth);
    for (uint32_t i = n; i < c->depth; i++)
        c->layers[i] = c->layers[i - n];
    return VKC_OK;
}

// The kind that comes before the values: vit: or, with a comma or nothing behind it, a name of timm's. *rest = those.
static vkc_status read_name(nn_model_config *c, const char *arch, const char **rest)
{
    char name[100];
    const size_t len = arch ? strcspn(arch, ",") : 0;
    if (len >= 4 && strncmp(arch, "vit:", 4) == 0) {
        *rest = arch + 4;
        return VKC_OK;
    }
    if (len == 0 || len >= sizeof name || strchr(arch, ':'))
        return VKC_FAIL(VKC_E_ARG, "arch: want vit:image=64,patch=8,dim=96,depth=6,heads=3, or a name like "
                        "deit_tiny_patch16_224");
    memcpy(name, arch, len);
    name[len] = '\0';
    *rest = arch + len + (arch[len] == ',');
    return nn__arch_read(VKC_E_ARG, "arch", name, c);
}

vkc_status nn_model_config_init(nn_model_config *c, const char *arch)
{
    uint32_t mlp = 0, image = 0;
    const char *mixer = NULL;
    memset(c, 0, sizeof *c);
    c->channels = 3;
    c->eps = 1e-6;
    for (int i = 0; i < 3; i++)
        c->mean[i] = c->std[i] = 0.5;
    enum { HIDDEN = 6 };
    arch_key keys[] = {
        { "image", &image, 1, 16384, true, false },
        { "patch", &c->patch, 1, 1024, true, false },
        { "dim", &c->dim, 1, NN_MAX_DIM, true, false },
        { "depth", &c->depth, 1, NN_MAX_DEPTH, true, false },
        { "heads", &c->heads, 1, NN_MAX_DIM, true, false },
        { "mlp", &mlp, 1, 16, false, false },
        [HIDDEN] = { "hidden", &c->hidden, 1, NN_MAX_HIDDEN, false, false },
        { "channels", &c->channels, 1, 3, false, false },
        { "classes", &c->classes, 1, NN_MAX_CLASSES, false, false },
    };
    const size_t n = sizeof keys / sizeof *keys;
    const char *rest = NULL;
    vkc_status st = read_name(c, arch, &rest);
    if (st != VKC_OK)
        return st;
    const bool is_named = c->dim > 0;
    for (const char *p = rest; *rest || !is_named;) {
        size_t len = strcspn(p, ",");
        bool is_mixer = strncmp(p, "mixer=", 6) == 0;
        st = VKC_OK;
        if (is_mixer && mixer)
            st = VKC_FAIL(VKC_E_ARG, "arch: mixer is given twice");
        else if (is_mixer)
            mixer = p + 6;
        else
            st = read_pair(keys, n, p, len);
        if (st != VKC_OK)
            return st;
        if (p[len] == '\0')
            break;
        p += len + 1;
    }
    for (size_t i = 0; i < n; i++)
        if (keys[i].is_needed && !keys[i].is_set && !is_named)
            return VKC_FAIL(VKC_E_ARG, "arch: %s= is missing", keys[i].name);
    if (image)
        c->height = c->width = image;
    if (c->hidden == 0 || (mlp && !keys[HIDDEN].is_set))
        c->hidden = (mlp ? mlp : 4) * c->dim;
    if (c->headless)
        c->classes = nn_model_config_features(c);
    st = nn_model_config_check(c, VKC_E_ARG, "arch");
    if (st == VKC_OK && image && image % c->patch)
        st = VKC_FAIL(VKC_E_ARG, "arch: the image size %u is not a multiple of the patch size %u", image, c->patch);
    if (st == VKC_OK && mixer)
        return read_mixers(c, mixer, strcspn(mixer, ","));
    for (uint32_t i = 0; i < c->depth && st == VKC_OK; i++)
        st = nn_mixer_parse(nn_mixer_default()->name, &c->layers[i], NULL);
    return st;
}
