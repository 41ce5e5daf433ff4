// decay_bwd.glsl — all gradients. Where both directions read the same columns, one invocation takes both gates.
#include "shaders/scan/gated/decay.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(decay_args);
#include "shaders/scan/gated/inc/decay_column.glsl"
READ(4, dy);                                                   // (R, N) or (R, 2 N)
layout(binding = 5)           buffer DX { T dx[]; };           // (R, ld) += in the columns of the gates
layout(binding = 6) writeonly buffer DB { T db[]; };           // (tiles, N): parts
layout(binding = 7) writeonly buffer DA { T da[]; };           // (tiles, N), kind step

// Over the rows of a tile.
void walk(uint n, uint tile)
{
    uint col = column_of(n);
    T b = bias_of(n), rate = rate_of(n), sum_u = T(0.0), sum_a = T(0.0);
    // As many rounds for every invocation: lavapipe 26.1 crashes in a kernel whose sum leaves a loop of uneven length.
    for (uint k = 0u; k < a.tile; k++) {
        uint r = tile * a.tile + k;
        if (r >= Tok.n)
            continue;
        T u = LOAD(x, r * LD + col) + b, g = LOAD(dy, r * OUT + n), up, down;
        sigmoid_both(u, up, down);
        if (KIND == DECAY_SIGMOID) {
            g *= up * down;
        } else if (KIND == DECAY_STEP) {
            sum_a += g * rate * softplus(u);
            g = (g * rate + LOAD(dy, r * OUT + GATES + n)) * up;
        } else {
            g *= a.scale * down;
        }
        sum_u += g;
        dx[r * LD + col] += g;
    }
    db[tile * GATES + n] = sum_u;
    if (KIND == DECAY_STEP)
        da[tile * GATES + n] = sum_a;
}

void main()
{
    uint shared_dirs = a.dir_stride == 0u ? a.dirs : 1u, owners = GATES / shared_dirs;
    for (uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; i < owners * a.tiles; i += gl_NumWorkGroups.x * WG) {
        uint o = i % owners;
        for (uint d = 0u; d < shared_dirs; d++)
            walk((o / WIDTH * shared_dirs + d) * WIDTH + o % WIDTH, i / owners);
    }
}
