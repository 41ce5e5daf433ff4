// hard_concrete_at.glsl — the gate of element e of (rows, cols): which log_alpha, and which random number.
#include "shaders/elementwise/inc/hard_concrete.glsl"

vec2 gate_at(uint e)
{
    float la = log_alpha[a.is_shared != 0u ? e % a.cols : e];
    uint counter = a.is_shared != 0u && a.is_each == 0u ? e % a.cols : e;
    uvec2 bits = a.is_sampled != 0u ? uvec2(key[0], key[1]) : uvec2(0u);
    vec2 s = hard_concrete_s(la, a.beta_inv, a.is_sampled != 0u, bits, a.stream, counter);
    return hard_concrete_gate(s, a.beta_inv);
}
