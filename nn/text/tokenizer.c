// tokenizer.c — opens a tokenizer.json with its tokenizer_config.json, and says what is in it.
#include "nn/text/tokenizer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/text/tokenizer_impl.h"
#include "nn/text/unicode/unicode.h"

#define MAX_FILE ((size_t) 256 << 20)
#define MAX_VALUES ((size_t) 16 << 20)
#define METASPACE "\xe2\x96\x81"

// A text without pre-tokenizer is one word. Where no token has the space character U+2581 behind another, no merge
// crosses from one to it: splitting there changes no id, and words that come again are known.
static vkc_status split_runs(nn_tokenizer *t)
{
    const nn_vocab *v = &t->bpe.vocab;
    if (t->is_byte_level || t->bpe.ignore_merges || nn_vocab_id(v, METASPACE, 3) == NN_TOKEN_NONE)
        return VKC_OK;
    for (uint32_t id = 0; id < v->len; id++) {
        size_t len;
        const char *token = nn_vocab_token(v, id, &len);
        bool is_other = false;
        for (size_t at = 0, taken; token != NULL && at < len; at += taken) {
            const uint32_t code = nn_utf8_get((const unsigned char *) token + at, len - at, &taken, NULL);
            if (code == 0x2581 && is_other)
                return VKC_OK;
            is_other = code != 0x2581;
        }
    }
    nn_step *s = &t->steps.steps[t->steps.len++];
    s->kind = NN_STEP_RUNS;
    return nn_bytes_add(&s->text, METASPACE, 3);
}

// What comes first is known by its place in the text as it was, which `tokenizers` moves where a Replace hits that.
static vkc_status check_first(const char *where, const nn_tokenizer *t)
{
    for (size_t i = 0; i < t->steps.len; i++)
        for (size_t k = 0; t->steps.steps[i].first_only && k < t->normalizer.len; k++)
            if (t->normalizer.steps[k].kind == NN_NORMALIZE_REPLACE)
                return VKC_FAIL(VKC_E_FORMAT, "%s: prepend_scheme first behind a normalizer Replace is not supported",
                                where);
    return VKC_OK;
}

static vkc_status read_parts(const char *where, const json_t *root, nn_tokenizer *t)
{
    json_t *model;
    vkc_status st;
    if (!json_is_object(root))
        return VKC_FAIL(VKC_E_FORMAT, "%s: not a JSON object", where);
    VKC_TRY(nn_json_get_object(where, root, "model", &model));
    VKC_TRY(nn_bpe_read(where, model, &t->bpe));
    VKC_TRY(nn_normalizer_read(where, json_object_get(root, "normalizer"), &t->normalizer));
    VKC_TRY(nn_added_read(where, root, &t->bpe.vocab, &t->normalizer, &t->added));
    VKC_TRY(nn_steps_read(where, json_object_get(root, "pre_tokenizer"), &t->steps));
    VKC_TRY(check_first(where, t));
    t->is_byte_level = nn_steps_are_byte_level(&t->steps);
    VKC_TRY(split_runs(t));
    VKC_TRY(nn_template_read(where, json_object_get(root, "post_processor"), &t->around));
    st = nn_decoding_read(where, json_object_get(root, "decoder"), &t->decoding);
done:
    return st;
}

// A token of tokenizer_config.json, "<s>" or {"content": "<s>"}; null or missing: none.
static vkc_status read_token(const char *where, const json_t *config, const char *key, const nn_tokenizer *t,
                             uint32_t *out)
{
    const json_t *value = json_object_get(config, key);
    if (json_is_object(value))
        value = json_object_get(value, "content");
    if (value == NULL || json_is_null(value))
        return VKC_OK;
    if (!json_is_string(value))
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s is not a token", where, key);
    *out = nn_tokenizer_id(t, json_string_value(value), json_string_length(value));
    if (*out == NN_TOKENIZER_NONE)
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s \"%.60s\" is not in the vocabulary", where, key,
                        json_string_value(value));
    return VKC_OK;
}

static vkc_status add_where_said(const char *where, const json_t *config, const char *key, const char *token,
                                 uint32_t id, nn_ids *out)
{
    bool is_said = false;
    vkc_status st = VKC_OK;
    if (nn_json_has(config, key))
        VKC_TRY(nn_json_get_bool(where, config, key, &is_said));
    if (is_said && id == NN_TOKENIZER_NONE)
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s, but there is no %s", where, key, token);
    return is_said ? nn_ids_add(out, id) : VKC_OK;
done:
    return st;
}

static vkc_status read_config(const char *where, const char *text, size_t size, nn_tokenizer *t)
{
    json_t *config = NULL;
    vkc_status st;
    // transformers writes 10^30 for a length without limit.
    VKC_TRY(nn_json_read_real(where, text, size, MAX_VALUES, &config));
    if (!json_is_object(config)) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: not a JSON object", where);
        goto done;
    }
    VKC_TRY(read_token(where, config, "bos_token", t, &t->bos));
    VKC_TRY(read_token(where, config, "eos_token", t, &t->eos));
    if (!t->around.is_said) {
        VKC_TRY(add_where_said(where, config, "add_bos_token", "bos_token", t->bos, &t->around.before));
        st = add_where_said(where, config, "add_eos_token", "eos_token", t->eos, &t->around.after);
    }
