// test_safetensors.c — what the reader accepts and gives back, and the writer against the reader; what it refuses is in
// test_safetensors_attacks.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/checkpoint/safetensors.h"
#include "tests/nn/checkpoint/st_bytes.h"
#include "tests/temp_dir.h"

static nn_safetensors *read_text(const char *header, size_t data_size)
{
    size_t size;
    unsigned char *bytes = st_bytes(header, data_size, &size);
    nn_safetensors *f = NULL;
    if (nn_safetensors_read("m", bytes, size, &f) != VKC_OK)
        fail_msg("refused: %s", vkc_last_error());
    free(bytes);
    return f;
}

static void check_accepted(const char *header, size_t data_size, size_t n)
{
    nn_safetensors *f = read_text(header, data_size);
    assert_int_equal(nn_safetensors_len(f), n);
    nn_safetensors_destroy(f);
}

static void test_accepts(void **state)
{
    (void) state;
    check_accepted("{}", 0, 0);
    check_accepted("{ \n}\t       ", 0, 0);
    check_accepted("{" T("a", "F32", "[2,2]", "[0,16]") "}", 16, 1);
    check_accepted("{" T("a", "F32", "[]", "[0,4]") "}", 4, 1);
    check_accepted("{" T("a", "F32", "[0,7]", "[0,0]") "," T("b", "I64", "[1]", "[0,8]") "}", 8, 2);
    check_accepted("{" T("a", "F32", "[0,4294967296,4294967296]", "[0,0]") "}", 0, 1);
    check_accepted("{" T("a", "F32", "[1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, 1);
    check_accepted("{" T("b", "U8", "[4]", "[8,12]") "," T("a", "F64", "[1]", "[0,8]") "}", 12, 2);
    check_accepted("{\"__metadata__\":{\"format\":\"pt\"}," T("b", "BOOL", "[3]", "[0,3]") "}", 3, 1);
    check_accepted("{ \"a\" : { \"shape\" : [ 1 ] , \"data_offsets\" : [ 0 , 4 ] , \"dtype\" : \"F32\" } }", 4, 1);
}

// Names and metadata are unescaped, and found by what they stand for.
static void test_escapes(void **state)
{
    (void) state;
    nn_safetensors *f = read_text("{\"__metadata__\":{\"b\\u00e9\":\"\\ud83d\\ude00\\n\\/\",\"a\":\"\"},"
                                  T("\\u0041.\\\"x", "U8", "[1]", "[0,1]") "}", 1);
    assert_non_null(nn_safetensors_get(f, "A.\"x"));
    assert_string_equal(nn_safetensors_meta(f, "b\xc3\xa9"), "\xf0\x9f\x98\x80\n/");
    assert_string_equal(nn_safetensors_meta(f, "a"), "");
    assert_null(nn_safetensors_meta(f, "c"));
    nn_safetensors_destroy(f);
}

static vkc_status give_ramp(void *user, uint64_t offset, void *out, size_t size)
{
    assert_true(size <= 1 << 20);
    assert_int_equal(*(uint64_t *) user, offset);
    *(uint64_t *) user = offset + size;
    float *x = out;
    for (size_t i = 0; i < size / 4; i++)
        x[i] = (float) (offset / 4 + i);
    return VKC_OK;
}

static void test_round_trip(void **state)
{
    (void) state;
    char path[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, dir, "a.safetensors"), VKC_OK);
    uint64_t next = 0;
    float one[6] = { 1, -2.5f, 3e-40f, INFINITY, 5, 6 };
    nn_st_save t[] = {
        { .name = "blocks.0.attn.qkv.weight", .rank = 2, .shape = { 2, 3 }, .data = one },
        { .name = "big", .rank = 1, .shape = { 700000 }, .read = give_ramp, .user = &next },
        { .name = "none", .rank = 2, .shape = { 0, 4 }, .data = one },
        { .name = "scalar", .dtype = NN_ST_U8, .data = "\x07" },
    };
    const nn_st_meta meta[] = { { "step", "12" }, { "who", "a \"quoted\" word" } };
    assert_int_equal(nn_safetensors_save(path, t, 4, meta, 2), VKC_OK);
    assert_int_equal(next, 2800000);

    nn_safetensors *f = NULL;
    assert_int_equal(nn_safetensors_load(path, &f), VKC_OK);
    assert_int_equal(nn_safetensors_len(f), 4);
    assert_string_equal(nn_safetensors_at(f, 0)->name, "big");
    assert_string_equal(nn_safetensors_meta(f, "format"), "pt");
    assert_string_equal(nn_safetensors_meta(f, "step"), "12");
    assert_null(nn_safetensors_meta(f, "none"));
    assert_null(nn_safetensors_get(f, "blocks"));
    float back[6], last;
    const uint64_t dim[] = { 2, 3 }, other[] = { 3, 2 };
    assert_int_equal(nn_safetensors_get_f32(f, t[0].name, 2, dim, back, 6), VKC_OK);
    assert_memory_equal(back, one, sizeof one);
    assert_int_equal(nn_safetensors_get_f32(f, t[0].name, 2, other, back, 6), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), ": is (2, 3), want (3, 2)"));
    assert_int_equal(nn_safetensors_get_f32(f, "gone", 2, dim, back, 6), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "tensor gone is missing"));
    assert_int_equal(nn_safetensors_get_f32(f, "scalar", 0, NULL, back, 1), VKC_E_FORMAT);
    assert_int_equal(nn_st_tensor_read(nn_safetensors_get(f, "big"), 699999, 1, &last), VKC_OK);
    assert_true(last == 699999.0f);
    assert_int_equal(nn_st_tensor_read(nn_safetensors_get(f, "big"), 699999, 2, back), VKC_E_ARG);
    unsigned char byte;
    assert_int_equal(nn_st_tensor_read_raw(nn_safetensors_get(f, "scalar"), 0, 1, &byte), VKC_OK);
    assert_int_equal(byte, 7);
    assert_int_equal(nn_st_tensor_read_raw(nn_safetensors_get(f, "scalar"), 1, 1, &byte), VKC_E_ARG);
    nn_safetensors_destroy(f);

    // The data begins at a multiple of 8.
    unsigned char *bytes;
    size_t size;
    assert_int_equal(nn_file_load(path, SIZE_MAX, &bytes, &size), VKC_OK);
    assert_int_equal(bytes[0] % 8, 0);
    free(bytes);
}

