#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt_tally.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// The whole table from the partial sums, an invocation an element; sums in order. No images give zeros.
layout(binding = 0) readonly  buffer Partial { float partial[]; };  // (n_partials, TALLY_COLS)
layout(binding = 1) writeonly buffer Tally   { float tally[]; };    // (layers, TALLY_COLS)
ROWS(2, Tok);
PUSH_ARGS(halt_tally_args);

void main()
{
    for (uint i = gl_LocalInvocationID.x; i < a.layers * TALLY_COLS; i += WG) {
        uint column = i % TALLY_COLS;
        float sum = 0.0;
        if (i / TALLY_COLS == a.layer && column <= TALLY_ALIVE)
            for (uint k = 0u; k < a.n_partials; k++)
                sum += partial[k * TALLY_COLS + column];
        tally[i] = sum / (float(max(Tok.images, 1u)) * float(a.patches));
    }
}
