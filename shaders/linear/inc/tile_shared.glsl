// tile_shared.glsl — the product for GPUs: a workgroup keeps a BM x BK and a BK x BN tile in shared
// memory, an invocation a TM x TN tile of sums in registers. Local size is (BM / TM) * (BN / TN).
// Include after one of tile_fwd, _dx, _dw.
layout(constant_id = SPEC_TILE_BM) const uint BM = 64u;
layout(constant_id = SPEC_TILE_BN) const uint BN = 64u;
layout(constant_id = SPEC_TILE_BK) const uint BK = 16u;
layout(constant_id = SPEC_TILE_TM) const uint TM = 4u;
layout(constant_id = SPEC_TILE_TN) const uint TN = 4u;

shared float sa[BK * (BM + 1u)];   // k-major; one more a line, against bank conflicts
shared float sb[BK * (BN + 1u)];

void load_tiles(uint m0, uint n0, uint k0, uint k1, uint M, uint N)
{
    for (uint i = gl_LocalInvocationID.x; i < BM * BK; i += WG) {
        uint m = TILE_A_ALONG_K ? i / BK : i % BM, k = TILE_A_ALONG_K ? i % BK : i / BM;
        float v = 0.0;
        if (m0 + m < M && k0 + k < k1)
            v = tile_a(m0 + m, k0 + k);
        sa[k * (BM + 1u) + m] = v;
    }
    for (uint i = gl_LocalInvocationID.x; i < BN * BK; i += WG) {
        uint n = TILE_B_ALONG_K ? i / BK : i % BN, k = TILE_B_ALONG_K ? i % BK : i / BN;
        float v = 0.0;
        if (n0 + n < N && k0 + k < k1)
            v = tile_b(k0 + k, n0 + n);
        sb[k * (BN + 1u) + n] = v;
    }
}

// Sums of this invocation: rows tm + i * BM / TM, columns tn + j * BN / TN of the tile, so that
// neighbours read and write neighbours; in pairs where results are stored so.
#ifdef TILE_PAIRS
#define TILE_COLUMN(BASE, J) (BASE + 2u * tn + J % 2u + J / 2u * 2u * SN)
#else
#define TILE_COLUMN(BASE, J) BASE + tn + J * SN
#endif
void tile_product(uint m0, uint n0, uint M, uint N)
{
    const uint SM = BM / TM, SN = BN / TN;
    uint tn = gl_LocalInvocationID.x % SN, tm = gl_LocalInvocationID.x / SN;
    float acc[TM][TN];
    for (uint i = 0u; i < TM; i++)
        for (uint j = 0u; j < TN; j++)
            acc[i][j] = 0.0;
    uvec2 span = tile_span();
    for (uint k0 = span.x; k0 < span.y; k0 += BK) {
        barrier();                 // the tiles before are read
        load_tiles(m0, n0, k0, span.y, M, N);
        barrier();
        for (uint k = 0u; k < BK; k++) {
            float u[TM], v[TN];
            for (uint i = 0u; i < TM; i++)
                u[i] = sa[k * (BM + 1u) + tm + i * SM];
            for (uint j = 0u; j < TN; j++)
                v[j] = sb[TILE_COLUMN(k * (BN + 1u), j)];
            for (uint i = 0u; i < TM; i++)
                for (uint j = 0u; j < TN; j++)
                    acc[i][j] += u[i] * v[j];
        }
    }
#ifdef TILE_PAIRS
    for (uint i = 0u; i < TM; i++)
        for (uint j = 0u; j < TN; j += 2u) {
            uint m = m0 + tm + i * SM, n = TILE_COLUMN(n0, j);
            if (m < M && n < N)
                tile_store_pair(m, n, vec2(acc[i][j], acc[i][j + 1u]));
        }
#else
    for (uint i = 0u; i < TM; i++)
        for (uint j = 0u; j < TN; j++) {
            uint m = m0 + tm + i * SM, n = TILE_COLUMN(n0, j);
            if (m < M && n < N)
                tile_store(m, n, acc[i][j]);
        }
#endif
}

void main()
{
    uint M = TILE_M, N = TILE_N;
    for (uint m0 = gl_WorkGroupID.x * BM; m0 < M; m0 += gl_NumWorkGroups.x * BM)
        tile_product(m0, gl_WorkGroupID.y * BN, M, N);
}
