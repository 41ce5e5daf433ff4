// tile_simd.glsl — the product for CPUs that run a subgroup as one SIMD vector: a workgroup is one
// subgroup and takes a tile of 4 SIMD x 4 SIMD. Lane l loads rows m0 + 4 l .. + 3 of A and columns
// n0 + 4 l .. + 3 of B, four values at a time; shuffles hand the rows of A round, because a shuffle
// costs one instruction there and a load some fifty. Sums stay with the lane that owns their columns.
// Needs M, N and k in steps of 4 where they run along memory. Before it, define
//   TILE_M, TILE_N, uvec2 tile_span()
//   mat4 tile_a4(m, k, end)        [i][j] = A(m + j, k + i), 0 from k = end on
//   mat4 tile_b4(k, n, end)        [i][j] = B(k + i, n + j), the same
//   vec4 tile_start4(n)            what results n .. n + 3 start from
//   void tile_store4(m, n, v)      results (m, n) .. (m, n + 3)
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = SPEC_TILE_SIMD) const uint SIMD = 8u;

void tile_product(uint m0, uint n0, uint M, uint N)
{
    vec4 acc[SIMD][4];
    uint lane = gl_SubgroupInvocationID, n = n0 + 4u * lane;
    vec4 start = tile_start4(n);
    for (uint r = 0u; r < SIMD; r++)
        for (uint j = 0u; j < 4u; j++)
            acc[r][j] = start;
    uvec2 span = tile_span();
    for (uint k = span.x; k < span.y; k += 4u) {
        mat4 u = tile_a4(m0 + 4u * lane, k, span.y), v = tile_b4(k, n, span.y);
        for (uint r = 0u; r < SIMD; r++)
            for (uint j = 0u; j < 4u; j++)
                acc[r][j] += subgroupShuffle(u[0][j], r) * v[0] + subgroupShuffle(u[1][j], r) * v[1] +
                             subgroupShuffle(u[2][j], r) * v[2] + subgroupShuffle(u[3][j], r) * v[3];
    }
    if (n >= N)
        return;
    // One copy of the code that stores, for the first rows: the others move up.
    [[dont_unroll]] for (uint r = 0u; r < SIMD; r++) {
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            if (m0 + 4u * r + j < M)
                tile_store4(m0 + 4u * r + j, n, acc[0][j]);
        [[unroll]] for (uint i = 1u; i < SIMD; i++)
            acc[i - 1u] = acc[i];
    }
}

void main()
{
    uint M = TILE_M, N = TILE_N, side = 4u * SIMD;
    for (uint m0 = gl_WorkGroupID.x * side; m0 < M; m0 += gl_NumWorkGroups.x * side)
        tile_product(m0, gl_WorkGroupID.y * side, M, N);
}
