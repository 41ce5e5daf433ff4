// augment.c — order and augmentation from hashes of (seed, epoch, index).
#include "nn/data/augment.h"

#include <string.h>

static uint64_t mix(uint64_t z)         // the finaliser of splitmix64
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t nn_augment_key(uint64_t seed, uint64_t epoch, uint64_t index)
{
    return mix(mix(mix(seed + 0x9e3779b97f4a7c15u) + epoch + 0x9e3779b97f4a7c15u) + index + 0x9e3779b97f4a7c15u);
}

// A Feistel network permutes 0 .. 4^half - 1; walking on until the value is below n permutes 0 .. n - 1. So no
// list is kept, and any place of any epoch can be asked for.
uint32_t nn_shuffle_get(uint64_t seed, uint64_t epoch, uint32_t n, uint32_t i)
{
    uint32_t half = 1;
    while (half < 16 && 1ull << 2 * half < n)
        half++;
    const uint32_t mask = (1u << half) - 1;
    uint64_t key = nn_augment_key(seed, epoch, UINT64_MAX);
    do {
        uint32_t left = i >> half, right = i & mask;
        for (uint64_t round = 0; round < 6; round++) {
            uint32_t next = left ^ ((uint32_t) (mix(key + round * 0x9e3779b97f4a7c15u + right) >> 20) & mask);
            left = right;
            right = next;
        }
        i = left << half | right;
    } while (i >= n);
    return i;
}

// Mirrors a coordinate that a shift pushed over an edge back inside.
static uint32_t reflect(int64_t x, uint32_t size)
{
    if (x < 0)
        x = -x;
    if (x >= size)
        x = 2 * (int64_t) size - 2 - x;
    return (uint32_t) (x < 0 ? 0 : x);
}

void nn_augment_write(const nn_augment_params *p, uint64_t seed, uint64_t epoch, uint64_t index, uint32_t height,
                      uint32_t width, const uint8_t *in, uint8_t *out)
{
    uint64_t bits = nn_augment_key(seed, epoch, index), span = 2 * (uint64_t) p->shift + 1;
    bool flip_h = p->flip_h && (bits & 1), flip_v = p->flip_v && (bits & 2), turn = p->transpose && (bits & 4);
    int64_t dx = (int64_t) ((bits >> 8 & 0xffffff) * span >> 24) - p->shift;
    int64_t dy = (int64_t) ((bits >> 32 & 0xffffff) * span >> 24) - p->shift;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint32_t u = reflect(x + dx, width), v = reflect(y + dy, height);
            if (flip_h)
                u = width - 1 - u;
            if (flip_v)
                v = height - 1 - v;
            const uint8_t *from = in + ((size_t) (turn ? u : v) * width + (turn ? v : u)) * 3;
            memcpy(out + ((size_t) y * width + x) * 3, from, 3);
        }
}
