// vk_add.h — a small kernel to build recordings from: y = a + b over n floats.
#ifndef TESTS_VK_ADD_H
#define TESTS_VK_ADD_H

#include "tests/vk/vk_test.h"
#include "vk/recording.h"
#include "shaders/elementwise/add.h"
#include "shaders/inc/rows_layout.h"
#include "spv/shaders.h"

// A device-intent buffer of n words, each `word`.
static inline vkc_buffer *make_words(vkc_device *dev, size_t n, uint32_t word)
{
    vkc_buffer *buf;
    assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, 4 * n, "words", &buf));
    assert_ok(vkc_fill(dev, vkc_slice_of(buf), word));
    return buf;
}

static inline vkc_slice floats_of(vkc_buffer *buf, size_t n)
{
    return (vkc_slice) { buf, 0, 4 * n };
}

static inline const vkc_kernel *get_add(vkc_device *dev)
{
    const vkc_kernel *k;
    assert_ok(vkc_kernel_get(dev, &(vkc_kernel_params) {
        .shader = &vkc_shader_add_fwd, .args_size = sizeof(struct add_args) }, &k));
    return k;
}

// `idle` is a buffer that nothing else uses: the kernel's row layout, which it doesn't read here.
static inline void record_add(vkc_recording *rec, const vkc_kernel *add, vkc_slice y, vkc_slice a, vkc_slice b,
                              vkc_buffer *idle)
{
    struct add_args args = { .rows = 1, .cols = (uint32_t) (y.size / 4) };
    assert_ok(vkc_record_dispatch(rec, &(vkc_dispatch) {
        .kernel = add, .args = &args, .bind = { a, b, y, vkc_slice_of(idle) } }));
}

// Replays and waits.
static inline void replay(vkc_device *dev, vkc_recording *rec)
{
    uint64_t ticket;
    assert_ok(vkc_submit(rec, &ticket));
    assert_ok(vkc_wait(dev, ticket));
}

// All n floats are this value.
static inline void assert_floats(vkc_device *dev, vkc_slice s, float want)
{
    size_t n = s.size / 4;
    float *got = malloc(s.size);
    assert_non_null(got);
    assert_ok(vkc_read(dev, s, got));
    for (size_t i = 0; i < n; i++)
        if (!(got[i] >= want && got[i] <= want))
            fail_msg("float %zu of %zu is %g, want %g", i, n, (double) got[i], (double) want);
    free(got);
}

#endif
