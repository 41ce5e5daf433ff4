// test_safetensors.c — the reader against every lie a header can tell, and the writer against the reader.
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

#include "nn/files.h"
#include "nn/safetensors.h"
#include "tests/temp_dir.h"


static vkc_status read_text(const char *header, size_t data_size)
{
    static unsigned char bytes[65536];
    size_t len = strlen(header);
    memset(bytes, 0, sizeof bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char) (len >> 8 * i);
    memcpy(bytes + 8, header, len);
    nn_safetensors *f = NULL;
    vkc_status st = nn_safetensors_read("mem", bytes, 8 + len + data_size, &f);
    nn_safetensors_destroy(f);
    return st;
}

#define T(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void rejects(const char *header, size_t data_size, const char *says)
{
    if (read_text(header, data_size) != VKC_E_FORMAT)
        fail_msg("accepted: %s", header);
    if (strstr(vkc_last_error(), says) == NULL)
        fail_msg("'%s' lacks '%s'", vkc_last_error(), says);
}

static void test_accepts(void **state)
{
    (void) state;
    assert_int_equal(read_text("{}", 0), VKC_OK);
    assert_int_equal(read_text("{}        ", 0), VKC_OK);
    assert_int_equal(read_text("{" T("a", "F32", "[2,2]", "[0,16]") "}", 16), VKC_OK);
    assert_int_equal(read_text("{" T("a", "F32", "[]", "[0,4]") "}", 4), VKC_OK);
    assert_int_equal(read_text("{" T("a", "F32", "[0,7]", "[0,0]") "," T("b", "I64", "[1]", "[0,8]") "}", 8), VKC_OK);
    assert_int_equal(read_text("{\"__metadata__\":{\"format\":\"pt\"}," T("b", "BOOL", "[3]", "[0,3]") "}", 3), VKC_OK);
}

