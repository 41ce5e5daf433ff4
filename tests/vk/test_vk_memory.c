// test_vk_memory.c — buffers: sizes, limits, shared blocks, blocking copies.
#include "tests/vk/vk_test.h"
#include "vk/memory.h"

#include <string.h>

static unsigned char pattern(size_t i, size_t salt)
{
    return (unsigned char) (i * 7 + i / 251 + salt * 31);
}

static void sizes_out_of_range(void **state)
{
    vkc_device *dev = *state;
    vkc_buffer *buf = NULL;
    size_t most = vkc_max_buffer(dev);
    assert_true(vkc_block_size(dev) >= 128u << 20 && vkc_block_size(dev) <= VKC_BLOCK);
    assert_true(vkc_max_bind(dev) >= vkc_block_size(dev) && most >= vkc_max_bind(dev));
    assert_status(vkc_buffer_create(dev, VKC_MEM_DEVICE, 0, "empty", &buf), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "\"empty\": size is 0"));
    assert_status(vkc_buffer_create(dev, VKC_MEM_DEVICE, most + 1, "huge", &buf), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "huge"));
    assert_status(vkc_buffer_create(dev, VKC_MEM_UPLOAD, SIZE_MAX, NULL, &buf), VKC_E_ARG);
    assert_status(vkc_buffer_create(dev, VKC_MEM_READBACK, SIZE_MAX - 7, NULL, &buf), VKC_E_ARG);
    assert_null(buf);
}

// The sentence says how much, whose limit it is and which.
static void limits_in_words(void **state)
{
    vkc_device *dev = *state;
    const vkc_device_info *info = vkc_device_get_info(dev);
    const size_t bind = vkc_max_bind(dev), most = vkc_max_buffer(dev);
    char want[512];
    assert_ok(vkc_check_bind(dev, "w", bind));
    assert_status(vkc_check_bind(dev, "parameter w", bind + 1), VKC_E_UNSUPPORTED);
    snprintf(want, sizeof want, "parameter w needs %zu MiB; %s binds at most %zu MiB at once (maxStorageBufferRange)",
             (bind >> 20) + 1, info->name, bind >> 20);
    if (bind % (1 << 20) == 0 && !strstr(vkc_last_error(), want))
        fail_msg("%s, want %s", vkc_last_error(), want);
    assert_ok(vkc_check_buffer(dev, "w", most));
    assert_status(vkc_check_buffer(dev, "parameter w", most + 1), VKC_E_UNSUPPORTED);
    assert_non_null(strstr(vkc_last_error(), info->name));
    assert_non_null(strstr(vkc_last_error(), info->max_buffer_limit));
}

static void large_buffers(void **state)
{
    vkc_device *dev = *state;
    const size_t sizes[] = { vkc_block_size(dev), (size_t) VKC_BLOCK + (44u << 20) };
    for (int i = 0; i < 2; i++) {
        vkc_buffer *buf;
        uint32_t word = 0;
        if (sizes[i] > vkc_max_buffer(dev))
            continue;
        assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, sizes[i], "large", &buf));
        assert_int_equal(vkc_buffer_size(buf), sizes[i]);
        assert_ok(vkc_fill(dev, (vkc_slice) { buf, sizes[i] - 16, 16 }, 0xabcdef01));
        assert_ok(vkc_read(dev, (vkc_slice) { buf, sizes[i] - 4, 4 }, &word));
        assert_int_equal(word, 0xabcdef01);
        vkc_buffer_destroy(buf);
    }
}