done:
    json_decref(config);
    return st;
}

static vkc_status check_template(const char *where, const nn_tokenizer *t)
{
    const nn_ids *const both[] = { &t->around.before, &t->around.after };
    size_t len;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < both[k]->len; i++)
            if (nn_tokenizer_token(t, both[k]->data[i], &len) == NULL)
                return VKC_FAIL(VKC_E_FORMAT, "%s: id %u of the template has no token", where, both[k]->data[i]);
    return VKC_OK;
}

static vkc_status read_both(const char *where, const char *json, size_t size, const char *config_where,
                            const char *config, size_t config_size, nn_tokenizer **out)
{
    json_t *root = NULL;
    vkc_status st;
    nn_tokenizer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the tokenizer of %s", where);
    t->bos = t->eos = NN_TOKENIZER_NONE;
    VKC_TRY(nn_json_read(where, json, size, MAX_VALUES, &root));
    VKC_TRY(read_parts(where, root, t));
    if (config != NULL)
        VKC_TRY(read_config(config_where, config, config_size, t));
    VKC_TRY(check_template(where, t));
    *out = t, t = NULL;
done:
    json_decref(root);
    nn_tokenizer_destroy(t);
    return st;
}

vkc_status nn_tokenizer_read(const char *where, const char *json, size_t size, const char *config, size_t config_size,
                             nn_tokenizer **out)
{
    return read_both(where, json, size, "tokenizer_config.json", config, config_size, out);
}

// The files' paths: of a folder, or of a file and what lies beside it.
static vkc_status find_files(const char *path, char file[NN_PATH_MAX], char config[NN_PATH_MAX])
{
    char folder[NN_PATH_MAX] = ".";
    vkc_status st;
    if (strlen(path) >= NN_PATH_MAX)
        return VKC_FAIL(VKC_E_ARG, "the path of a tokenizer has %zu bytes", strlen(path));
    if (nn_is_folder(path)) {
        VKC_TRY(nn_path_build(file, path, "tokenizer.json"));
        return nn_path_build(config, path, "tokenizer_config.json");
    }
    const char *name = strrchr(path, '/');
    snprintf(file, NN_PATH_MAX, "%s", path);
    if (name != NULL) {
        memcpy(folder, path, (size_t) (name - path));
        folder[name - path] = '\0';
    }
    st = nn_path_build(config, folder, "tokenizer_config.json");
done:
    return st;
}

vkc_status nn_tokenizer_open(const char *path, nn_tokenizer **out)
{
    char file[NN_PATH_MAX], config_file[NN_PATH_MAX];
    unsigned char *json = NULL, *config = NULL;
    size_t size = 0, config_size = 0;
    vkc_status st;
    VKC_TRY(find_files(path, file, config_file));
    VKC_TRY(nn_file_load(file, MAX_FILE, &json, &size));
    if (nn_is_file(config_file))
        VKC_TRY(nn_file_load(config_file, MAX_FILE, &config, &config_size));
    st = read_both(file, (const char *) json, size, config_file, (const char *) config, config_size, out);
done:
    free(json);
    free(config);
    return st;
}

void nn_tokenizer_destroy(nn_tokenizer *t)
{
    if (t == NULL)
        return;
    nn_bpe_free(&t->bpe);
    nn_normalizer_free(&t->normalizer);
    nn_added_free(&t->added);
    nn_steps_free(&t->steps);
    nn_template_free(&t->around);
    nn_decoding_free(&t->decoding);
    free(t);
}

uint32_t nn_tokenizer_len(const nn_tokenizer *t)
{
    return t->bpe.vocab.len > t->added.ids ? t->bpe.vocab.len : t->added.ids;
}

const char *nn_tokenizer_token(const nn_tokenizer *t, uint32_t id, size_t *len)
{
    const nn_added *added = nn_added_of(&t->added, id);
    if (added == NULL)
        return nn_vocab_token(&t->bpe.vocab, id, len);
    *len = added->len;
    return nn_added_content(&t->added, added);
}

uint32_t nn_tokenizer_id(const nn_tokenizer *t, const char *token, size_t len)
{
    const uint32_t id = nn_vocab_id(&t->bpe.vocab, token, len);     // an added token that is there has the same id
    const nn_added *added = id == NN_TOKEN_NONE ? nn_added_named(&t->added, token, len) : NULL;
    return added != NULL ? added->id : id;
}

bool nn_tokenizer_is_special(const nn_tokenizer *t, uint32_t id)
{
    const nn_added *added = nn_added_of(&t->added, id);
    return added != NULL && added->special;
}

uint32_t nn_tokenizer_bos(const nn_tokenizer *t)
{
    return t->bos;
}

uint32_t nn_tokenizer_eos(const nn_tokenizer *t)
{
    return t->eos;
}
