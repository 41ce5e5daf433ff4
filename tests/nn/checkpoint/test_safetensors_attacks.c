// test_safetensors_attacks.c — every inconsistency of a weight file is one test: refused with a sentence that names
// the file, the tensor and the byte, in memory bounded by the file's own size.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/checkpoint/safetensors.h"
#include "tests/nn/checkpoint/st_bytes.h"
#include "tests/temp_dir.h"

typedef struct attack {
    const char *name, *header;
    size_t      data_size;
    const char *says;
} attack;

static const attack attacks[] = {
    { "the first byte is a space", " {}", 0, "m: byte 8: the header does not begin with {" },
    { "a list for a header", "[]", 0, "m: byte 8: the header does not begin with {" },
    { "a header of one byte", "{", 0, "m: byte 8: the header does not begin with {" },
    { "more than one value", "{} x", 0, "m: byte 11: not valid JSON: more than one value" },
    { "a key without a value", "{\"a\"", 0, "m: byte 12: not valid JSON here: expected :" },
    { "an open string", "{\"a", 0, "m: byte 11: not valid JSON: a string does not end" },
    { "a comma too many", "{" T("a", "F32", "[1]", "[0,4]") ",}", 4, "expected a string" },
    { "a number for an entry", "{\"a\":1}", 0, "m: tensor a, byte 13: not valid JSON here: expected {" },
    { "too deep", "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0, "m: tensor a, byte 13: not valid JSON here" },
    { "too deep in a shape", "{" T("a", "F32", "[[[[[[[1]]]]]]]", "[0,4]") "}", 4,
      "m: tensor a, byte 37: expected a whole number" },
    { "not UTF-8", "{\"\xff\":1}", 0, "m: byte 10: a string is not UTF-8 or has control characters" },
    { "overlong UTF-8", "{\"\xc0\xaf\":1}", 0, "m: byte 10: a string is not UTF-8" },
    { "a surrogate in UTF-8", "{\"\xed\xa0\x80\":1}", 0, "m: byte 10: a string is not UTF-8" },
    { "half a surrogate pair", "{\"\\ud800x\":1}", 0, "m: byte 10: not valid JSON here: an escape" },
    { "a NUL in a name", "{\"a\\u0000b\":1}", 0, "m: byte 11: not valid JSON here: an escape" },
    { "a colour in a name", "{" T("a\\u001b[31m", "F32", "[1]", "[0,4]") "}", 4,
      "m: byte 9: a tensor's name is empty" },
    { "a raw control character", "{\"a\n\":1}", 0, "m: byte 11: a string is not UTF-8 or has control characters" },
    { "no name", "{" T("", "F32", "[1]", "[0,4]") "}", 4, "m: byte 9: a tensor's name is empty" },

    { "the same key twice", "{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8,
      "tensor a, bytes 119 to 123: the name is there twice, also for bytes 115 to 119" },
    { "the same key, spelled otherwise", "{" T("a", "F32", "[1]", "[0,4]") "," T("\\u0061", "F32", "[1]", "[4,8]") "}",
      8, "the name is there twice" },
    { "the same key for the same bytes", "{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[0,4]") "}", 4,
      "the name is there twice" },
    { "a dtype twice", "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
      "m: tensor a, byte 28: dtype is there twice" },
    { "no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "m: tensor a, byte 13: has no dtype" },
    { "no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "m: tensor a, byte 13: has no shape" },
    { "no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "m: tensor a, byte 13: has no data_offsets" },
    { "one key more", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4,
      "m: tensor a, byte 61: an entry has just dtype, shape and data_offsets" },

    { "offsets overlap", "{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[2]", "[2,10]") "}", 10,
      "m: tensor b, bytes 118 to 126: overlaps tensor a, which ends at byte 120" },
    { "offsets are the same", "{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[0,4]") "}", 4,
      "overlaps tensor a" },
    { "a gap between", "{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[8,12]") "}", 12,
      "m: tensor b, bytes 124 to 128: comes after a gap: bytes 120 to 124 belong to no tensor" },
    { "a gap before", "{" T("a", "F32", "[1]", "[4,8]") "}", 8,
      "m: tensor a, bytes 66 to 70: comes after a gap: bytes 62 to 66" },
    { "a tail", "{" T("a", "F32", "[1]", "[0,4]") "}", 8, "m: bytes 66 to 70, after the last tensor, belong to none" },
    { "data without tensors", "{}", 4, "m: bytes 10 to 14, after the last tensor, belong to none" },
    { "offsets inverted", "{" T("a", "F32", "[1]", "[4,0]") "}", 4,
      "m: tensor a, bytes 66 to 66: data_offsets end before they begin, 0 after 4" },
    { "offsets past the end", "{" T("a", "F32", "[2]", "[0,8]") "}", 4,
      "m: tensor a, bytes 62 to 70: ends after the file, which has 66 bytes" },
    { "offsets that wrap", "{" T("a", "F32", "[2]", "[0,18446744073709551608]") "}", 4,
      "m: tensor a, bytes 81 to 18446744073709551615: ends after the file" },
    { "offsets of three", "{" T("a", "F32", "[2]", "[0,8,9]") "}", 8, "m: tensor a, byte 60: data_offsets are more" },
    { "offsets of one", "{" T("a", "F32", "[2]", "[0]") "}", 8, "m: tensor a, byte 13: data_offsets are not two" },
    { "an offset in quotes", "{" T("a", "F32", "[2]", "[\"0\",8]") "}", 8, "m: tensor a, byte 56: expected a whole" },
    { "an offset of 67 bits", "{" T("a", "F32", "[2]", "[0,99999999999999999999]") "}", 8,
      "m: tensor a, byte 58: a whole number is too large" },
    { "a negative offset", "{" T("a", "F32", "[2]", "[-8,0]") "}", 8, "m: tensor a, byte 56: expected a whole" },

    { "fewer bytes than the shape", "{" T("a", "F32", "[3]", "[0,8]") "}", 8,
      "m: tensor a, bytes 62 to 70: 8 bytes are not its shape times F32" },
    { "another type than the bytes", "{" T("a", "F64", "[2]", "[0,8]") "}", 8, "8 bytes are not its shape times F64" },
    { "a shape that overflows", "{" T("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0,
      "m: tensor a, byte 48: the product of the shape overflows" },
    { "a shape that overflows in bytes", "{" T("a", "F32", "[4611686018427387904]", "[0,0]") "}", 0,
      "0 bytes are not its shape times F32" },
    { "a shape that overflows before its zero", "{" T("a", "F32", "[4294967296,4294967296,0]", "[0,0]") "}", 0,
      "the product of the shape overflows" },
    { "a negative size", "{" T("a", "F32", "[-2]", "[0,8]") "}", 8, "m: tensor a, byte 37: expected a whole number" },
    { "a size of minus zero", "{" T("a", "F32", "[-0]", "[0,0]") "}", 0, "expected a whole number" },
    { "a size with a fraction", "{" T("a", "F32", "[2.0]", "[0,8]") "}", 8, "m: tensor a, byte 37: expected a whole" },
    { "a size with an exponent", "{" T("a", "F32", "[2e0]", "[0,8]") "}", 8, "m: tensor a, byte 37: expected a whole" },
    { "a size with a leading zero", "{" T("a", "F32", "[02]", "[0,8]") "}", 8, "expected a whole number" },
    { "a size that is true", "{" T("a", "F32", "[true]", "[0,4]") "}", 4, "expected a whole number" },
    { "a number for a shape", "{" T("a", "F32", "2", "[0,8]") "}", 8, "m: tensor a, byte 36: not valid JSON here" },
    { "rank 9", "{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4,
      "m: tensor a, byte 53: the shape has more than 8 dimensions" },
    { "an unknown dtype", "{" T("a", "F31", "[2]", "[0,8]") "}", 8, "m: tensor a, byte 22: unknown dtype F31" },
    { "a small dtype", "{" T("a", "f32", "[2]", "[0,8]") "}", 8, "unknown dtype f32" },
    { "a number for a dtype", "{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
      "m: tensor a, byte 22: not valid JSON here: expected a string" },

    { "a number in the metadata", "{\"__metadata__\":{\"a\":1}}", 0,
      "m: the object __metadata__, byte 29: not valid JSON here: expected a string" },
    { "a number for the metadata", "{\"__metadata__\":7}", 0, "m: the object __metadata__, byte 24: not valid JSON" },
    { "metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "m: byte 27: __metadata__ is there twice" },
    { "a key of the metadata twice", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0,
      "m: bytes 8 to 42: a key of __metadata__ is there twice" },
};
#define N_ATTACKS (sizeof attacks / sizeof *attacks)

static void check_sentence(const char *says)
{
    if (strstr(vkc_last_error(), says) == NULL)
        fail_msg("'%s' lacks '%s'", vkc_last_error(), says);
}

static void check_refused(const void *bytes, size_t size, const char *says)
{
    nn_safetensors *f = NULL;
    assert_int_equal(nn_safetensors_read("m", bytes, size, &f), VKC_E_FORMAT);
    assert_null(f);
    check_sentence(says);
}

static void check_header(const char *header, size_t data_size, const char *says)
{
    size_t size;
    unsigned char *bytes = st_bytes(header, data_size, &size);
    check_refused(bytes, size, says);
    free(bytes);
}

static void test_attack(void **state)
{
    const attack *a = *state;
    check_header(a->header, a->data_size, a->says);
}

// ---- the first eight bytes

static void test_header_lengths(void **state)
{
    (void) state;
    unsigned char bytes[16] = { 0, 0, 0, 0, 0, 0, 0, 0, '{', '}' };
    memset(bytes, 255, 8);
    check_refused(bytes, 16,
                  "m: bytes 0 to 8: a header of 18446744073709551615 bytes does not fit the file, which has 16");
    bytes[0] = 248;     // plus 8 it is 0
    check_refused(bytes, 16, "a header of 18446744073709551608 bytes does not fit");
    memset(bytes, 0, 8);
    check_refused(bytes, 16, "m: byte 8: the header does not begin with {");
    bytes[0] = 9;
    check_refused(bytes, 16, "m: bytes 0 to 8: a header of 9 bytes does not fit the file, which has 16");
    memcpy(bytes, "version ", 8);
    check_refused(bytes, 16, "m: is a pointer of Git LFS");
    for (size_t n = 0; n < 8; n++)
        check_refused(bytes, n, "are too few for a safetensors file");
}

// A file with holes takes no room on the disk, however long it is: nothing may be allocated for it.
static void test_sparse(void **state)
{
    (void) state;
    const struct { uint64_t header; const char *text, *says; } rows[] = {
        { 100000001, "{}", "bytes 0 to 8: a header of 100000001 bytes is longer than the 100000000 that are read" },
        { 2, "{}", "bytes 10 to 1099511627776, after the last tensor, belong to none" },
        { 99999999, "\n", "byte 8: the header does not begin with {" },
    };
    char path[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, dir, "sparse.safetensors"), VKC_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char bytes[10] = { 0 };
        for (int k = 0; k < 8; k++)
            bytes[k] = (unsigned char) (rows[i].header >> 8 * k);
        memcpy(bytes + 8, rows[i].text, strlen(rows[i].text));
        assert_int_equal(nn_file_save(path, bytes, sizeof bytes), VKC_OK);
        assert_int_equal(truncate(path, (off_t) 1 << 40), 0);
        nn_safetensors *f = NULL;
        assert_int_equal(nn_safetensors_load(path, &f), VKC_E_FORMAT);
        check_sentence(rows[i].says);
        check_sentence("sparse.safetensors: ");
    }
}

// ---- names and counts

static void test_long_names(void **state)
{
    (void) state;
    char name[NN_ST_MAX_NAME + 2], header[NN_ST_MAX_NAME + 100];
    memset(name, 'n', sizeof name);
    name[NN_ST_MAX_NAME + 1] = '\0';
    snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", name);
    check_header(header, 0, "m: byte 9: a tensor's name is empty, longer than 512 bytes");
    name[NN_ST_MAX_NAME] = '\0';
    snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", name);
    size_t size;
    unsigned char *bytes = st_bytes(header, 0, &size);
    nn_safetensors *f = NULL;
    assert_int_equal(nn_safetensors_read("m", bytes, size, &f), VKC_OK);
    assert_non_null(nn_safetensors_get(f, name));
    nn_safetensors_destroy(f);
    free(bytes);
}

// A header of n tensors without elements, by names of six letters.
static unsigned char *build_many(size_t n, size_t *size)
{
    const size_t most = 70 * n + 10;
    char *header = malloc(most);
    assert_non_null(header);
    size_t at = (size_t) snprintf(header, most, "{");
    for (size_t i = 0; i < n; i++)
        at += (size_t) snprintf(header + at, most - at,
                                "%s\"%06zu\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                                i > 0 ? "," : "", i);
    snprintf(header + at, most - at, "}");
    unsigned char *bytes = st_bytes(header, 0, size);
    free(header);
    return bytes;
}

static void test_many_tensors(void **state)
{
    (void) state;
    size_t size;
    nn_safetensors *f = NULL;
    unsigned char *bytes = build_many(NN_ST_MAX_TENSORS, &size);
    assert_int_equal(nn_safetensors_read("m", bytes, size, &f), VKC_OK);
    assert_int_equal(nn_safetensors_len(f), NN_ST_MAX_TENSORS);
    assert_string_equal(nn_safetensors_get(f, "012345")->name, "012345");
    assert_true(nn_safetensors_memory(f) < NN_ST_MAX_COST * size);
    nn_safetensors_destroy(f);
    free(bytes);
    bytes = build_many(NN_ST_MAX_TENSORS + 1, &size);
    check_refused(bytes, size, "more than 65536 tensors");
    free(bytes);
}

// What a file can make the reader allocate, with all that is left of the address space taken away.
static void check_bounded(const char *path, size_t size, vkc_status want)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    if (f == NULL)
        skip();
    assert_int_equal(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    struct rlimit was, small;
    assert_int_equal(getrlimit(RLIMIT_AS, &was), 0);
    small = was;
    small.rlim_cur = pages * (rlim_t) sysconf(_SC_PAGESIZE) + NN_ST_MAX_COST * size + (256 << 10);
    assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
    nn_safetensors *file = NULL;
    vkc_status st = nn_safetensors_load(path, &file);
    assert_int_equal(setrlimit(RLIMIT_AS, &was), 0);
    nn_safetensors_destroy(file);
    if (st != want)
        fail_msg("%s, want %s: %s", vkc_status_str(st), vkc_status_str(want), vkc_last_error());
}

static void test_bounded_memory(void **state)
{
    (void) state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();             // they take address space of their own
#endif
    char path[NN_PATH_MAX];
    size_t size, at = 0;
    assert_int_equal(nn_path_build(path, dir, "bounded.safetensors"), VKC_OK);
    const unsigned char claim[16] = { 0, 225, 245, 5, 0, 0, 0, 0, '{' };      // a header of 100,000,000 bytes
    assert_int_equal(nn_file_save(path, claim, sizeof claim), VKC_OK);
    check_bounded(path, sizeof claim, VKC_E_FORMAT);
    unsigned char *bytes = build_many(60000, &size);
    assert_int_equal(nn_file_save(path, bytes, size), VKC_OK);
    check_bounded(path, size, VKC_OK);
    free(bytes);
    char *header = malloc(1 << 20);             // the shortest entries there are
    assert_non_null(header);
    at = (size_t) snprintf(header, 1 << 20, "{\"__metadata__\":{");
    for (int i = 0; i < 60000; i++)
        at += (size_t) snprintf(header + at, (1 << 20) - at, "%s\"%05d\":\"\"", i > 0 ? "," : "", i);
    snprintf(header + at, (1 << 20) - at, "}}");
    bytes = st_bytes(header, 0, &size);
    free(header);
    assert_int_equal(nn_file_save(path, bytes, size), VKC_OK);
    free(bytes);
    check_bounded(path, size, VKC_OK);
}

// ---- every byte

static const char whole[] = "{\"__metadata__\":{\"format\":\"pt\"}," T("a.b", "F32", "[2,3]", "[0,24]") ","
                            T("h", "F16", "[]", "[24,26]") "," T("n", "U8", "[0,4]", "[26,26]") "}  ";

static void test_truncated(void **state)
{
    (void) state;
    size_t size;
    unsigned char *bytes = st_bytes(whole, 26, &size);
    nn_safetensors *f = NULL;
    assert_int_equal(nn_safetensors_read("m", bytes, size, &f), VKC_OK);
    nn_safetensors_destroy(f);
    f = NULL;
    for (size_t n = 0; n < size; n++) {
        unsigned char *cut = malloc(n + 1);     // of just this size: a sanitizer sees a read past it
        assert_non_null(cut);
        memcpy(cut, bytes, n);
        assert_int_equal(nn_safetensors_read("m", cut, n, &f), VKC_E_FORMAT);
        free(cut);
    }
    assert_null(f);
    free(bytes);
}

// Any one byte changed to anything: accepted or refused, but then in words; and whatever is accepted can be read.
static void test_changed(void **state)
{
    (void) state;
    size_t size;
    unsigned char *bytes = st_bytes(whole, 26, &size);
    for (size_t i = 0; i < size; i++) {
        const unsigned char was = bytes[i];
        for (int x = 0; x < 256; x++) {
            nn_safetensors *f = NULL;
            unsigned char raw[26];
            bytes[i] = (unsigned char) x;
            vkc_status st = nn_safetensors_read("m", bytes, size, &f);
            assert_true(st == VKC_OK || (st == VKC_E_FORMAT && strncmp(vkc_last_error(), "m: ", 3) == 0));
            for (size_t k = 0; st == VKC_OK && k < nn_safetensors_len(f); k++) {
                const nn_st_tensor *t = nn_safetensors_at(f, k);
                assert_int_equal(nn_st_tensor_read_raw(t, 0, (size_t) t->size, raw), VKC_OK);
            }
            nn_safetensors_destroy(f);
        }
        bytes[i] = was;
    }
    free(bytes);
}

int main(void)
{
    static struct CMUnitTest tests[N_ATTACKS + 7] = {
        cmocka_unit_test(test_header_lengths), cmocka_unit_test(test_sparse),         cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_many_tensors),   cmocka_unit_test(test_bounded_memory), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_changed),
    };
    for (size_t i = 0; i < N_ATTACKS; i++)
        tests[7 + i] = (struct CMUnitTest) { .name = attacks[i].name, .test_func = test_attack,
                                             .initial_state = (void *) (uintptr_t) &attacks[i] };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