static void test_converts(void **state)
{
    (void) state;
    size_t size;
    unsigned char *bytes = st_bytes("{" T("b", "BF16", "[2]", "[0,4]") "," T("d", "F64", "[1]", "[4,12]") ","
                                    T("h", "F16", "[5]", "[12,22]") "," T("i", "I64", "[1]", "[22,30]") "}", 30, &size);
    const unsigned char raw[30] = { 0x80, 0x3f, 0x20, 0xc0, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f,
                                    0x00, 0x3c, 0x01, 0x00, 0xff, 0x7b, 0x00, 0xfc, 0x01, 0x80,
                                    1, 2, 3, 4, 5, 6, 7, 8 };
    memcpy(bytes + size - sizeof raw, raw, sizeof raw);
    nn_safetensors *f = NULL;
    assert_int_equal(nn_safetensors_read("m", bytes, size, &f), VKC_OK);
    free(bytes);        // what was read is a copy
    float x[5];
    assert_int_equal(nn_safetensors_get_f32(f, "b", 0, NULL, x, 2), VKC_OK);
    assert_true(x[0] == 1.0f && x[1] == -2.5f);
    assert_int_equal(nn_safetensors_get_f32(f, "d", 0, NULL, x, 1), VKC_OK);
    assert_true(x[0] == 1.5f);
    assert_int_equal(nn_safetensors_get_f32(f, "h", 0, NULL, x, 5), VKC_OK);
    assert_true(x[0] == 1.0f && x[1] == 0x1p-24f && x[2] == 65504.0f && x[3] == -INFINITY && x[4] == -0x1p-24f);
    assert_int_equal(nn_st_tensor_read(nn_safetensors_get(f, "h"), 1, 2, x), VKC_OK);
    assert_true(x[0] == 0x1p-24f && x[1] == 65504.0f);
    const nn_st_tensor *whole = nn_safetensors_get(f, "i");
    unsigned char back[8];
    assert_int_equal(nn_st_tensor_read(whole, 0, 1, x), VKC_E_ARG);
    assert_int_equal(nn_st_tensor_check(whole, 1, whole->shape), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "is I64, want floats"));
    assert_int_equal(nn_st_tensor_read_raw(whole, 0, 8, back), VKC_OK);
    assert_memory_equal(back, raw + 22, 8);
    nn_safetensors_destroy(f);
}

// All 65,536 halves against the definition: sign, exponent, fraction.
static void test_halves(void **state)
{
    (void) state;
    size_t size;
    unsigned char *bytes = st_bytes("{" T("h", "F16", "[65536]", "[0,131072]") "}", 131072, &size);
    for (size_t i = 0; i < 65536; i++) {
        bytes[size - 131072 + 2 * i] = (unsigned char) i;
        bytes[size - 131072 + 2 * i + 1] = (unsigned char) (i >> 8);
    }
    nn_safetensors *f = NULL;
    float *x = malloc(65536 * sizeof *x);
    assert_non_null(x);
    assert_int_equal(nn_safetensors_read("m", bytes, size, &f), VKC_OK);
    assert_int_equal(nn_safetensors_get_f32(f, "h", 0, NULL, x, 65536), VKC_OK);
    for (int i = 0; i < 65536; i++) {
        const int exponent = i >> 10 & 31, fraction = i & 1023;
        double want = exponent > 0 ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        if (exponent == 31)
            want = fraction > 0 ? NAN : INFINITY;
        assert_int_equal(signbit(x[i]) != 0, i >> 15);
        if (exponent == 31 && fraction > 0)
            assert_true(isnan(x[i]));
        else
            assert_true(fabs((double) x[i]) == want);
    }
    nn_safetensors_destroy(f);
    free(bytes);
    free(x);
}

