// test_texts.c — texts from files of text, of JSON lines and of ids, alone and in a folder; files that lie.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/data/texts.h"
#include "tests/temp_dir.h"

#define assert_status(expr, st) assert_int_equal(expr, st)
#define assert_ok(expr) assert_status(expr, VKC_OK)

#define TOKENIZER "tests/golden/tokenizers/gpt2.json"

static const char *write_file(const char *name, const void *data, size_t size)
{
    static char path[NN_PATH_MAX];
    assert_ok(nn_path_build(path, dir, name));
    assert_ok(nn_file_save(path, data, size));
    return path;
}

static nn_texts load(const char *path, const nn_texts_params *p)
{
    nn_texts t;
    if (nn_texts_load(path, p, &t) != VKC_OK)
        fail_msg("%s", vkc_last_error());
    return t;
}

static void test_ids(void **state)
{
    static const unsigned char small[] = { 1, 0, 2, 0, 3, 1, 4, 0, 5, 0 }, wide[] = { 1, 0, 0, 0, 2, 1, 0, 0 };
    unsigned char header[1024 + 4] = { 0 };
    (void) state;
    nn_texts t = load(write_file("a.ids", small, sizeof small), &(nn_texts_params) { .vocab = 300 });
    assert_int_equal(t.n, 1);
    assert_int_equal(t.start[1], 5);
    assert_int_equal(t.id[2], 259);
    assert_int_equal(t.bytes, 0);
    nn_texts_finish(&t);
    t = load(write_file("a.ids", small, sizeof small), &(nn_texts_params) { .vocab = 300, .row = 2 });
    assert_int_equal(t.n, 3);
    assert_int_equal(t.start[2], 4);
    assert_int_equal(t.start[3], 5);
    nn_texts_finish(&t);
    t = load(write_file("b.ids32", wide, sizeof wide), &(nn_texts_params) { .vocab = 300 });
    assert_int_equal(t.start[1], 2);
    assert_int_equal(t.id[1], 258);
    nn_texts_finish(&t);
    for (uint32_t k = 0; k < 4; k++)
        header[k] = (unsigned char) (20240520u >> 8 * k);
    header[1024] = 7, header[1026] = 9;
    t = load(write_file("c.bin", header, sizeof header), &(nn_texts_params) { .vocab = 300 });
    assert_int_equal(t.start[1], 2);
    assert_int_equal(t.id[1], 9);
    nn_texts_finish(&t);
}

static void test_text(void **state)
{
    static const char one[] = "one two", three[] = "a b\n<|endoftext|>\n\nc\n<|endoftext|>\n",
                      lines[] = "{\"text\": \"one two\"}\n\n{\"id\": 3, \"text\": \"a\\u00e9\"}\n{\"text\": \"\"}";
    nn_tokenizer *tokenizer = NULL;
    nn_text_encoder *e = NULL;
    const uint32_t *want;
    size_t n;
    (void) state;
    assert_ok(nn_tokenizer_open(TOKENIZER, &tokenizer));
    assert_ok(nn_text_encoder_create(tokenizer, &e));
    const nn_texts_params p = { .tokenizer = tokenizer, .vocab = nn_tokenizer_len(tokenizer) };
    nn_texts t = load(write_file("one.txt", one, strlen(one)), &p);
    assert_ok(nn_text_encode(e, one, strlen(one), NN_ENCODE_SPECIAL, &want, &n));
    assert_int_equal(t.n, 1);
    assert_int_equal(t.bytes, strlen(one));
    assert_int_equal(t.start[1], n);
    assert_memory_equal(t.id, want, n * sizeof *want);
    nn_texts_finish(&t);
    t = load(write_file("three.txt", three, strlen(three)), &p);
    assert_int_equal(t.n, 2);                   // what lies between is none, and there is nothing behind the last
    assert_int_equal(t.bytes, strlen("a b") + strlen("c"));
    nn_texts_finish(&t);
    t = load(write_file("lines.jsonl", lines, strlen(lines)), &p);
    assert_int_equal(t.n, 2);
    assert_int_equal(t.bytes, strlen(one) + 3);
    nn_texts_finish(&t);
    t = load(dir, &p);                          // a.ids, b.ids32, c.bin, lines.jsonl, one.txt, three.txt
    assert_int_equal(t.n, 3 + 2 + 1 + 2);
    nn_texts_finish(&t);
    static const char marked[] = "\xef\xbb\xbf{\"text\": \"one two\"}\r\n";
    t = load(write_file("marked.jsonl", marked, strlen(marked)), &p);
    assert_int_equal(t.start[1], n);
    assert_memory_equal(t.id, want, n * sizeof *want);
    nn_texts_finish(&t);
    t = load(write_file("marked.txt", "\xef\xbb\xbfone two", 10), &p);
    assert_int_equal(t.bytes, strlen(one));
    nn_texts_finish(&t);
    const nn_texts_params small = { .tokenizer = tokenizer, .vocab = 3 };
    char path[NN_PATH_MAX];
    assert_ok(nn_path_build(path, dir, "one.txt"));
    assert_status(nn_texts_load(path, &small, &t), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "another model's"));
    nn_text_encoder_destroy(e);
    nn_tokenizer_destroy(tokenizer);
}

static void test_refused(void **state)
{
    static const struct { const char *name, *data, *says; vkc_status st; uint32_t vocab; } rows[] = {
        { "odd.ids", "abc", "no ids of 2 bytes", VKC_E_FORMAT, 65536 },
        { "none.ids", "", "no ids", VKC_E_FORMAT, 65536 },
        { "beyond.ids", "\1\0\377\377", "id 65535 at place 1", VKC_E_FORMAT, 300 },
        { "beyond.ids32", "\1\0\0\1", "vocabulary ends at 300", VKC_E_FORMAT, 300 },
        { "x.txt", "text", "no tokenizer.json", VKC_E_ARG, 300 },
        { "x.jsonl", "{}", "no tokenizer.json", VKC_E_ARG, 300 },
        { "x.pdf", "text", "ends with .txt", VKC_E_ARG, 300 },
    };
    nn_texts t;
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t size = strstr(rows[i].name, "beyond") ? 4 : strlen(rows[i].data);
        const char *path = write_file(rows[i].name, rows[i].data, size);
        assert_status(nn_texts_load(path, &(nn_texts_params) { .vocab = rows[i].vocab }, &t), rows[i].st);
        if (!strstr(vkc_last_error(), rows[i].says))
            fail_msg("%s: %s", rows[i].name, vkc_last_error());
    }
    nn_tokenizer *tokenizer = NULL;
    assert_ok(nn_tokenizer_open(TOKENIZER, &tokenizer));
    const nn_texts_params p = { .tokenizer = tokenizer, .vocab = 1u << 20 };
    static const char *const lies[] = { "{\"text\": \"a\"}\n{\"text\": 3}\n", "{\"text\": \"a\"}\n{\"text\": \"b\"\n" };
    for (size_t i = 0; i < 2; i++) {
        assert_status(nn_texts_load(write_file("lies.jsonl", lies[i], strlen(lies[i])), &p, &t), VKC_E_FORMAT);
        assert_non_null(strstr(vkc_last_error(), "line 2"));
    }
    assert_status(nn_texts_load(write_file("empty.txt", "", 0), &p, &t), VKC_E_FORMAT);
    assert_status(nn_texts_load("no/such.txt", &p, &t), VKC_E_IO);
    nn_tokenizer_destroy(tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids), cmocka_unit_test(test_text), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
