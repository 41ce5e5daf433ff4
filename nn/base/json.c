// json.c — strict JSON over jansson.
#include "nn/base/json.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"

bool nn_is_printable(const char *text)
{
    for (const unsigned char *p = (const unsigned char *) text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            return false;
    return true;
}

// The length of the sequence that begins here, or 0: RFC 3629, in which no character has two spellings.
static size_t utf8_len(const unsigned char *p)
{
    static const struct { unsigned char from, to, low, high, len; } heads[] = {
        { 0x01, 0x7f, 0, 0, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        if (*p < heads[i].from || *p > heads[i].to)
            continue;
        for (size_t k = 1; k < heads[i].len; k++)
            if (p[k] < (k == 1 ? heads[i].low : 0x80) || p[k] > (k == 1 ? heads[i].high : 0xbf))
                return 0;
        return heads[i].len;
    }
    return 0;
}

bool nn_is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *) text;
    for (size_t n; *p != '\0'; p += n)
        if ((n = utf8_len(p)) == 0)
            return false;
    return true;
}

static _Thread_local bool is_lost;

static void note(const json_t *container, int failed)
{
    if (container && failed)
        is_lost = true;
}

void nn_json_set(json_t *object, const char *key, json_t *value)
{
    note(object, json_object_set(object, key, value));
}

void nn_json_set_new(json_t *object, const char *key, json_t *value)
{
    note(object, json_object_set_new(object, key, value));
}

void nn_json_append(json_t *array, json_t *value)
{
    note(array, json_array_append(array, value));
}

void nn_json_append_new(json_t *array, json_t *value)
{
    note(array, json_array_append_new(array, value));
}

void nn_json_update_new(json_t *object, json_t *other)
{
    note(object, json_object_update(object, other));
    json_decref(other);
}

void nn_json_update_missing(json_t *object, json_t *other)
{
    note(object, json_object_update_missing(object, other));
}

json_t *nn_json_made(json_t *value)
{
    if (!value)
        is_lost = true;
    return value;
}

bool nn_json_is_whole(void)
{
    const bool was_lost = is_lost;
    is_lost = false;
    return !was_lost;
}

json_t *nn_json_name(const char *text)
{
    return nn_is_utf8(text) ? json_string(text) : json_null();
}

char *nn_json_print(const json_t *value, size_t flags)
{
    return nn_json_is_whole() ? json_dumps(value, flags) : NULL;
}

// Jansson bounds neither the number of values nor what they cost, so a small file could take
// gigabytes. Counting openers and commas outside strings bounds both without parsing.
static vkc_status check_size(const char *where, const char *text, size_t len, size_t max_values)
{
    size_t depth = 0, values = 1;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        in_string = c == '"';
        if (c == '{' || c == '[') {
            depth++;
            values++;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        } else if (c == ',') {
            values++;
        }
        if (depth > NN_JSON_MAX_DEPTH)
            return VKC_FAIL(VKC_E_FORMAT, "%s: byte %zu: the JSON is nested more than %d deep", where, i,
                            NN_JSON_MAX_DEPTH);
        if (values > max_values)
            return VKC_FAIL(VKC_E_FORMAT, "%s: byte %zu: the JSON has more than %zu values", where, i, max_values);
    }
    return VKC_OK;
}

static vkc_status read_text(const char *where, const char *text, size_t len, size_t max_values, size_t flags,
                            json_t **out)
{
    vkc_status st = check_size(where, text, len, max_values);
    if (st != VKC_OK)
        return st;
    json_error_t err;
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES | flags, &err);
    // When it finds no memory to begin with, Jansson says nothing at all.
    if (value == NULL && (json_error_code(&err) == json_error_out_of_memory || err.text[0] == '\0'))
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the JSON of %s", where);
    if (value == NULL) {
        for (char *p = err.text; *p != '\0'; p++)
            if ((unsigned char) *p < 0x20 || *p == 0x7f)
                *p = '?';
        return VKC_FAIL(VKC_E_FORMAT, "%s: not valid JSON at line %d, byte %d: %s", where, err.line, err.position,
                        err.text);
    }
    *out = value;
    return VKC_OK;
}

vkc_status nn_json_read(const char *where, const char *text, size_t len, size_t max_values, json_t **out)
{
    return read_text(where, text, len, max_values, 0, out);
}

vkc_status nn_json_read_real(const char *where, const char *text, size_t len, size_t max_values, json_t **out)
{
    return read_text(where, text, len, max_values, JSON_DECODE_INT_AS_REAL, out);
}

vkc_status nn_json_load(const char *path, size_t max_size, json_t **out)
{
    vkc_status st;
    unsigned char *text = NULL;
    json_t *value = NULL;
    size_t len;
    VKC_TRY(nn_file_load(path, max_size, &text, &len));
    VKC_TRY(nn_json_read(path, (const char *) text, len, max_size, &value));
    if (!json_is_object(value)) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: not a JSON object", path);
        goto done;
    }
    *out = value, value = NULL;
