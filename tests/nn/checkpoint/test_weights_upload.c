// test_weights_upload.c — tensors of every float type on their way to the device, whole and in part, in many pieces.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/checkpoint/weights.h"
#include "tests/device.h"
#include "tests/temp_dir.h"

#define LEN 700001u                 // two pieces and a part of one

static int set_up(void **state)
{
    *state = test_device_open();
    return temp_dir_set_up(NULL);
}

static int tear_down(void **state)
{
    vkc_device_destroy(*state);
    return temp_dir_tear_down(NULL);
}

// 0, 1, 2 ... 255, 0 ...: exact in every type.
static uint64_t encode(nn_st_dtype dtype, uint64_t i)
{
    const float value = (float) (i % 256);
    uint32_t bits;
    uint64_t wide;
    memcpy(&bits, &value, sizeof bits);
    const double twice = (double) value;
    memcpy(&wide, &twice, sizeof wide);
    switch (dtype) {
    case NN_ST_F32: return bits;
    case NN_ST_BF16: return bits >> 16;
    case NN_ST_F16: return bits == 0 ? 0 : (bits >> 13) - (112u << 10);
    default: return wide;
    }
}

static vkc_status give_bytes(void *user, uint64_t offset, void *out, size_t size)
{
    const nn_st_dtype dtype = *(const nn_st_dtype *) user;
    const size_t each = nn_st_dtype_size(dtype);
    unsigned char *p = out;
    for (size_t i = 0; i < size; i++)
        p[i] = (unsigned char) (encode(dtype, (offset + i) / each) >> 8 * ((offset + i) % each));
    return VKC_OK;
}

static void check_slice(vkc_device *dev, const nn_st_tensor *t, uint64_t first, size_t len, vkc_buffer *buf, size_t at)
{
    float *x = malloc((len + 2) * sizeof *x);
    assert_non_null(x);
    vkc_slice around = { buf, at - 4, (len + 2) * 4 };
    assert_int_equal(vkc_fill(dev, vkc_slice_of(buf), 0x7fc00000), VKC_OK);
    assert_int_equal(nn_weights_upload(dev, t, first, (vkc_slice) { buf, at, len * 4 }, NULL), VKC_OK);
    assert_int_equal(vkc_read(dev, around, x), VKC_OK);
    for (size_t i = 0; i < len; i++)
        if (x[i + 1] != (float) ((first + i) % 256))
            fail_msg("element %zu of %s is %g", i, nn_st_dtype_name(t->dtype), (double) x[i + 1]);
    assert_true(x[0] != x[0] && x[len + 1] != x[len + 1]);      // the words beside it are untouched
    free(x);
}

static void test_upload(void **state)
{
    vkc_device *dev = *state;
    static nn_st_dtype types[4] = { NN_ST_F32, NN_ST_F16, NN_ST_BF16, NN_ST_F64 };
    char path[NN_PATH_MAX];
    nn_st_save save[5];
    for (int i = 0; i < 4; i++)
        save[i] = (nn_st_save) { .name = nn_st_dtype_name(types[i]), .dtype = types[i], .rank = 1, .shape = { LEN },
                                 .read = give_bytes, .user = &types[i] };
    save[4] = (nn_st_save) { .name = "I64", .dtype = NN_ST_I64, .data = "12345678" };
    assert_int_equal(nn_path_build(path, dir, "model.safetensors"), VKC_OK);
    assert_int_equal(nn_safetensors_save(path, save, 5, NULL, 0), VKC_OK);
    nn_weights *w = NULL;
    vkc_buffer *buf = NULL;
    assert_int_equal(nn_weights_load(dir, &w), VKC_OK);
    assert_int_equal(vkc_buffer_create(dev, VKC_MEM_DEVICE, (LEN + 16) * 4, "weights", &buf), VKC_OK);
    for (int i = 0; i < 4; i++) {
        const nn_st_tensor *t = nn_weights_get(w, nn_st_dtype_name(types[i]));
        check_slice(dev, t, 0, LEN, buf, 16);
        check_slice(dev, t, 3, 5, buf, 20);
        check_slice(dev, t, LEN - NN_WEIGHTS_PIECE / 4 - 1, NN_WEIGHTS_PIECE / 4 + 1, buf, 4);
        assert_int_equal(nn_weights_upload(dev, t, LEN - 3, (vkc_slice) { buf, 0, 16 }, NULL), VKC_E_ARG);
    }
    assert_int_equal(nn_weights_upload(dev, nn_weights_get(w, "I64"), 0, (vkc_slice) { buf, 0, 4 }, NULL), VKC_E_ARG);
    assert_int_equal(nn_weights_upload(dev, nn_weights_get(w, "F32"), 0, (vkc_slice) { buf, 0, 0 }, NULL), VKC_OK);

    assert_int_equal(truncate(path, 4096), 0);
    assert_int_equal(nn_weights_upload(dev, nn_weights_get(w, "F64"), 0, (vkc_slice) { buf, 0, 400 }, NULL), VKC_E_IO);
    assert_non_null(strstr(vkc_last_error(), "model.safetensors became shorter while it was read"));
    vkc_buffer_destroy(buf);
    nn_weights_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_upload) };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
