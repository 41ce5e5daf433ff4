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

vkc_status nn_json_read(const char *where, const char *text, size_t len, size_t max_values, json_t **out)
{
    vkc_status st = check_size(where, text, len, max_values);
    if (st != VKC_OK)
        return st;
    json_error_t err;
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &err);
    if (value == NULL && json_error_code(&err) == json_error_out_of_memory)
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
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
    if (text == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "cannot turn the contents of %s into JSON", path);
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

vkc_status nn_json_check_keys(const char *where, json_t *obj, const char *const *known)
{
    const char *key;
    json_t *v;
    json_object_foreach(obj, key, v) {
        const char *const *k = known;
        while (*k != NULL && strcmp(*k, key) != 0)
            k++;
        if (*k == NULL && !json_is_null(v))
            return VKC_FAIL(VKC_E_FORMAT, "%s: %.60s is not supported", where,
                            nn_is_printable(key) ? key : "a key with control characters");
    }
    return VKC_OK;
}
