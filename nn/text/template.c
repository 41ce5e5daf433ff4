// template.c — TemplateProcessing for one text, ByteLevel (which moves no ids) and sequences of them.
#include "nn/text/template.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"

#define MAX_PIECES 64

// The ids of a special token of the template.
static vkc_status add_special(const char *where, const json_t *value, const json_t *piece, nn_ids *out)
{
    const char *name;
    json_t *tokens, *token, *ids;
    vkc_status st;
    VKC_TRY(nn_json_get_string(where, piece, "id", 1000, &name));
    VKC_TRY(nn_json_get_object(where, value, "special_tokens", &tokens));
    VKC_TRY(nn_json_get_object(where, tokens, name, &token));
    VKC_TRY(nn_json_get_array(where, token, "ids", 0, MAX_PIECES, &ids));
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *id = json_array_get(ids, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) >= NN_MAX_TOKEN_ID)
            return VKC_FAIL(VKC_E_FORMAT, "%s: an id of %s in the template is not a whole number below %u", where,
                            name, NN_MAX_TOKEN_ID);
        VKC_TRY(nn_ids_add(out, (uint32_t) json_integer_value(id)));
    }
done:
    return st;
}

// What a template puts before goes before what is there, and behind what is there.
static vkc_status read_single(const char *where, const json_t *value, nn_template *t)
{
    json_t *pieces;
    nn_ids before = { 0 };
    uint32_t texts = 0;
    vkc_status st;
    VKC_TRY(nn_json_get_array(where, value, "single", 0, MAX_PIECES, &pieces));
    for (size_t i = 0; i < json_array_size(pieces); i++) {
        const json_t *piece = json_array_get(pieces, i), *special = json_object_get(piece, "SpecialToken");
        const json_t *text = json_object_get(json_object_get(piece, "Sequence"), "id");
        if (json_is_object(special)) {
            VKC_TRY(add_special(where, value, special, texts == 0 ? &before : &t->after));
        } else if (json_is_string(text) && strcmp(json_string_value(text), "A") == 0) {
            texts++;
        } else {
            st = VKC_FAIL(VKC_E_FORMAT, "%s: piece %zu of the template is neither a special token nor text A", where,
                          i);
            goto done;
        }
    }
    if (texts != 1) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: the template has its text %u times, want once", where, texts);
        goto done;
    }
    for (size_t i = 0; i < t->before.len; i++)
        VKC_TRY(nn_ids_add(&before, t->before.data[i]));
    const nn_ids swap = t->before;
    t->before = before;
    before = swap;
    t->is_said = true;
done:
    free(before.data);
    return st;
}

static vkc_status read_any(const char *where, const json_t *value, uint32_t depth, nn_template *t)
{
    const char *type;
    json_t *list;
    vkc_status st;
    VKC_TRY(nn_json_get_string(where, value, "type", 100, &type));
    if (strcmp(type, "Sequence") == 0 && depth < 4) {
        VKC_TRY(nn_json_get_array(where, value, "processors", 0, 16, &list));
        for (size_t i = 0; i < json_array_size(list); i++)
            VKC_TRY(read_any(where, json_array_get(list, i), depth + 1, t));
        return VKC_OK;
    }
    if (strcmp(type, "TemplateProcessing") == 0)
        return read_single(where, value, t);
    if (strcmp(type, "ByteLevel") != 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: post_processor %s is not supported", where, type);
done:
    return st;
}

vkc_status nn_template_read(const char *where, const json_t *value, nn_template *t)
{
    return value == NULL || json_is_null(value) ? VKC_OK : read_any(where, value, 0, t);
}

void nn_template_free(nn_template *t)
{
    free(t->before.data);
    free(t->after.data);
    *t = (nn_template) { 0 };
}
