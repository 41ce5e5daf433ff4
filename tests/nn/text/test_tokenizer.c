// test_tokenizer.c — tokenizers against ids of Hugging Face's, what they refuse, texts that are no UTF-8, long words.
#include "nn/text/tokenizer.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "tests/temp_dir.h"

#define FOLDER "tests/golden/tokenizers/"
#define BPE(vocab, merges) "\"model\": {\"type\": \"BPE\", \"vocab\": {" vocab "}, \"merges\": [" merges "]"
#define MODEL(more) BPE("\"a\": 0, \"b\": 1, \"ab\": 2", "\"a b\"") more "}"

static const char *const families[] = { "gpt2", "prefix", "llama3", "qwen2", "marks", "olmo", "olmo2", "smollm2",
                                        "llama2", "metaspace" };

static json_t *load(const char *name, const char *end)
{
    char path[200];
    json_t *value = NULL;
    json_error_t err;
    snprintf(path, sizeof path, FOLDER "%s%s", name, end);
    value = json_load_file(path, 0, &err);
    assert_non_null(value);
    return value;
}

static nn_tokenizer *open_family(const char *name)
{
    char path[200];
    nn_tokenizer *t = NULL;
    snprintf(path, sizeof path, FOLDER "%s.json", name);
    if (nn_tokenizer_open(path, &t) != VKC_OK)
        fail_msg("%s", vkc_last_error());
    return t;
}

static nn_tokenizer *read_text(const char *json, const char *config)
{
    nn_tokenizer *t = NULL;
    if (nn_tokenizer_read("t.json", json, strlen(json), config, config ? strlen(config) : 0, &t) != VKC_OK)
        fail_msg("%s", vkc_last_error());
    return t;
}

static void assert_ids(nn_text_encoder *e, const char *text, size_t size, unsigned flags, size_t n,
                       const uint32_t *want)
{
    const uint32_t *ids;
    size_t len;
    assert_int_equal(nn_text_encode(e, text, size, flags, &ids, &len), VKC_OK);
    assert_int_equal(len, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ids[i], want[i]);
}

// The text of ids that come one by one.
static void assert_stream(const nn_tokenizer *t, const uint32_t *ids, size_t len, unsigned flags, const char *want)
{
    nn_text_decoder *d;
    const char *text;
    size_t size, at = 0;
    assert_int_equal(nn_text_decoder_create(t, flags, &d), VKC_OK);
    for (size_t i = 0; i <= len; i++) {
        if (i < len)
            assert_int_equal(nn_text_decoder_add(d, ids[i], &text, &size), VKC_OK);
        else
            assert_int_equal(nn_text_decoder_end(d, &text, &size), VKC_OK);
        char *copy = calloc(1, size + 1);
        memcpy(copy, text, size);
        if (!(flags & NN_DECODE_BYTES))
            assert_true(nn_is_utf8(copy));
        free(copy);
        assert_true(at + size <= strlen(want));
        assert_memory_equal(text, want + at, size);
        at += size;
    }
    assert_int_equal(at, strlen(want));
    nn_text_decoder_destroy(d);
}

static void assert_decodes(const nn_tokenizer *t, const uint32_t *ids, size_t len, unsigned flags, const char *want)
{
    char *text;
    size_t size;
    assert_int_equal(nn_tokenizer_decode(t, ids, len, flags, &text, &size), VKC_OK);
    assert_string_equal(text, want);
    assert_int_equal(size, strlen(want));
    free(text);
}

static void golden_family(const char *name)
{
    json_t *lines = load("lines", ".json"), *told = load(name, ".ids.json");
    json_t *all = json_object_get(told, "ids"), *texts = json_object_get(told, "texts");
    nn_tokenizer *t = open_family(name);
    nn_text_encoder *e;
    assert_int_equal(nn_text_encoder_create(t, &e), VKC_OK);
    assert_true(json_array_size(lines) > 200);
    assert_int_equal(json_array_size(all), json_array_size(lines));
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i), *ids = json_array_get(all, i);
        const size_t n = json_array_size(ids);
        uint32_t *want = calloc(n + 1, sizeof *want);
        for (size_t k = 0; k < n; k++)
            want[k] = (uint32_t) json_integer_value(json_array_get(ids, k));
        assert_ids(e, json_string_value(line), json_string_length(line), NN_ENCODE_SPECIAL, n, want);
        if (i < json_array_size(texts)) {
            const char *text = json_string_value(json_array_get(texts, i));
            assert_decodes(t, want, n, NN_DECODE_SKIP_SPECIAL, text);
            assert_stream(t, want, n, NN_DECODE_SKIP_SPECIAL, text);
        }
        free(want);
    }
    nn_text_encoder_destroy(e);
    nn_tokenizer_destroy(t);
    json_decref(lines);
    json_decref(told);
}

