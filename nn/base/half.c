// half.c — 16-bit floats on the host, by their bits.
#include "nn/base/half.h"

#include <string.h>

uint16_t nn_half_from_float(float x)
{
    uint32_t bits, kept, rest, unit;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu, exponent = size >> 23;
    if (size > 0x7f800000u)
        return (uint16_t) (sign | 0x7e00u | (size >> 13 & 0x3ffu));
    if (exponent >= 143)            // 2^16 and more
        return (uint16_t) (sign | 0x7c00u);
    if (exponent < 102)             // less than half of the least half, 2^-24
        return (uint16_t) sign;
    if (exponent > 112) {           // a normal half: 13 bits of the fraction go
        kept = (size - (112u << 23)) >> 13;
        rest = size & 0x1fffu;
        unit = 0x2000u;
    } else {                        // a multiple of 2^-24
        const uint32_t shift = 126 - exponent, fraction = (size & 0x7fffffu) | 0x800000u;
        kept = fraction >> shift;
        unit = 1u << shift;
        rest = fraction & (unit - 1);
    }
    if (rest > unit / 2 || (rest == unit / 2 && kept % 2))
        kept++;                     // may carry into the exponent, and from the largest to infinity: both are right
    return (uint16_t) (sign | kept);
}

void nn_half_narrow(uint16_t *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = nn_half_from_float(src[i]);
}

void nn_half_widen(float *x, size_t n)
{
    const unsigned char *from = (const unsigned char *) x;
    for (size_t i = n; i-- > 0;) {  // from the end: a float covers only halves that are done with
        uint16_t half;
        memcpy(&half, from + i * sizeof half, sizeof half);
        x[i] = nn_half_to_float(half);
    }
}
