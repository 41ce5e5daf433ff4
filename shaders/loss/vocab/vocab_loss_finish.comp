#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/vocab/vocab_loss.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
// What each row comes to behind the last chunk; a workgroup leaves one partial sum of losses and of counted rows.
layout(binding = 0) readonly  buffer State   { vec4 state[]; };     // (R), see inc/vocab_rows_state.glsl
layout(binding = 1) readonly  buffer Labels  { uint label[]; };     // (R)
layout(binding = 2) writeonly buffer Lse     { float lse[]; };      // (R)
layout(binding = 3) writeonly buffer Top     { uint top[]; };       // (R), where a.top
layout(binding = 4) writeonly buffer Partial { vec2 partial[]; };   // (groups)
ROWS(5, Tok);
PUSH_ARGS(vocab_loss_mean_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    float loss = 0.0, count = 0.0;
    for (uint row = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; row < n; row += gl_NumWorkGroups.x * WG) {
        vec4 s = state[row];
        float log_sum = log(s.y);
        lse[row] = s.x + log_sum;
        if (a.top != 0u)
            top[row] = min(uint(s.w), a.vocab - 1u);
        if (label[row] < a.vocab) {
            loss += log_sum + (s.x - s.z);
            count += 1.0;
        }
    }
    loss = wg_sum(loss);
    count = wg_sum(count);
    if (gl_LocalInvocationID.x == 0u)
        partial[gl_WorkGroupID.x] = vec2(loss, count);
}
