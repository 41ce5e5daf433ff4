// decoding.c — ByteLevel, Metaspace, and sequences of Replace, ByteFallback, Fuse and Strip in this order.
#include "nn/text/decoding.h"

#include <jansson.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/text/normalizer.h"

static vkc_status read_text(const char *where, const json_t *object, const char *key, nn_bytes *out)
{
    const json_t *text = json_object_get(object, key);
    if (!json_is_string(text))
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s of a decoder is not a string", where, key);
    return nn_bytes_add(out, json_string_value(text), json_string_length(text));
}

static vkc_status read_strip(const char *where, const json_t *value, nn_decoding *d)
{
    uint32_t stop;
    vkc_status st;
    VKC_TRY(read_text(where, value, "content", &d->strip));
    VKC_TRY(nn_json_get_u32(where, value, "start", 0, 1000, &d->strips));
    VKC_TRY(nn_json_get_u32(where, value, "stop", 0, UINT32_MAX, &stop));
    if (stop > 0 || d->strip.len == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: a decoder that strips the end, or nothing, is not supported", where);
done:
    return st;
}

// One of a sequence; `stage` is how far that is.
static vkc_status read_part(const char *where, const json_t *value, nn_decoding *d, uint32_t *stage)
{
    static const char *const order[] = { "Replace", "ByteFallback", "Fuse", "Strip" };
    const char *type;
    uint32_t at = 0;
    vkc_status st;
    VKC_TRY(nn_json_get_string(where, value, "type", 100, &type));
    while (at < 4 && strcmp(type, order[at]) != 0)
        at++;
    if (at == 4 || at < *stage || (at == *stage && at > 0) || (at == 3 && *stage != 2))
        return VKC_FAIL(VKC_E_FORMAT, "%s: decoder %s at this place of a sequence is not supported", where, type);
    *stage = at;
    if (at == 1)
        d->byte_fallback = true;
    if (at == 3)
        return read_strip(where, value, d);
    if (at != 0)
        return VKC_OK;
    if (d->n_replaces == NN_MAX_REPLACES)
        return VKC_FAIL(VKC_E_FORMAT, "%s: more than %d decoders that replace", where, NN_MAX_REPLACES);
    const size_t i = d->n_replaces++;
    VKC_TRY(nn_text_pattern_read(where, value, &d->replaces[i].from));
    VKC_TRY(read_text(where, value, "content", &d->replaces[i].to));
    st = nn_text_growth(where, &d->replaces[i].from, &d->replaces[i].to, &d->growth);
done:
    return st;
}

static vkc_status read_metaspace(const char *where, const json_t *value, nn_decoding *d)
{
    const json_t *scheme = json_object_get(value, "prepend_scheme"), *old = json_object_get(value, "add_prefix_space");
    vkc_status st;
    d->kind = NN_DECODING_METASPACE;
    const bool is_never = json_is_string(scheme) && strcmp(json_string_value(scheme), "never") == 0;
    d->drops_first = !json_is_false(old) && !is_never;
    VKC_TRY(read_text(where, value, "replacement", &d->replaces[0].from));
    d->n_replaces = 1;
    if (d->replaces[0].from.len == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: replacement of a decoder is empty", where);
    st = nn_bytes_add(&d->replaces[0].to, " ", 1);
done:
    return st;
}

vkc_status nn_decoding_read(const char *where, const json_t *value, nn_decoding *d)
{
    const char *type;
    json_t *list;
    uint32_t stage = 0;
    vkc_status st;
    if (value == NULL || json_is_null(value))
        return VKC_OK;
    VKC_TRY(nn_json_get_string(where, value, "type", 100, &type));
    if (strcmp(type, "Sequence") == 0) {
        VKC_TRY(nn_json_get_array(where, value, "decoders", 1, 16, &list));
        if (json_array_size(list) == 1)
            return nn_decoding_read(where, json_array_get(list, 0), d);
        d->kind = NN_DECODING_PIECES;
        for (size_t i = 0; i < json_array_size(list); i++)
            VKC_TRY(read_part(where, json_array_get(list, i), d, &stage));
    } else if (strcmp(type, "ByteLevel") == 0) {
        d->kind = NN_DECODING_BYTE_LEVEL;
    } else if (strcmp(type, "Metaspace") == 0) {
        return read_metaspace(where, value, d);
    } else {
        d->kind = NN_DECODING_PIECES;
        return read_part(where, value, d, &stage);
    }
done:
    return st;
}

void nn_decoding_free(nn_decoding *d)
{
    for (size_t i = 0; i < NN_MAX_REPLACES; i++) {
        nn_bytes_free(&d->replaces[i].from);
        nn_bytes_free(&d->replaces[i].to);
    }
    nn_bytes_free(&d->strip);
}
