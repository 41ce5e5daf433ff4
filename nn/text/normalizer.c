// normalizer.c — NFC, Prepend, Replace and sequences of them; other normalizers are refused.
#include "nn/text/normalizer.h"

#include <jansson.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/text/unicode/nfc.h"

static vkc_status read_text(const char *where, const json_t *object, const char *key, nn_bytes *out)
{
    const json_t *text = json_object_get(object, key);
    if (!json_is_string(text))
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s is not a string", where, key);
    return nn_bytes_add(out, json_string_value(text), json_string_length(text));
}

vkc_status nn_text_pattern_read(const char *where, const json_t *step, nn_bytes *out)
{
    const json_t *pattern = json_object_get(step, "pattern");
    const json_t *regex = json_object_get(pattern, "Regex");
    if (regex != NULL)
        return VKC_FAIL(VKC_E_FORMAT, "%s: the regular expression \"%.300s\" is not supported here", where,
                        json_is_string(regex) ? json_string_value(regex) : "?");
    const vkc_status st = read_text(where, pattern, "String", out);
    if (st == VKC_OK && out->len == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: a pattern is an empty string", where);
    return st;
}

vkc_status nn_text_growth(const char *where, const nn_bytes *from, const nn_bytes *to, double *growth)
{
    const double times = (double) to->len / (double) from->len;
    *growth = (*growth > 1 ? *growth : 1) * (times > 1 ? times : 1);
    if (*growth > 64)
        return VKC_FAIL(VKC_E_FORMAT, "%s: replacements that make a text %.0f times as long, want at most 64", where,
                        *growth);
    return VKC_OK;
}

static vkc_status read_one(const char *where, const json_t *value, uint32_t depth, nn_normalizer *n)
{
    const char *type;
    json_t *list;
    vkc_status st;
    VKC_TRY(nn_json_get_string(where, value, "type", 100, &type));
    if (strcmp(type, "Sequence") == 0 && depth < 4) {
        VKC_TRY(nn_json_get_array(where, value, "normalizers", 0, NN_MAX_NORMALIZERS, &list));
        for (size_t i = 0; i < json_array_size(list); i++)
            VKC_TRY(read_one(where, json_array_get(list, i), depth + 1, n));
        return VKC_OK;
    }
    if (n->len == NN_MAX_NORMALIZERS)
        return VKC_FAIL(VKC_E_FORMAT, "%s: more than %d normalizers", where, NN_MAX_NORMALIZERS);
    nn_normalize *step = &n->steps[n->len];
    if (strcmp(type, "NFC") == 0) {
        step->kind = NN_NORMALIZE_NFC;
    } else if (strcmp(type, "Prepend") == 0) {
        step->kind = NN_NORMALIZE_PREPEND;
        n->len++;                       // so that what it holds is freed
        return read_text(where, value, "prepend", &step->to);
    } else if (strcmp(type, "Replace") == 0) {
        step->kind = NN_NORMALIZE_REPLACE;
        n->len++;
        VKC_TRY(nn_text_pattern_read(where, value, &step->from));
        VKC_TRY(read_text(where, value, "content", &step->to));
        return nn_text_growth(where, &step->from, &step->to, &n->growth);
    } else {
        return VKC_FAIL(VKC_E_FORMAT, "%s: normalizer %s is not supported", where, type);
    }
    n->len++;
done:
    return st;
}

vkc_status nn_normalizer_read(const char *where, const json_t *value, nn_normalizer *n)
{
    return value == NULL || json_is_null(value) ? VKC_OK : read_one(where, value, 0, n);
}

void nn_normalizer_free(nn_normalizer *n)
{
    for (size_t i = 0; i < n->len; i++) {
        nn_bytes_free(&n->steps[i].from);
        nn_bytes_free(&n->steps[i].to);
    }
    n->len = 0;
}

vkc_status nn_text_replace(const char *text, size_t len, const nn_bytes *from, const nn_bytes *to, nn_bytes *out)
{
    const char *end = text + len, *kept = text, *at = text;
    vkc_status st = VKC_OK;
    while ((size_t) (end - at) >= from->len) {
        at = memchr(at, from->data[0], (size_t) (end - at) - from->len + 1);
        if (at == NULL)
            break;
        if (memcmp(at, from->data, from->len) != 0) {
            at++;
            continue;
        }
        VKC_TRY(nn_bytes_add(out, kept, (size_t) (at - kept)));
        VKC_TRY(nn_bytes_add(out, to->data, to->len));
        kept = at += from->len;
    }
    VKC_TRY(nn_bytes_add(out, kept, (size_t) (end - kept)));
done:
    return st;
}

static vkc_status apply_one(const nn_normalize *s, const char *text, size_t len, nn_bytes *out)
{
    vkc_status st;
    if (s->kind == NN_NORMALIZE_NFC)
        return nn_nfc(text, len, out);
    if (s->kind == NN_NORMALIZE_REPLACE)
        return nn_text_replace(text, len, &s->from, &s->to, out);
    if (len > 0)
        VKC_TRY(nn_bytes_add(out, s->to.data, s->to.len));
    st = nn_bytes_add(out, text, len);
done:
    return st;
}

vkc_status nn_normalizer_apply(const nn_normalizer *n, const char *text, size_t len, nn_bytes *a, nn_bytes *b)
{
    vkc_status st;
    a->len = 0;
    if (n->len == 0)
        return nn_bytes_add(a, text, len);
    for (size_t i = 0; i < n->len; i++) {
        b->len = 0;
        VKC_TRY(apply_one(&n->steps[i], i == 0 ? text : a->data, i == 0 ? len : a->len, b));
        const nn_bytes swap = *a;
        *a = *b;
        *b = swap;
    }
done:
    return st;
}

bool nn_normalizer_keeps(const nn_normalizer *n, const char *text, size_t len)
{
    for (size_t i = 0; i < n->len; i++)
        if (n->steps[i].kind != NN_NORMALIZE_NFC)
            return false;
    for (size_t i = 0; i < len && n->len > 0; i++)
        if ((unsigned char) text[i] >= 0x80)
            return false;
    return true;
}
