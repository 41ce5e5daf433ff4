// storage.glsl — how the elements of a tensor lie in memory: the only place that knows a storage type. A kernel with
// the line "// storage: f32 f16" is compiled once a type, as vkc_shader_<stem> and vkc_shader_<stem>_f16. Buffers of
// elements are declared so, all else (gradients, partial sums, biases) stays float:
//   layout(binding = 0) readonly  buffer X { ELEMENT x[]; };     LOAD_ELEMENT(x, i): element i as a float
//   layout(binding = 3) WRITEONLY buffer Y { ELEMENT y[]; };     STORE_ELEMENT(y, i, v), STORE_PAIR(y, i, v, both)
//
// Halves are pairs in words of 32 bits, which Vulkan 1.2 core has on every device: no 16-bit storage is asked for.
// Two invocations that write the halves of one word do so by atomics, each its own bits, so that a neighbour, a row
// that is not live among them, keeps its bits; a kernel that gives both to one invocation stores whole words.
// Rounding is written out, to the nearest and ties to even: packHalf2x16 rounds as the device likes.
#ifdef STORAGE_F16
#define STORAGE_PAIRS              // kernels do well to give elements 2 k, 2 k + 1 to one invocation
#define ELEMENT uint
#define WRITEONLY

// Half i of an array, out of its word.
float storage_half(uint word, uint i)
{
    return unpackHalf2x16(word >> (i % 2u * 16u)).x;
}

uint storage_bits(float v)
{
    uint bits = floatBitsToUint(v), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
    if (size > 0x7f800000u)
        return sign | 0x7e00u;
    if (size >= 0x477ff000u)       // 65520: nearer to infinity than to 65504
        return sign | 0x7c00u;
    if (size < 0x38800000u)        // below 2^-14 a multiple of 2^-24, which is what floats from 0.5 on are
        return sign | (floatBitsToUint(uintBitsToFloat(size) + 0.5) - 0x3f000000u);
    return sign | (size - 0x38000000u + 0xfffu + (size >> 13 & 1u)) >> 13;
}

#define LOAD_ELEMENT(BUF, I) storage_half(BUF[(I) / 2u], I)
// Element I, whatever writes the other half of its word.
#define STORE_ELEMENT(BUF, I, V) \
    atomicAnd(BUF[(I) / 2u], 0xffff0000u >> ((I) % 2u * 16u)); \
    atomicOr(BUF[(I) / 2u], storage_bits(V) << ((I) % 2u * 16u))
// Elements I and, where BOTH, I + 1, which no other invocation writes, of the vec2 V.
#define STORE_PAIR(BUF, I, V, BOTH) \
    if ((BOTH) && (I) % 2u == 0u) { \
        BUF[(I) / 2u] = storage_bits((V).x) | storage_bits((V).y) << 16; \
    } else { \
        STORE_ELEMENT(BUF, I, (V).x); \
        if (BOTH) { \
            STORE_ELEMENT(BUF, (I) + 1u, (V).y); \
        } \
    }
#else
#define ELEMENT float
#define WRITEONLY writeonly
#define LOAD_ELEMENT(BUF, I) BUF[I]
#define STORE_ELEMENT(BUF, I, V) BUF[I] = V
#endif