static void test_rejects(void **state)
{
    (void) state;
    rejects("", 0, "does not begin with {");
    rejects(" {}", 0, "does not begin with {");
    rejects("[]", 0, "does not begin with {");
    rejects("{} x", 0, "not valid JSON");
    rejects("{", 0, "does not begin with {");
    rejects("{\"a\"", 0, "not valid JSON");
    rejects("{\"a\":1}", 0, "not just dtype");
    rejects("{}", 4, "belong to none");
    rejects("{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8, "duplicate");
    rejects("{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[0,4]") "}", 4, "overlaps");
    rejects("{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[8,12]") "}", 12, "gap");
    rejects("{" T("a", "F32", "[1]", "[4,8]") "}", 8, "gap");
    rejects("{" T("a", "F32", "[1]", "[0,4]") "}", 8, "belong to none");
    rejects("{" T("a", "F32", "[1]", "[4,0]") "}", 4, "before it begins");
    rejects("{" T("a", "F32", "[2]", "[0,8]") "}", 4, "after the file");
    rejects("{" T("a", "F32", "[3]", "[0,8]") "}", 8, "shape times F32");
    rejects("{" T("a", "F31", "[2]", "[0,8]") "}", 8, "unknown dtype");
    rejects("{" T("a", "F32", "[-2]", "[0,8]") "}", 8, "not a whole number");
    rejects("{" T("a", "F32", "[2.0]", "[0,8]") "}", 8, "not a whole number");
    rejects("{" T("a", "F32", "2", "[0,8]") "}", 8, "not a list");
    rejects("{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "not a list");
    rejects("{" T("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0, "overflows");
    rejects("{" T("a", "F32", "[4611686018427387904]", "[0,0]") "}", 0, "shape times");
    rejects("{" T("a", "F32", "[2]", "[0,8,9]") "}", 8, "two whole numbers");
    rejects("{" T("a", "F32", "[2]", "[\"0\",8]") "}", 8, "two whole numbers");
    rejects("{" T("a", "F32", "[2]", "[0,99999999999999999999]") "}", 8, "not valid JSON");
    rejects("{" T("", "F32", "[1]", "[0,4]") "}", 4, "name");
    rejects("{" T("a\\u001b[31m", "F32", "[1]", "[0,4]") "}", 4, "control");
    rejects("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "not just");
    rejects("{\"__metadata__\":{\"a\":1}}", 0, "not a string");
    rejects("{\"__metadata__\":7}", 0, "not an object");
    rejects("{\"\xff\":1}", 0, "not valid JSON");
    rejects("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0, "nested");
}

static void test_lengths(void **state)
{
    (void) state;
    nn_safetensors *f = NULL;
    const unsigned char huge[16] = { 255, 255, 255, 255, 255, 255, 255, 255, '{', '}' };
    const unsigned char past[10] = { 3, 0, 0, 0, 0, 0, 0, 0, '{', '}' };
    assert_int_equal(nn_safetensors_read("m", huge, sizeof huge, &f), VKC_E_FORMAT);
    assert_int_equal(nn_safetensors_read("m", past, sizeof past, &f), VKC_E_FORMAT);
    for (size_t n = 0; n < 9; n++)
        assert_int_equal(nn_safetensors_read("m", past, n, &f), VKC_E_FORMAT);
    assert_null(f);
    char long_name[700];
    memset(long_name, 'n', sizeof long_name);
    memcpy(long_name, "{\"", 2);
    strcpy(long_name + 620, "\":1}");
    rejects(long_name, 0, "longer than");
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
    assert_non_null(strstr(vkc_last_error(), "(2, 3), want (3, 2)"));
    assert_int_equal(nn_safetensors_get_f32(f, "gone", 2, dim, back, 6), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "tensor gone is missing"));
    assert_int_equal(nn_safetensors_get_f32(f, "scalar", 0, NULL, back, 1), VKC_E_FORMAT);
    assert_int_equal(nn_st_tensor_read(nn_safetensors_get(f, "big"), 699999, 1, &last), VKC_OK);
    assert_true(last == 699999.0f);
    assert_int_equal(nn_st_tensor_read(nn_safetensors_get(f, "big"), 699999, 2, back), VKC_E_ARG);
    assert_int_equal(nn_safetensors_get(f, "scalar")->data[0], 7);
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
    unsigned char bytes[512] = { 0 };
    const char *header = "{" T("b", "BF16", "[2]", "[0,4]") "," T("d", "F64", "[1]", "[4,12]") ","
                         T("h", "F16", "[5]", "[12,22]") "}";
    bytes[0] = (unsigned char) strlen(header);
    memcpy(bytes + 8, header, strlen(header));
    unsigned char *data = bytes + 8 + strlen(header);
    const unsigned char raw[22] = { 0x80, 0x3f, 0x20, 0xc0, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f,
                                    0x00, 0x3c, 0x01, 0x00, 0xff, 0x7b, 0x00, 0xfc, 0x01, 0x80 };
    memcpy(data, raw, sizeof raw);
    nn_safetensors *f = NULL;
    assert_int_equal(nn_safetensors_read("m", bytes, 8 + strlen(header) + sizeof raw, &f), VKC_OK);
    float x[5];
    assert_int_equal(nn_safetensors_get_f32(f, "b", 0, NULL, x, 2), VKC_OK);
    assert_true(x[0] == 1.0f && x[1] == -2.5f);
    assert_int_equal(nn_safetensors_get_f32(f, "d", 0, NULL, x, 1), VKC_OK);
    assert_true(x[0] == 1.5f);
    assert_int_equal(nn_safetensors_get_f32(f, "h", 0, NULL, x, 5), VKC_OK);
    assert_true(x[0] == 1.0f && x[1] == 0x1p-24f && x[2] == 65504.0f && x[3] == -INFINITY && x[4] == -0x1p-24f);
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
        cmocka_unit_test(test_accepts),    cmocka_unit_test(test_rejects), cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_converts), cmocka_unit_test(test_atomic),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
