// vocab_rows.glsl — columns of a chunk, of a T (quads.glsl): lanes of a row take turns, all as often. What lies from
// column a.n on to a.ld is anything.
#include "shaders/loss/vocab/vocab_loss.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/reduce_rows.glsl"

#define ID_LIMIT 16777216.0        // ids are below it and are whole numbers of a float
#define FOR_COLUMNS(k) \
    [[dont_unroll]] for (uint k = LANE * T_LEN; k < a.n + LANE * T_LEN; k += LANES * T_LEN)
#define CHUNK(row, k) LOAD(chunk, ((row) * a.ld + min(k, a.ld - T_LEN)) / T_LEN)

#ifdef QUADS
#define HAS(k) lessThan(uvec4(k) + uvec4(0u, 1u, 2u, 3u), uvec4(a.n))
#define WHERE(b, v, otherwise) mix(T(otherwise), v, b)
#define IDS(k) (float(k) + vec4(0.0, 1.0, 2.0, 3.0))
float most(T v) { return max(max(v.x, v.y), max(v.z, v.w)); }
float total(T v) { return (v.x + v.y) + (v.z + v.w); }
#else
#define HAS(k) ((k) < a.n)
#define WHERE(b, v, otherwise) ((b) ? (v) : (otherwise))
#define IDS(k) float(k)
float most(T v) { return v; }
float total(T v) { return v; }
#endif
