// rng.h — counter-based random bits, the same in C and GLSL: Threefry-2x32 with 20 rounds (Salmon et
// al., "Parallel random numbers: as easy as 1, 2, 3"). Additions, rotations and exclusive-ors only.
#ifndef SHADERS_RNG_H
#define SHADERS_RNG_H
#include "shaders/inc/shared.h"

SHARED_FN U32 rng_rotate(U32 x, U32 n)
{
    return (x << n) | (x >> (32u - n));
}

#define RNG_ROUND(n)                            \
    x += y;                                     \
    y = rng_rotate(y, n) ^ x;
#define RNG_FOUR_A RNG_ROUND(13u) RNG_ROUND(15u) RNG_ROUND(26u) RNG_ROUND(6u)
#define RNG_FOUR_B RNG_ROUND(17u) RNG_ROUND(29u) RNG_ROUND(16u) RNG_ROUND(24u)
#define RNG_KEY(a, b, n)                        \
    x += a;                                     \
    y += b + n;

// Word 0 or 1 of the 64 random bits at place `counter` of the stream `stream` of a 64-bit seed.
SHARED_FN U32 rng_word(U32 seed_lo, U32 seed_hi, U32 stream, U32 counter, U32 word)
{
    U32 mix = seed_lo ^ seed_hi ^ 0x1bd11bdau;
    U32 x = counter + seed_lo, y = stream + seed_hi;
    RNG_FOUR_A
    RNG_KEY(seed_hi, mix, 1u)
    RNG_FOUR_B
    RNG_KEY(mix, seed_lo, 2u)
    RNG_FOUR_A
    RNG_KEY(seed_lo, seed_hi, 3u)
    RNG_FOUR_B
    RNG_KEY(seed_hi, mix, 4u)
    RNG_FOUR_A
    RNG_KEY(mix, seed_lo, 5u)
    return word == 0u ? x : y;
}
#endif
