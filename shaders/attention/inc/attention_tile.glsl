// attention_tile.glsl — shared by the tiled form of attention: 64 invocations in 8 x 8 work on tiles of
// 32 x 32; invocation (x, y) owns rows y + 8 i and columns x + 8 j. Channels pass through shared memory in
// slices, so that any head dim fits 16 KiB. Strides are odd counts of vec4: no bank conflicts.
#extension GL_EXT_control_flow_attributes : require
#define LOG2E 1.4426950408889634
#define LN2   0.6931471805599453
#define TILE  uint(ATTENTION_TILE)
layout(constant_id = SPEC_ATTENTION_DIM) const uint D = 32u;
layout(constant_id = SPEC_ATTENTION_SLICE) const uint SLICE = 32u;
layout(constant_id = SPEC_ATTENTION_SLICES) const uint SLICES = 1u;
layout(constant_id = SPEC_ATTENTION_CAUSAL) const uint CAUSAL = 0u;
layout(constant_id = SPEC_ATTENTION_GROUP) const uint GROUP = 1u;
const uint SV = SLICE / 4u, STRIDE = SV + 1u, COLS = SLICE / 32u;
const uint ACC = SLICES * COLS * 4u;   // vec4 of an accumulator over (4 rows, all channels)

shared vec4 tile_a[TILE * STRIDE], tile_b[TILE * STRIDE];
shared vec4 tile_p[TILE * 9u];         // [row * 9 + x] holds columns x, x + 8, x + 16, x + 24

#define TX (gl_LocalInvocationID.x & 7u)
#define TY (gl_LocalInvocationID.x >> 3)

// Of qkv (R, (H + 2 KV) D): its row stride, and the columns of what query head h meets.
uint qkv_stride(uint heads)
{
    return (heads + 2u * (heads / GROUP)) * D;
}

uint k_column(uint heads, uint h)
{
    return (heads + h / GROUP) * D;
}

uint v_column(uint heads, uint h)
{
    return (heads + heads / GROUP + h / GROUP) * D;
}

// Does a query see a key, both rows of one image that ends at `end`?
bool sees(uint query, uint key, uint end)
{
    return key < end && (CAUSAL == 0u || key <= query);
}

// Stage rows [r0, r0 + TILE) below end, channels of slice SL of the WIDTH from column COL of BUF; zeros beyond.
#define LOAD_TILE_OF(WIDTH, DST, BUF, R0, END, LD, COL, SL)                             \
    for (uint e = gl_LocalInvocationID.x; e < TILE * SV; e += uint(ATTENTION_TILE_WG)) {\
        uint row = (R0) + e / SV, d = (SL) * SLICE + 4u * (e % SV);                     \
        uint at = row * (LD) + (COL) + d;                                               \
        vec4 x = vec4(0.0);                                                             \
        if (row < (END) && d < (WIDTH)) {                                               \
            x.x = BUF[at];                                                              \
            if (d + 1u < (WIDTH))                                                       \
                x.y = BUF[at + 1u];                                                     \
            if (d + 2u < (WIDTH))                                                       \
                x.z = BUF[at + 2u];                                                     \
            if (d + 3u < (WIDTH))                                                       \
                x.w = BUF[at + 3u];                                                     \
        }                                                                               \
        DST[(e / SV) * STRIDE + e % SV] = x;                                            \
    }
#define LOAD_TILE(DST, BUF, R0, END, LD, COL, SL) LOAD_TILE_OF(D, DST, BUF, R0, END, LD, COL, SL)

// s[i][j] += a_(row i) . b_(column j) over the staged slice.
void tile_dot(inout vec4 s[4])
{
    for (uint v = 0u; v < SV; v++) {
        vec4 b0 = tile_b[TX * STRIDE + v], b1 = tile_b[(TX + 8u) * STRIDE + v];
        vec4 b2 = tile_b[(TX + 16u) * STRIDE + v], b3 = tile_b[(TX + 24u) * STRIDE + v];
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            vec4 x = tile_a[(TY + 8u * i) * STRIDE + v];
            s[i] += vec4(dot(x, b0), dot(x, b1), dot(x, b2), dot(x, b3));
        }
    }
}

// y[i] += sum over columns of p_(row i, column) b_(column), channels 4 (TX + 8 c) .. of the staged slice.
void tile_mac(inout vec4 y[4], uint c)
{
    for (uint k = 0u; k < 8u; k++) {
        uint v = TX + 8u * c;
        vec4 b0 = tile_b[k * STRIDE + v], b1 = tile_b[(k + 8u) * STRIDE + v];
        vec4 b2 = tile_b[(k + 16u) * STRIDE + v], b3 = tile_b[(k + 24u) * STRIDE + v];
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            vec4 p = tile_p[(TY + 8u * i) * 9u + k];
            y[i] += p.x * b0 + p.y * b1 + p.z * b2 + p.w * b3;
        }
    }
}

// acc (over slice SL) += tile_p . tile_b
#define MAC_SLICE(ACCU, SL)                                               \
    [[unroll]] for (uint c = 0u; c < COLS; c++) {                         \
        vec4 y[4];                                                        \
        [[unroll]] for (uint i = 0u; i < 4u; i++)                         \
            y[i] = ACCU[((SL) * COLS + c) * 4u + i];                      \
        tile_mac(y, c);                                                   \
        [[unroll]] for (uint i = 0u; i < 4u; i++)                         \
            ACCU[((SL) * COLS + c) * 4u + i] = y[i];                      \
    }

// Run STATEMENT for each channel this invocation owns of tile row i: value X, channel CH.
#define FOR_OWNED(ACCU, I, X, CH, STATEMENT)                                     \
    [[unroll]] for (uint u = 0u; u < SLICES * COLS; u++)                         \
        [[unroll]] for (uint w = 0u; w < 4u; w++) {                              \
            uint CH = (u / COLS) * SLICE + 4u * (TX + 8u * (u % COLS)) + w;      \
            float X = ACCU[u * 4u + (I)][w];                                     \
            if (CH < D)                                                          \
                STATEMENT;                                                       \
        }
