// chunk.glsl — streams, directions and chunks of scans over an image's rows. Needs ROWS(0, Tok).
//   stream s = h * dirs + dir. Chunk c of an image has the rows c * ROWS .. min((c + 1) * ROWS, n) in both
//   directions; which end a walk begins at is a matter of index, rows are never moved.
//   A launch is (chunk or 1, stream * slices, image); its states lie in slots (image, chunk, stream of the launch).
#include "shaders/scan/inc/chunk.h"
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = SPEC_CHUNK_ROWS) const uint CHUNK = 16u;
layout(constant_id = SPEC_CHUNK_REVERSED) const uint REVERSED = 0u;
layout(constant_id = SPEC_CHUNK_FUSED) const uint FUSED = 0u;
layout(constant_id = SPEC_CHUNK_CHANNELS) const uint CHANNELS = 0u;
layout(constant_id = SPEC_CHUNK_STEP) const uint STEP = 0u;
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)
#define FOR_ROWS(I) for (uint I = 0u; I < CHUNK; I++)          // drivers unroll it where CHUNK is small

struct chunk_stream {
    uint image, s, h, dir;
    uint local, slice;             // place in the launch, part of its columns
    uint first, n;                 // the image's rows
    bool flip;                     // walks from the last row to the first
};

chunk_stream chunk_stream_get(uint stream0, uint dirs, uint slices)
{
    chunk_stream t;
    t.image = gl_WorkGroupID.z;
    t.local = gl_WorkGroupID.y / slices;
    t.slice = gl_WorkGroupID.y % slices;
    t.s = stream0 + t.local;
    t.h = t.s / dirs;
    t.dir = t.s % dirs;
    t.flip = (t.dir ^ REVERSED) == 1u;
    t.first = t.n = 0u;
    if (t.image < Tok.images) {
        t.first = ROWS_OFFSET(Tok, t.image);
        t.n = ROWS_OFFSET(Tok, t.image + 1u) - t.first;
    }
    return t;
}

uint chunk_count(chunk_stream t)
{
    return (t.n + CHUNK - 1u) / CHUNK;
}

// The i-th chunk that the walk meets, and the rows in it.
uint chunk_at(chunk_stream t, uint i)
{
    return t.flip ? chunk_count(t) - 1u - i : i;
}

uint chunk_rows(chunk_stream t, uint c)
{
    return min(CHUNK, t.n - c * CHUNK);
}

// Row of the batch that the walk meets u-th in chunk c of `rows` rows; its last one in place of one beyond.
uint chunk_row(chunk_stream t, uint c, uint rows, uint u)
{
    u = min(u, rows - 1u);
    return t.first + c * CHUNK + (t.flip ? rows - 1u - u : u);
}

uint chunk_slot(chunk_stream t, uint slots, uint c, uint streams)
{
    return (t.image * slots + c) * streams + t.local;
}

uint chunk_col(chunk_stream t, chunk_cols x)
{
    return x.col0 + t.h * x.head + t.dir * x.dir_;
}

// Chunks of this workgroup: all of its image, or the one it was launched for where there is one.
uint chunk_here(chunk_stream t)
{
    if (FUSED == 1u)
        return chunk_count(t);
    return gl_WorkGroupID.x < chunk_count(t) ? 1u : 0u;
}

// State after a chunk with the sum g of decays: exp(g) S + add. Where exp(g) is near 1, of S changes little: then
// S + ((exp(g) - 1) S + add), so that no error of exp(g) piles up over thousands of chunks.
float chunk_carry(float S, float g, float add)
{
    float less = g * (1.0 + g * (0.5 + g * (1.0 / 6.0 + g * (1.0 / 24.0 + g * (1.0 / 120.0 + g * (1.0 / 720.0))))));
    return g > -0.25 ? S + (less * S + add) : exp(g) * S + add;
}