// NaN and infinities are values like any other.
static void test_nan(void **state)
{
    (void) state;
    char path[NN_PATH_MAX];
    const float odd[3] = { NAN, INFINITY, -INFINITY };
    float x[3];
    nn_safetensors *f = NULL;
    assert_int_equal(nn_path_build(path, dir, "nan"), VKC_OK);
    nn_st_save t = { .name = "x", .rank = 1, .shape = { 3 }, .data = odd };
    assert_int_equal(nn_safetensors_save(path, &t, 1, NULL, 0), VKC_OK);
    assert_int_equal(nn_safetensors_load(path, &f), VKC_OK);
    assert_int_equal(nn_safetensors_get_f32(f, "x", 0, NULL, x, 3), VKC_OK);
    assert_true(isnan(x[0]) && x[1] == INFINITY && x[2] == -INFINITY);
    nn_safetensors_destroy(f);
}

// A file cut short after it was opened is an error in words, and the bytes that are still there are read.
static void test_shrinks(void **state)
{
    (void) state;
    char path[NN_PATH_MAX];
    static float ones[5000];
    nn_safetensors *f = NULL;
    assert_int_equal(nn_path_build(path, dir, "shrinks"), VKC_OK);
    nn_st_save t = { .name = "x", .rank = 1, .shape = { 5000 }, .data = ones };
    assert_int_equal(nn_safetensors_save(path, &t, 1, NULL, 0), VKC_OK);
    assert_int_equal(nn_safetensors_load(path, &f), VKC_OK);
    assert_int_equal(truncate(path, 4000), 0);
    assert_int_equal(nn_safetensors_get_f32(f, "x", 0, NULL, ones, 5000), VKC_E_IO);
    assert_non_null(strstr(vkc_last_error(), "shrinks became shorter while it was read: byte 4000 is gone"));
    assert_int_equal(nn_st_tensor_read(nn_safetensors_get(f, "x"), 0, 900, ones), VKC_OK);
    nn_safetensors_destroy(f);
}

static vkc_status give_nothing(void *user, uint64_t offset, void *out, size_t size)
{
    (void) user, (void) out, (void) offset, (void) size;
    return VKC_FAIL(VKC_E_LOST, "gone");
}

// A write that fails half-way leaves the old file and nothing else.
static void test_atomic(void **state)
{
    (void) state;
    char path[NN_PATH_MAX], bad[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, dir, "sub/deeper"), VKC_OK);
    assert_int_equal(nn_folder_create(path), VKC_OK);
    assert_int_equal(nn_folder_create(path), VKC_OK);
    assert_int_equal(nn_path_build(path, dir, "sub/deeper/old.safetensors"), VKC_OK);
    assert_int_equal(nn_file_save(path, "old", 3), VKC_OK);
    nn_st_save t = { .name = "x", .rank = 1, .shape = { 4 }, .read = give_nothing };
    assert_int_equal(nn_safetensors_save(path, &t, 1, NULL, 0), VKC_E_LOST);
    unsigned char *bytes;
    size_t size;
    assert_int_equal(nn_file_load(path, 100, &bytes, &size), VKC_OK);
    assert_string_equal((char *) bytes, "old");
    free(bytes);
    assert_int_equal(nn_file_load(path, 2, &bytes, &size), VKC_E_FORMAT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(nn_path_build(bad, dir, "sub/deeper"), VKC_OK);
    assert_int_equal(rmdir(bad), 0);        // empty: no file was left beside
    assert_int_equal(nn_file_save(path, "x", 1), VKC_E_IO);
    assert_int_equal(nn_file_load(path, 9, &bytes, &size), VKC_E_IO);
    assert_int_equal(nn_file_load(dir, 9, &bytes, &size), VKC_E_IO);
    nn_st_save twice[2] = { { .name = "x", .data = "1234" }, { .name = "x", .data = "1234" } };
    assert_int_equal(nn_path_build(path, dir, "twice"), VKC_OK);
    assert_int_equal(nn_safetensors_save(path, twice, 2, NULL, 0), VKC_E_ARG);
    assert_false(nn_is_file(path));
}

// A full disk, played by a limit on file sizes: the sentence, and the old file unharmed.
static void test_full_disk(void **state)
{
    (void) state;
    struct rlimit was, small = { 0 };
    char path[NN_PATH_MAX];
    static char zeros[100000];
    unsigned char *bytes;
    size_t size;
    assert_int_equal(nn_path_build(path, dir, "full"), VKC_OK);
    assert_int_equal(nn_file_save(path, "old", 3), VKC_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small.rlim_cur = 4096, small.rlim_max = was.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    nn_st_save t = { .name = "x", .rank = 1, .shape = { 25000 }, .data = zeros };
    assert_int_equal(nn_safetensors_save(path, &t, 1, NULL, 0), VKC_E_IO);
    assert_non_null(strstr(vkc_last_error(), "cannot write"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(nn_file_load(path, 100, &bytes, &size), VKC_OK);
    assert_string_equal((char *) bytes, "old");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),    cmocka_unit_test(test_escapes), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_converts),   cmocka_unit_test(test_halves),  cmocka_unit_test(test_nan),
        cmocka_unit_test(test_shrinks),    cmocka_unit_test(test_atomic),  cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