static void own_limit(void **state)
{
    (void) state;
    vkc_device *dev;
    vkc_device_params p = { .log = test_log, .max_memory = 10u << 20 };
    vkc_buffer *a, *b = NULL;
    assert_ok(vkc_device_create(&p, &dev));
    assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, 6u << 20, "first", &a));
    vkc_memory_info before = vkc_memory_get_info(dev);
    assert_true(before.available <= 4u << 20);
    assert_status(vkc_buffer_create(dev, VKC_MEM_DEVICE, 5u << 20, "second", &b), VKC_E_DEVMEM);
    assert_null(b);
    assert_non_null(strstr(vkc_last_error(), "second"));
    assert_non_null(strstr(vkc_last_error(), "needed 5242880"));
    assert_non_null(strstr(vkc_last_error(), "available about 4194304"));
    vkc_memory_info after = vkc_memory_get_info(dev);
    assert_int_equal(after.in_use, before.in_use);
    assert_int_equal(after.peak, before.peak);
    // A plan is held against what is left, before it is asked for.
    assert_ok(vkc_check_memory(dev, "a plan takes", 3u << 20));
    assert_status(vkc_check_memory(dev, "a plan takes", 5ull << 30), VKC_E_DEVMEM);
    assert_non_null(strstr(vkc_last_error(), "a plan takes 5.0 GiB of device memory, and "));
    assert_non_null(strstr(vkc_last_error(), " has 4.0 MiB free"));
    // What is freed can be had again.
    vkc_buffer_destroy(a);
    assert_int_equal(vkc_memory_get_info(dev).in_use, 0);
    assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, 9u << 20, "third", &b));
    assert_true(vkc_memory_get_info(dev).in_use >= 9u << 20);
    assert_true(vkc_memory_get_info(dev).peak >= 9u << 20);
    vkc_buffer_destroy(b);
    assert_int_equal(vkc_device_validation_count(dev), 0);
    vkc_device_destroy(dev);
}

static void counters(void **state)
{
    vkc_device *dev = *state;
    vkc_memory_info start = vkc_memory_get_info(dev);
    vkc_buffer *buf[3];
    assert_true(start.available > 0);
    for (int i = 0; i < 3; i++)
        assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, 100001, "counted", &buf[i]));
    vkc_memory_info in = vkc_memory_get_info(dev);
    assert_true(in.in_use >= start.in_use + 3 * 100001 && in.peak >= in.in_use);
    for (int i = 0; i < 3; i++)
        vkc_buffer_destroy(buf[i]);
    assert_int_equal(vkc_memory_get_info(dev).in_use, start.in_use);
    assert_int_equal(vkc_memory_get_info(dev).peak, in.peak);
    // The host's buffers are not counted.
    assert_ok(vkc_buffer_create(dev, VKC_MEM_UPLOAD, 100001, "not counted", &buf[0]));
    assert_int_equal(vkc_memory_get_info(dev).in_use, start.in_use);
    vkc_buffer_destroy(buf[0]);
    vkc_buffer_destroy(NULL);
}

// Odd sizes at odd offsets, through every intent; the bytes around stay as they were.
static void round_trips(void **state)
{
    vkc_device *dev = *state;
    static const size_t sizes[] = { 1, 2, 3, 5, 15, 37, 4095, 65537, (4u << 20) - 1, (4u << 20) + 3, (9u << 20) + 1 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int intent = VKC_MEM_DEVICE; intent <= VKC_MEM_READBACK; intent++) {
            size_t n = sizes[i], at = 1 + i, all = at + n + 3;
            unsigned char *a = malloc(n), *b = malloc(all);
            vkc_buffer *buf;
            assert_ok(vkc_buffer_create(dev, (vkc_mem) intent, all, "odd", &buf));
            assert_int_equal(vkc_buffer_size(buf), (all + 15) / 16 * 16);
            assert_true((intent == VKC_MEM_DEVICE) == !vkc_buffer_map(buf));
            assert_ok(vkc_fill(dev, vkc_slice_of(buf), 0xa5a5a5a5));
            for (size_t j = 0; j < n; j++)
                a[j] = pattern(j, n);
            assert_ok(vkc_write(dev, (vkc_slice) { buf, at, n }, a));
            assert_ok(vkc_read(dev, (vkc_slice) { buf, 0, all }, b));
            assert_memory_equal(a, b + at, n);
            for (size_t j = 0; j < at; j++)
                assert_int_equal(b[j], 0xa5);
            for (size_t j = at + n; j < all; j++)
                assert_int_equal(b[j], 0xa5);
            if (vkc_buffer_map(buf))
                assert_memory_equal((unsigned char *) vkc_buffer_map(buf) + at, a, n);
            vkc_buffer_destroy(buf);
            free(a);
            free(b);
        }
}