static void test_golden(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        golden_family(families[i]);
}

// Every id has one token, by both directions; what a byte-level tokenizer encodes it decodes to the byte.
static void test_round_trip(void **state)
{
    (void) state;
    nn_tokenizer *t = open_family("gpt2");
    nn_text_encoder *e;
    char bytes[256];
    const uint32_t *ids;
    size_t len, n;
    for (uint32_t id = 0; id < nn_tokenizer_len(t); id++) {
        const char *token = nn_tokenizer_token(t, id, &len);
        assert_non_null(token);
        assert_int_equal(nn_tokenizer_id(t, token, len), id);
    }
    assert_null(nn_tokenizer_token(t, nn_tokenizer_len(t), &len));
    assert_int_equal(nn_tokenizer_id(t, "no such token", 13), NN_TOKENIZER_NONE);
    for (int i = 0; i < 255; i++)
        bytes[i] = (char) (i + 1);
    bytes[255] = '\0';
    assert_int_equal(nn_text_encoder_create(t, &e), VKC_OK);
    assert_int_equal(nn_text_encode(e, bytes, 127, 0, &ids, &n), VKC_OK);
    bytes[127] = '\0';
    assert_decodes(t, ids, n, 0, bytes);
    assert_decodes(t, ids, n, NN_DECODE_BYTES, bytes);
    nn_text_encoder_destroy(e);
    nn_tokenizer_destroy(t);
}

// Pairs of texts that give the same ids: what is no UTF-8, and what Python's bytes.decode makes of it.
static void test_invalid(void **state)
{
    (void) state;
#define R "\xef\xbf\xbd"
    static const char *const pairs[][2] = {
        { "a\xff" "b", "a" R "b" }, { "\xc3", R }, { "\xc3(", R "(" }, { "\xe2\x82", R }, { "\xe2\x82x", R "x" },
        { "\xf0\x9f\x99", R }, { "\xf0\x9f\x99\xf0\x9f\x99\x82", R "\xf0\x9f\x99\x82" }, { "\xed\xa0\x80", R R R },
        { "\xc0\x80", R R }, { "\xf4\x90\x80\x80", R R R R }, { "\xe0\x80\x80", R R R }, { "\x80\x80", R R },
        { "\xf5\x80", R R }, { "\xe2\x28\xa1", R "(" R }, { "\xf0\x82\x82\xac", R R R R },
    };
    for (size_t f = 0; f < 9; f += 8) {                 // a byte-level one and one with byte fallback
        nn_tokenizer *t = open_family(families[f]);
        nn_text_encoder *a, *b;
        const uint32_t *want;
        size_t n;
        assert_int_equal(nn_text_encoder_create(t, &a), VKC_OK);
        assert_int_equal(nn_text_encoder_create(t, &b), VKC_OK);
        for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
            assert_int_equal(nn_text_encode(b, pairs[i][1], strlen(pairs[i][1]), 0, &want, &n), VKC_OK);
            assert_true(n > 0);
            assert_ids(a, pairs[i][0], strlen(pairs[i][0]), 0, n, want);
        }
        nn_text_encoder_destroy(a);
        nn_text_encoder_destroy(b);
        nn_tokenizer_destroy(t);
    }
}

