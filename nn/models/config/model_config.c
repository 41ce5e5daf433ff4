// model_config.c — a model's values: copied, and what follows from them. They are checked in model_config_check.c;
// --arch texts are in model_config_arch.c, files in model_config_load.c.
#include "nn/models/config/model_config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/mixers/mixer.h"
#include "nn/models/config/model_config_impl.h"
#include "nn/models/model_kind.h"

static void drop_labels(nn_model_config *c)
{
    for (uint32_t i = 0; c->labels != NULL && i < c->classes; i++)
        free(c->labels[i]);
    free(c->labels);
    c->labels = NULL;
}

vkc_status nn_model_config_set_labels(nn_model_config *c, const char *const *labels, uint32_t n)
{
    if (n == 0 || n > NN_MAX_CLASSES)
        return VKC_FAIL(VKC_E_ARG, "%u classes, want 1 to %d", n, NN_MAX_CLASSES);
    for (uint32_t i = 0; i < n; i++) {
        if (strlen(labels[i]) > NN_MAX_LABEL || !nn_is_printable(labels[i]))
            return VKC_FAIL(VKC_E_ARG, "the name of class %u is longer than %d bytes or has control characters", i,
                            NN_MAX_LABEL);
        if (!nn_is_utf8(labels[i])) {
            char shown[NN_MAX_LABEL + 1];
            for (size_t k = 0; k <= strlen(labels[i]); k++)
                shown[k] = (unsigned char) labels[i][k] < 0x80 ? labels[i][k] : '?';
            return VKC_FAIL(VKC_E_ARG, "the name of class %u, \"%s\", is not UTF-8, as the files of a model are", i,
                            shown);
        }
    }
    char **copy = calloc(n, sizeof *copy);
    bool is_short = copy == NULL;
    for (uint32_t i = 0; i < n && !is_short; i++) {
        size_t size = strlen(labels[i]) + 1;
        copy[i] = malloc(size);
        if (copy[i] != NULL)
            memcpy(copy[i], labels[i], size);
        is_short = copy[i] == NULL;
    }
    if (is_short) {
        for (uint32_t i = 0; copy != NULL && i < n; i++)
            free(copy[i]);
        free(copy);
        return VKC_FAIL(VKC_E_NOMEM, "no memory for %u class names", n);
    }
    drop_labels(c);
    c->labels = copy;
    c->classes = n;
    return VKC_OK;
}

vkc_status nn_model_config_copy(const nn_model_config *from, nn_model_config *out)
{
    vkc_status st = VKC_OK;
    nn_model_config c = *from;
    c.labels = NULL;
    c.notes = NULL;
    c.provenance = json_deep_copy(from->provenance);
    c.measured = json_deep_copy(from->measured);
    if (from->notes != NULL && (c.notes = malloc(strlen(from->notes) + 1)) != NULL)
        strcpy(c.notes, from->notes);
    if ((from->provenance != NULL && c.provenance == NULL) || (from->measured != NULL && c.measured == NULL) ||
        (from->notes != NULL && c.notes == NULL))
        st = VKC_FAIL(VKC_E_NOMEM, "no memory to copy a model's description");
    else if (from->labels != NULL)
        st = nn_model_config_set_labels(&c, (const char *const *) from->labels, from->classes);
    if (st == VKC_OK)
        *out = c;
    else
        nn_model_config_finish(&c);
    return st;
}

void nn_model_config_finish(nn_model_config *c)
{
    if (c == NULL)
        return;
    drop_labels(c);
    json_decref(c->provenance);
    json_decref(c->measured);
    free(c->notes);
    memset(c, 0, sizeof *c);
}

uint32_t nn_model_config_prefix(const nn_model_config *c)
{
    uint32_t prefix, h, w;
    nn_model_kind_of(c)->grid(c, &prefix, &h, &w);
    return prefix;
}

uint32_t nn_model_config_patches(const nn_model_config *c)
{
    uint32_t prefix, h, w;
    nn_model_kind_of(c)->grid(c, &prefix, &h, &w);
    return h * w;
}

const char *nn_model_config_kind(const nn_model_config *c)
{
    return nn_model_kind_of(c)->name;
}

vkc_status nn_model_config_check_pictures(const nn_model_config *c)
{
    const nn_model_kind *kind = nn_model_kind_of(c);
    return kind->reads_pictures ? VKC_OK : VKC_FAIL(VKC_E_ARG, "the model (%s) reads no pictures", kind->name);
}

uint32_t nn_model_config_tokens(const nn_model_config *c)
{
    return nn_model_kind_of(c)->tokens(c);
}

uint32_t nn_model_config_features(const nn_model_config *c)
{
    return c->pool == NN_POOL_TOKEN_AVG ? 2 * c->dim : c->dim;
}

uint32_t nn_model_config_pixels(const nn_model_config *c)
{
    return c->channels * c->height * c->width;
}

bool nn__config_is_plain(const nn_model_config *c)
{
    bool is_plain = c->retention.policy == NN_POLICY_NONE && !c->projection_dim;
    for (uint32_t l = 0; l < c->depth; l++)
        is_plain = is_plain && nn_mixer_of(&c->layers[l]) == nn_mixer_default();
    return is_plain;
}
