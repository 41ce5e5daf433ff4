// model_config_values.c — values that the configs of several programs have alike: sizes, widths, class names.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <math.h>
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

vkc_status nn__labels_set(const char *where, const char *key, const char *const *labels, nn_model_config *c)
{
    for (uint32_t i = 0; i < c->classes; i++)
        if (labels[i] == NULL || strlen(labels[i]) > NN_MAX_LABEL || !nn_is_printable(labels[i]))
            return VKC_FAIL(VKC_E_FORMAT, "%s: entry %u of %s is not a string of at most %d bytes", where, i, key,
                            NN_MAX_LABEL);
    return nn_model_config_set_labels(c, labels, c->classes);
}

json_t *nn__labels_json(const nn_model_config *c)
{
    json_t *labels = c->labels != NULL ? json_array() : NULL;
    for (uint32_t i = 0; c->labels != NULL && i < c->classes; i++)
        json_array_append_new(labels, json_string(c->labels[i]));
    return labels;
}