// Bytes that are no character, at once and one by one: each maximal subpart is one U+FFFD, or the bytes themselves.
static void test_stream(void **state)
{
    (void) state;
    nn_tokenizer *t = open_family("gpt2"), *fallback = open_family("llama2");
    static const char *const bytes[] = { "a", "\xc3\xb0", "\xc5\x81", "\xc4\xbb", "\xc4\xa4", "b", "\xc3\xa2" };
    uint32_t ids[7], run[5];
    for (size_t i = 0; i < 7; i++)
        assert_int_not_equal(ids[i] = nn_tokenizer_id(t, bytes[i], strlen(bytes[i])), NN_TOKENIZER_NONE);
    assert_decodes(t, ids, 7, 0, "a\xf0\x9f\x99\x82" "b" R);
    assert_stream(t, ids, 7, 0, "a\xf0\x9f\x99\x82" "b" R);
    assert_stream(t, ids, 3, 0, "a" R);
    assert_decodes(t, ids, 3, NN_DECODE_BYTES, "a\xf0\x9f");
    assert_stream(t, ids, 3, NN_DECODE_BYTES, "a\xf0\x9f");
    assert_stream(t, (uint32_t[]) { ids[0], 1u << 30, ids[5] }, 3, 0, "ab");        // an id without a token
    static const char *const names[] = { "<0xC3>", "<0xA9>", "<0xC3>", "b", "<0xE2>" };
    for (size_t i = 0; i < 5; i++)
        assert_int_not_equal(run[i] = nn_tokenizer_id(fallback, names[i], strlen(names[i])), NN_TOKENIZER_NONE);
    assert_decodes(fallback, run, 5, 0, R R R "b" R);           // as `tokenizers` does: all three are given up
    assert_stream(fallback, run, 5, 0, "\xc3\xa9" R "b" R);
    assert_decodes(fallback, run, 2, 0, "\xc3\xa9");
    assert_decodes(fallback, run, 5, NN_DECODE_BYTES, "\xc3\xa9\xc3" "b\xe2");
    nn_tokenizer_destroy(t);
    nn_tokenizer_destroy(fallback);
#undef R
}

// Special tokens that a text spells out, as tokens and as text; what a file adds.
static void test_special(void **state)
{
    (void) state;
    static const char json[] = "{\"added_tokens\": ["
        "{\"id\": 3, \"content\": \"<s>\", \"special\": true}, {\"id\": 4, \"content\": \"<x>\", \"lstrip\": true, "
        "\"rstrip\": true, \"special\": false}, {\"id\": 6, \"content\": \"  \", \"lstrip\": true, \"rstrip\": true}], "
        "\"model\": {\"type\": \"BPE\", \"vocab\": {\"<\": 0, \"s\": 1, \">\": 2, \" \": 5}, \"merges\": []}}";
    nn_tokenizer *t = read_text(json, NULL);
    nn_text_encoder *e;
    assert_int_equal(nn_text_encoder_create(t, &e), VKC_OK);
    assert_ids(e, "s<s>s", 5, NN_ENCODE_SPECIAL, 3, (const uint32_t[]) { 1, 3, 1 });
    assert_ids(e, "s<s>s", 5, NN_ENCODE_LITERAL, 5, (const uint32_t[]) { 1, 0, 1, 2, 1 });
    assert_ids(e, "s \t<x> \xc2\xa0s", 10, 0, 3, (const uint32_t[]) { 1, 4, 1 });
    assert_ids(e, "s     s", 7, 0, 3, (const uint32_t[]) { 1, 6, 1 });      // the second is in the space of the first
    assert_ids(e, "s<x>", 4, NN_ENCODE_LITERAL, 2, (const uint32_t[]) { 1, 4 });
    assert_true(nn_tokenizer_is_special(t, 3) && !nn_tokenizer_is_special(t, 4) && !nn_tokenizer_is_special(t, 0));
    assert_int_equal(nn_tokenizer_bos(t), NN_TOKENIZER_NONE);
    nn_text_encoder_destroy(e);
    nn_tokenizer_destroy(t);

    t = read_text(json, "{\"bos_token\": {\"content\": \"<s>\"}, \"eos_token\": \"<x>\", \"add_bos_token\": true}");
    assert_int_equal(nn_text_encoder_create(t, &e), VKC_OK);
    assert_int_equal(nn_tokenizer_bos(t), 3);
    assert_int_equal(nn_tokenizer_eos(t), 4);
    assert_ids(e, "s", 1, NN_ENCODE_SPECIAL, 2, (const uint32_t[]) { 3, 1 });
    assert_ids(e, "s", 1, 0, 1, (const uint32_t[]) { 1 });
    assert_ids(e, NULL, 0, 0, 0, NULL);
    nn_text_encoder_destroy(e);
    nn_tokenizer_destroy(t);
}

