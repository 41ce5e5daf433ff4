// linear_attention_chunk.glsl — SIMD form of causal linear attention: which rows of their chunk a workgroup's own rows
// see, the same for all lanes, in blocks of SIMD.
#define CHUNK uint(LINEAR_ATTENTION_CHUNK)

// The chunk's first row, in the image.
uint chunk_start()
{
    return gl_WorkGroupID.x * OWN * SIMD / CHUNK * CHUNK;
}

uint chunk_from(uint later)
{
    return later == 0u ? chunk_start() : gl_WorkGroupID.x * OWN * SIMD;
}

uint chunk_to(span t, uint later)
{
    return min(t.n, later == 0u ? (gl_WorkGroupID.x + 1u) * OWN * SIMD : chunk_start() + CHUNK);
}
