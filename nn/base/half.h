// half.h — 16-bit floats (IEEE 754 binary16) on the host: to float and back, rounded to the nearest, ties to even.
// Thread-safety: safe.
#ifndef NN_HALF_H
#define NN_HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NN_HALF_MAX 65504.0f        // the largest finite half; from 65520 on, floats become infinite

// Exact; an infinity or a NaN keeps its sign and payload. Exponent and fraction in a float's places are 2^-112 of the
// value, subnormal ones included; what comes out above the largest half was no finite number.
static inline float nn_half_to_float(uint16_t half)
{
    uint32_t bits = (half & 0x7fffu) << 13;
    float x;
    memcpy(&x, &bits, sizeof x);
    x *= 0x1p112f;
    memcpy(&bits, &x, sizeof bits);
    bits |= (half & 0x8000u) << 16 | (bits >= 0x47800000u ? 0x7f800000u : 0);
    memcpy(&x, &bits, sizeof x);
    return x;
}

// The nearest half, of two as near the even one. A NaN stays one, quiet, with the upper bits of its payload.
uint16_t nn_half_from_float(float x);

// n floats as halves; dst and src do not overlap.
void nn_half_narrow(uint16_t *dst, const float *src, size_t n);
// In place: the n halves at the start of x become its n floats.
void nn_half_widen(float *x, size_t n);

#ifdef __cplusplus
}
#endif
#endif