// A folder, or the file in it: what lies beside it counts both times.
static void test_folder(void **state)
{
    (void) state;
    static const char json[] = "{" MODEL("") "}", config[] =
        "{\"eos_token\": \"ab\", \"add_eos_token\": true, \"model_max_length\": 1000000000000000019884624838656}";
    char file[100], beside[100];
    snprintf(file, sizeof file, "%s/tokenizer.json", dir);
    snprintf(beside, sizeof beside, "%s/tokenizer_config.json", dir);
    assert_int_equal(nn_file_save(file, json, sizeof json - 1), VKC_OK);
    for (int i = 0; i < 3; i++) {
        nn_tokenizer *t;
        nn_text_encoder *e;
        const uint32_t want[] = { 1, 2 };
        assert_int_equal(nn_tokenizer_open(i == 1 ? file : dir, &t), VKC_OK);
        assert_int_equal(nn_tokenizer_eos(t), i == 0 ? NN_TOKENIZER_NONE : 2);
        assert_int_equal(nn_text_encoder_create(t, &e), VKC_OK);
        assert_ids(e, "b", 1, NN_ENCODE_SPECIAL, i == 0 ? 1 : 2, want);
        nn_text_encoder_destroy(e);
        nn_tokenizer_destroy(t);
        assert_int_equal(nn_file_save(beside, config, sizeof config - 1), VKC_OK);
    }
}

// A word of a million characters: more than a program has time for that looks at all pairs for each merge.
static void test_long_word(void **state)
{
    (void) state;
    const size_t n = 1u << 20;
    nn_tokenizer *t = read_text("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"aa\": 1, \"aaaa\": 2}, "
                                "\"merges\": [\"a a\", [\"aa\", \"aa\"]]}}", NULL);
    nn_text_encoder *e;
    char *text = malloc(n + 3);
    const uint32_t *ids;
    size_t len;
    memset(text, 'a', n + 3);
    assert_int_equal(nn_text_encoder_create(t, &e), VKC_OK);
    assert_int_equal(nn_text_encode(e, text, n + 3, 0, &ids, &len), VKC_OK);
    assert_int_equal(len, n / 4 + 2);
    for (size_t i = 0; i < n / 4; i++)
        assert_int_equal(ids[i], 2);
    assert_int_equal(ids[n / 4], 1);
    assert_int_equal(ids[n / 4 + 1], 0);
    assert_int_equal(nn_text_encode(e, text, NN_TOKENIZER_MAX_TEXT + 1, 0, &ids, &len), VKC_E_ARG);
    free(text);
    nn_text_encoder_destroy(e);
    nn_tokenizer_destroy(t);
}

