// gaps.glsl — x times the distances to the tokens before (ADD defined: the gradient of that). z = image; an invocation
// owns one column, or with QUADS four, and walks down some of the image's rows.
#include "shaders/scan/gated/gaps.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/quads.glsl"
ROWS(0, Tok);
READ(1, x);                                                    // (R, cols), or the gradient of y
#ifdef ADD
layout(binding = 2)           buffer Y { T y[]; };             // (R, cols) +=, the gradient of x
#else
layout(binding = 2) writeonly buffer Y { T y[]; };             // (R, cols)
#endif
PUSH_ARGS(gaps_args);

// Of the columns j ..: 1 = those of backward streams.
T backward(uint j)
{
#ifdef QUADS
    return T((uvec4(j, j + 1u, j + 2u, j + 3u) / a.width) % a.dirs);
#else
    return T((j / a.width) % a.dirs);
#endif
}

// The rows r .. of columns j of an image's rows first .. end.
void walk(uint first, uint end, uint r, uint j)
{
    uint cols = a.cols / T_LEN, stop = min(r + a.tile, end);
    T is_backward = backward(j * T_LEN);
    uint place = ROWS_POS(Tok, r), before = r > first ? ROWS_POS(Tok, r - 1u) : place - 1u;
    for (; r < stop; r++) {
        uint after = r + 1u < end ? ROWS_POS(Tok, r + 1u) : place + 1u;
        T v = LOAD(x, r * cols + j) * mix(T(float(place - before)), T(float(after - place)), is_backward);
#ifdef ADD
        y[r * cols + j] += v;
#else
        y[r * cols + j] = v;
#endif
        before = place;
        place = after;
    }
}

void main()
{
    if (gl_WorkGroupID.z >= Tok.images)
        return;
    uint first = ROWS_OFFSET(Tok, gl_WorkGroupID.z), end = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u);
    uint cols = a.cols / T_LEN, tiles = (end - first + a.tile - 1u) / a.tile;
    for (uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; i < tiles * cols; i += gl_NumWorkGroups.x * WG)
        walk(first, end, first + i / cols * a.tile, i % cols);
}
