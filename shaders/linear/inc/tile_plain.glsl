// tile_plain.glsl — the simplest product: an invocation takes an 8 x 8 tile, and reads all it needs.
// The base line that the other kernels are measured against; include after one of tile_fwd, _dx, _dw.
#define SIDE 8u
#define GRID 8u                    // invocations along m, and along n: local size 64

void tile_product(uint m0, uint n0, uint M, uint N)
{
    float acc[SIDE][SIDE];
    for (uint i = 0u; i < SIDE; i++)
        for (uint j = 0u; j < SIDE; j++)
            acc[i][j] = 0.0;
    uvec2 span = tile_span();
    for (uint k = span.x; k < span.y; k++) {
        float u[SIDE], v[SIDE];
        for (uint i = 0u; i < SIDE; i++)
            u[i] = tile_a(min(m0 + i, M - 1u), k);
        for (uint j = 0u; j < SIDE; j++)
            v[j] = tile_b(k, min(n0 + j, N - 1u));
        for (uint i = 0u; i < SIDE; i++)
            for (uint j = 0u; j < SIDE; j++)
                acc[i][j] += u[i] * v[j];
    }
#ifdef TILE_PAIRS
    for (uint i = 0u; i < SIDE; i++)
        for (uint j = 0u; j < SIDE; j += 2u)
            if (m0 + i < M && n0 + j < N)
                tile_store_pair(m0 + i, n0 + j, vec2(acc[i][j], acc[i][j + 1u]));
#else
    for (uint i = 0u; i < SIDE; i++)
        for (uint j = 0u; j < SIDE; j++)
            if (m0 + i < M && n0 + j < N)
                tile_store(m0 + i, n0 + j, acc[i][j]);
#endif
}

void main()
{
    uint M = TILE_M, N = TILE_N, t = gl_LocalInvocationID.x;
    uint n0 = (gl_WorkGroupID.y * GRID + t % GRID) * SIDE;
    if (n0 >= N)
        return;
    uint step = gl_NumWorkGroups.x * GRID * SIDE;
    for (uint m0 = (gl_WorkGroupID.x * GRID + t / GRID) * SIDE; m0 < M; m0 += step)
        tile_product(m0, n0, M, N);
}