// A file, and words of the sentence that refuses it.
static const char *const refused[][2] = {
    { "[]", "t.json: not a JSON object" },
    { "{}", "model is missing" },
    { "{\"model\": {\"type\": \"Unigram\", \"vocab\": []}}", "model Unigram is not supported, only BPE is" },
    { "{\"model\": {\"vocab\": {\"a\": 0}}}", "no type and no merges" },
    { "{" MODEL(", \"dropout\": 0.1") "}", "dropout of merges is not supported" },
    { "{" MODEL(", \"end_of_word_suffix\": \"</w>\"") "}", "end_of_word_suffix is not supported" },
    { "{" MODEL(", \"unk_token\": \"?\"") "}", "unk_token is not in the vocabulary" },
    { "{" MODEL(", \"other\": 1") "}", "other is not supported" },
    { "{" BPE("\"a\": -1", "") "}}", "the id of token \"a\" is not" },
    { "{" BPE("\"a\": 1048576", "") "}}", "is not a whole number below 1048576" },
    { "{" BPE("\"a\": 1, \"b\": 1", "") "}}", "two tokens have id 1" },
    { "{" BPE("\"a\": 0", "\"a b\"") "}}", "merge 0, \"a b\"" },
    { "{" BPE("\"a\": 0", "\"a\"") "}}", "merge 0 is not two tokens" },
    { "{" BPE("\"a\": 0", "[\"a\"]") "}}", "merge 0 is not two tokens" },
    { "{" MODEL("") ",\n"
      "\"normalizer\": {\"type\": \"NFKC\"}}", "normalizer NFKC is not supported" },
    { "{" MODEL("") ",\n"
      "\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \" {2,}\"}, \"content\": \"\"}}",
      "the regular expression \" {2,}\" is not supported here" },
    { "{" MODEL("") ",\n"
      "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": ["
      "{\"type\": \"Replace\", \"pattern\": {\"String\": \"a\"}, \"content\": \"aaaaaaaaa\"}, "
      "{\"type\": \"Replace\", \"pattern\": {\"String\": \"a\"}, \"content\": \"aaaaaaaa\"}]}}",
      "make a text 72 times as long, want at most 64" },
    { "{" MODEL("") ",\n"
      "\"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}}", "BertPreTokenizer is not supported" },
    { "{" MODEL("") ",\n"
      "\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"[0-9]+\"}, \"behavior\": "
      "\"Isolated\"}}", "the regular expression \"[0-9]+\" is not one of those that are supported" },
    { "{" MODEL("") ",\n"
      "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": "
      "[{\"type\": \"ByteLevel\"}, {\"type\": \"Digits\"}]}}",
      "pre_tokenizer Digits behind ByteLevel is not supported" },
    { "{" MODEL("") ",\n"
      "\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"__\"}}", "is not a character" },
    { "{" MODEL("") ",\n"
      "\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"String\": \"a\"}, \"content\": \"b\"}, "
      "\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"first\"}}",
      "prepend_scheme first behind a normalizer Replace" },
    { "{" MODEL("") ",\n"
      "\"post_processor\": {\"type\": \"BertProcessing\"}}", "post_processor BertProcessing is not" },
    { "{" MODEL("") ",\n"
      "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": []}}", "its text 0 times" },
    { "{" MODEL("") ",\n"
      "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": "
      "\"<s>\"}}, {\"Sequence\": {\"id\": \"A\"}}], \"special_tokens\": {\"<s>\": {\"ids\": [7]}}}}",
      "id 7 of the template" },
    { "{" MODEL("") ",\n"
      "\"decoder\": {\"type\": \"WordPiece\"}}", "decoder WordPiece at this place" },
    { "{" MODEL("") ",\n"
      "\"added_tokens\": [{\"id\": 3, \"content\": \"x\", \"single_word\": true}]}", "single_word is not" },
    { "{" MODEL("") ",\n"
      "\"added_tokens\": [{\"id\": 1, \"content\": \"x\"}]}", "\"x\" has id 1, which the vocabulary" },
    { "{" MODEL("") ",\n"
      "\"added_tokens\": [{\"id\": 1, \"content\": \"a\"}]}", "\"a\" has id 1, which the vocabulary" },
    { "{" MODEL("") ",\n"
      "\"added_tokens\": [{\"id\": 3, \"content\": \"x\"}, {\"id\": 3, \"content\": \"y\"}]}", "have id 3" },
    { "{" MODEL("") ",\n"
      "\"added_tokens\": [{\"content\": \"x\"}]}", "id is missing" },
};

static void test_refused(void **state)
{
    (void) state;
    nn_tokenizer *t = NULL;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *json = refused[i][0];
        if (nn_tokenizer_read("t.json", json, strlen(json), NULL, 0, &t) != VKC_E_FORMAT)
            fail_msg("not refused: %s", json);
        if (strstr(vkc_last_error(), refused[i][1]) == NULL)
            fail_msg("%s: %s", refused[i][1], vkc_last_error());
        assert_null(t);
    }
    const char *json = "{" MODEL("") "}";
    assert_int_equal(nn_tokenizer_read("t.json", json, strlen(json), "{\"eos_token\": \"?\"}", 18, &t), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "eos_token \"?\" is not in the vocabulary"));
    const char *config = "{\"add_bos_token\": true}";
    assert_int_equal(nn_tokenizer_read("t.json", json, strlen(json), config, strlen(config), &t), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "add_bos_token, but there is no bos_token"));
    assert_int_equal(nn_tokenizer_open(FOLDER "none.json", &t), VKC_E_IO);
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_special),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_long_word),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