static void slices_out_of_range(void **state)
{
    vkc_device *dev = *state;
    vkc_buffer *buf;
    unsigned char bytes[64] = { 0 };
    assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, 64, "short", &buf));
    static const struct { size_t offset, size; } wrong[] = {
        { 0, 65 }, { 64, 1 }, { 65, 0 }, { SIZE_MAX, 1 }, { 8, SIZE_MAX }, { 1, SIZE_MAX },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        vkc_slice s = { buf, wrong[i].offset, wrong[i].size };
        assert_status(vkc_write(dev, s, bytes), VKC_E_ARG);
        assert_status(vkc_read(dev, s, bytes), VKC_E_ARG);
        assert_status(vkc_fill(dev, s, 0), VKC_E_ARG);
    }
    assert_status(vkc_fill(dev, (vkc_slice) { buf, 2, 4 }, 0), VKC_E_ARG);
    assert_status(vkc_fill(dev, (vkc_slice) { buf, 0, 6 }, 0), VKC_E_ARG);
    assert_status(vkc_read(dev, (vkc_slice) { NULL, 0, 4 }, bytes), VKC_E_ARG);
    assert_ok(vkc_write(dev, (vkc_slice) { buf, 64, 0 }, bytes));       // nothing to do is fine
    assert_ok(vkc_read(dev, (vkc_slice) { buf, 64, 0 }, bytes));
    assert_ok(vkc_fill(dev, (vkc_slice) { buf, 64, 0 }, 0));
    vkc_buffer_destroy(buf);
}

static void slice_of_another_device(void **state)
{
    vkc_device *dev = *state, *other = test_device_open();
    vkc_buffer *buf;
    uint32_t word = 0;
    assert_ok(vkc_buffer_create(other, VKC_MEM_DEVICE, 16, "foreign", &buf));
    assert_status(vkc_read(dev, (vkc_slice) { buf, 0, 4 }, &word), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "another device"));
    vkc_buffer_destroy(buf);
    vkc_device_destroy(other);
}

// Buffers come and go in shared blocks; each keeps its own bytes.
static void many_small_ones(void **state)
{
    vkc_device *dev = *state;
    enum { N = 40 };
    vkc_buffer *buf[N] = { NULL };
    size_t size[N] = { 0 };
    uint32_t seed = 5, start = (uint32_t) vkc_memory_get_info(dev).in_use;
    for (int step = 0; step < 400; step++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t i = (seed >> 8) % N;
        if (buf[i]) {
            uint32_t ends[2];
            assert_ok(vkc_read(dev, (vkc_slice) { buf[i], 0, 4 }, &ends[0]));
            assert_ok(vkc_read(dev, (vkc_slice) { buf[i], size[i] - 4, 4 }, &ends[1]));
            assert_int_equal(ends[0], i + 1);
            assert_int_equal(ends[1], i + 1);
            vkc_buffer_destroy(buf[i]);
            buf[i] = NULL;
        } else {
            size[i] = 4 + (seed >> 14) % (step % 3 ? 2000 : 200000) * 4;
            vkc_mem intent = step % 5 ? VKC_MEM_DEVICE : VKC_MEM_UPLOAD;
            assert_ok(vkc_buffer_create(dev, intent, size[i], "small", &buf[i]));
            assert_ok(vkc_fill(dev, (vkc_slice) { buf[i], 0, size[i] }, i + 1));
        }
    }
    for (int i = 0; i < N; i++)
        vkc_buffer_destroy(buf[i]);
    assert_int_equal(vkc_memory_get_info(dev).in_use, start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_out_of_range),
        cmocka_unit_test(large_buffers), cmocka_unit_test(limits_in_words),
        cmocka_unit_test(own_limit),
        cmocka_unit_test(counters),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(slices_out_of_range),
        cmocka_unit_test(slice_of_another_device),
        cmocka_unit_test(many_small_ones),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
