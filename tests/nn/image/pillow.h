// pillow.h — what tests/golden/pillow.py and its tests share: the source pictures' formula, checksums, the tables.
#ifndef TESTS_PILLOW_H
#define TESTS_PILLOW_H

#include <stdint.h>
#include <string.h>

#include "nn/checkpoint/safetensors.h"

#define PILLOW_12_FILE "tests/golden/pillow.safetensors"        // and before
#define PILLOW_13_FILE "tests/golden/pillow13.safetensors"

// (height, width, 3)
static inline void pillow_draw(uint8_t *rgb, uint32_t height, uint32_t width)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            for (uint32_t c = 0; c < 3; c++) {
                uint32_t v = x * 374761393u + y * 668265263u + c * 2246822519u, bars = (x / 5 + y / 3 + c) % 5;
                v = (v ^ v >> 13) * 1274126177u >> 24;
                *rgb++ = (uint8_t) (bars == 0 ? 0 : bars == 1 ? 255 : v);
            }
}

// FNV-1a.
static inline uint64_t pillow_sum(const uint8_t *p, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

// Element i of a table, whose elements are of the size of *out.
#define PILLOW_GET(file, name, i, out) \
    assert_int_equal(nn_st_tensor_read_raw(nn_safetensors_get((file), (name)), (i) * sizeof *(out), sizeof *(out), \
                                           (out)), VKC_OK)

#endif
