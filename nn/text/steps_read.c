// steps_read.c — "pre_tokenizer" of a tokenizer.json: Sequence, Split, Digits, ByteLevel, Metaspace; else refused.
#include <jansson.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/text/normalizer.h"
#include "nn/text/steps.h"
#include "nn/text/unicode/unicode.h"

static vkc_status flag(const char *where, const json_t *object, const char *key, bool preset, bool *out)
{
    *out = preset;
    return nn_json_has(object, key) ? nn_json_get_bool(where, object, key, out) : VKC_OK;
}

static vkc_status read_split(const char *where, const json_t *value, nn_step *s)
{
    static const char *const behaviors[] = { "Isolated", "Removed", "MergedWithPrevious", "MergedWithNext",
                                             "Contiguous" };
    const char *behavior;
    json_t *pattern;
    vkc_status st;
    VKC_TRY(nn_json_get_object(where, value, "pattern", &pattern));
    VKC_TRY(nn_json_get_string(where, value, "behavior", 100, &behavior));
    VKC_TRY(flag(where, value, "invert", false, &s->invert));
    size_t i = 0;
    while (i < 5 && strcmp(behavior, behaviors[i]) != 0)
        i++;
    if (i == 5)
        return VKC_FAIL(VKC_E_FORMAT, "%s: behavior %s of a Split is not supported", where, behavior);
    s->behavior = (nn_step_behavior) i;
    if (!nn_json_has(pattern, "Regex")) {
        s->kind = NN_STEP_STRING;
        return nn_text_pattern_read(where, value, &s->text);
    }
    const char *regex = json_string_value(json_object_get(pattern, "Regex"));
    s->kind = NN_STEP_REGEX;
    s->pattern = regex != NULL ? nn_pattern_find(regex) : NULL;
    if (s->pattern == NULL)
        return VKC_FAIL(VKC_E_FORMAT, "%s: the regular expression \"%.600s\" is not one of those that are supported",
                        where, regex != NULL ? regex : "?");
done:
    return st;
}

static vkc_status read_metaspace(const char *where, const json_t *value, nn_step *s)
{
    const char *scheme = "always";
    const json_t *mark = json_object_get(value, "replacement");
    bool splits, prefix;
    vkc_status st;
    VKC_TRY(flag(where, value, "split", true, &splits));
    VKC_TRY(flag(where, value, "add_prefix_space", true, &prefix));
    if (nn_json_has(value, "prepend_scheme"))
        VKC_TRY(nn_json_get_string(where, value, "prepend_scheme", 100, &scheme));
    s->kind = NN_STEP_METASPACE;
    s->first_only = strcmp(scheme, "first") == 0;
    s->prefix = prefix && (s->first_only || strcmp(scheme, "always") == 0);
    if (!s->first_only && strcmp(scheme, "always") != 0 && strcmp(scheme, "never") != 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: prepend_scheme %s is not supported", where, scheme);
    size_t taken = 0;
    if (json_is_string(mark) && json_string_length(mark) > 0)
        nn_utf8_get((const unsigned char *) json_string_value(mark), json_string_length(mark), &taken, NULL);
    if (taken == 0 || taken != json_string_length(mark))
        return VKC_FAIL(VKC_E_FORMAT, "%s: replacement of a Metaspace is not a character", where);
    s->behavior = splits ? NN_WITH_NEXT : NN_ISOLATED;
    st = nn_bytes_add(&s->text, json_string_value(mark), json_string_length(mark));
done:
    return st;
}

static vkc_status read_one(const char *where, const json_t *value, const char *type, nn_step *s)
{
    bool is;
    vkc_status st;
    if (strcmp(type, "Split") == 0)
        return read_split(where, value, s);
    if (strcmp(type, "Metaspace") == 0)
        return read_metaspace(where, value, s);
    if (strcmp(type, "Digits") == 0) {
        s->kind = NN_STEP_DIGITS;
        VKC_TRY(flag(where, value, "individual_digits", false, &is));
        s->behavior = is ? NN_ISOLATED : NN_CONTIGUOUS;
        return VKC_OK;
    }
    if (strcmp(type, "ByteLevel") == 0) {
        s->kind = NN_STEP_BYTE_LEVEL;
        VKC_TRY(flag(where, value, "use_regex", true, &is));
        s->pattern = is ? &nn_pattern_gpt2 : NULL;
        return flag(where, value, "add_prefix_space", true, &s->prefix);
    }
    return VKC_FAIL(VKC_E_FORMAT, "%s: pre_tokenizer %s is not supported", where, type);
done:
    return st;
}

static vkc_status read_any(const char *where, const json_t *value, uint32_t depth, nn_steps *s)
{
    const char *type;
    json_t *list;
    vkc_status st;
    VKC_TRY(nn_json_get_string(where, value, "type", 100, &type));
    if (strcmp(type, "Sequence") == 0 && depth < 4) {
        VKC_TRY(nn_json_get_array(where, value, "pretokenizers", 0, NN_MAX_STEPS, &list));
        for (size_t i = 0; i < json_array_size(list); i++)
            VKC_TRY(read_any(where, json_array_get(list, i), depth + 1, s));
        return VKC_OK;
    }
    // One step is left for what a tokenizer adds by itself (nn_tokenizer_open).
    if (s->len == NN_MAX_STEPS - 1)
        return VKC_FAIL(VKC_E_FORMAT, "%s: more than %d pre_tokenizers", where, NN_MAX_STEPS - 1);
    if (nn_steps_are_byte_level(s))
        return VKC_FAIL(VKC_E_FORMAT, "%s: pre_tokenizer %s behind ByteLevel is not supported", where, type);
    st = read_one(where, value, type, &s->steps[s->len++]);
done:
    return st;
}

vkc_status nn_steps_read(const char *where, const json_t *value, nn_steps *s)
{
    return value == NULL || json_is_null(value) ? VKC_OK : read_any(where, value, 0, s);
}