done:
    json_decref(value);
    free(text);
    return st;
}

vkc_status nn_json_save(const char *path, const json_t *value)
{
    vkc_status st;
    nn_saver *s = NULL;
    char *text = nn_json_print(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
    if (text == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "cannot write %s: out of host memory, or a name is not UTF-8", path);
    VKC_TRY(nn_saver_create(path, &s));
    VKC_TRY(nn_saver_write(s, text, strlen(text)));
    VKC_TRY(nn_saver_write(s, "\n", 1));
    VKC_TRY(nn_saver_submit(s));
done:
    nn_saver_destroy(s);
    free(text);
    return st;
}

bool nn_json_has(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    return v != NULL && !json_is_null(v);
}

static vkc_status get(const char *where, const json_t *obj, const char *key, bool is_type, const char *type)
{
    if (!nn_json_has(obj, key))
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s is missing", where, key);
    if (!is_type)
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s is not %s", where, key, type);
    return VKC_OK;
}

vkc_status nn_json_get_u32(const char *where, const json_t *obj, const char *key, uint32_t min, uint32_t max,
                           uint32_t *out)
{
    const json_t *v = json_object_get(obj, key);
    vkc_status st = get(where, obj, key, json_is_integer(v), "a whole number");
    if (st != VKC_OK)
        return st;
    json_int_t n = json_integer_value(v);
    if (n < (json_int_t) min || n > (json_int_t) max)
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s is %" JSON_INTEGER_FORMAT ", want %u to %u", where, key, n, min, max);
    *out = (uint32_t) n;
    return VKC_OK;
}

vkc_status nn_json_get_number(const char *where, const json_t *obj, const char *key, double min, double max,
                              double *out)
{
    const json_t *v = json_object_get(obj, key);
    vkc_status st = get(where, obj, key, json_is_number(v), "a number");
    if (st != VKC_OK)
        return st;
    double x = json_number_value(v);
    if (!(x >= min && x <= max))
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s is %g, want %g to %g", where, key, x, min, max);
    *out = x;
    return VKC_OK;
}

vkc_status nn_json_get_bool(const char *where, const json_t *obj, const char *key, bool *out)
{
    const json_t *v = json_object_get(obj, key);
    vkc_status st = get(where, obj, key, json_is_boolean(v), "true or false");
    if (st == VKC_OK)
        *out = json_is_true(v);
    return st;
}

vkc_status nn_json_get_string(const char *where, const json_t *obj, const char *key, size_t max_len,
                              const char **out)
{
    const json_t *v = json_object_get(obj, key);
    vkc_status st = get(where, obj, key, json_is_string(v), "a string");
    if (st != VKC_OK)
        return st;
    if (json_string_length(v) > max_len || !nn_is_printable(json_string_value(v)))
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s is longer than %zu bytes or has control characters", where, key,
                        max_len);
    *out = json_string_value(v);
    return VKC_OK;
}

vkc_status nn_json_get_object(const char *where, const json_t *obj, const char *key, json_t **out)
{
    json_t *v = json_object_get(obj, key);
    vkc_status st = get(where, obj, key, json_is_object(v), "an object");
    if (st == VKC_OK)
        *out = v;
    return st;
}

vkc_status nn_json_get_array(const char *where, const json_t *obj, const char *key, size_t min_len,
                             size_t max_len, json_t **out)
{
    json_t *v = json_object_get(obj, key);
    vkc_status st = get(where, obj, key, json_is_array(v), "a list");
    if (st != VKC_OK)
        return st;
    size_t n = json_array_size(v);
    if (n < min_len || n > max_len)
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s has %zu entries, want %zu to %zu", where, key, n, min_len, max_len);
    *out = v;
    return VKC_OK;
}

vkc_status nn_json_get_numbers(const char *where, const json_t *obj, const char *key, uint32_t n, double min,
                               double max, double *out)
{
    json_t *list;
    vkc_status st = nn_json_get_array(where, obj, key, n, n, &list);
    for (uint32_t i = 0; st == VKC_OK && i < n; i++) {
        const json_t *v = json_array_get(list, i);
        double x = json_number_value(v);
        if (!json_is_number(v) || !(x >= min && x <= max))
            return VKC_FAIL(VKC_E_FORMAT, "%s: an entry of %s is not a number from %g to %g", where, key, min, max);
        out[i] = x;
    }
    return st;
}

bool nn_json_is_known(const char *const *known, const char *key)
{
    while (*known != NULL && strcmp(*known, key) != 0)
        known++;
    return *known != NULL;
}

vkc_status nn_json_check_keys(const char *where, json_t *obj, const char *const *known)
{
    const char *key;
    json_t *v;
    json_object_foreach(obj, key, v) {
        if (!nn_json_is_known(known, key) && !json_is_null(v))
            return VKC_FAIL(VKC_E_FORMAT, "%s: %.60s is not supported", where,
                            nn_is_printable(key) ? key : "a key with control characters");
    }
    return VKC_OK;
}
