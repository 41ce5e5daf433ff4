// act.glsl — the activations of op `linear` and their derivatives, by number (linear.h).
#include "shaders/inc/gelu.glsl"

// sigma(1.702 x); exp stays finite for any x.
float quick_gate(float x)
{
    return 1.0 / (1.0 + exp(min(-1.702 * x, 80.0)));
}

float quick_gelu(float x)
{
    return x * quick_gate(x);
}

float quick_gelu_slope(float x)
{
    float s = quick_gate(x);
    return s * (1.0 + 1.702 * x * (1.0 - s));
}

float act(uint kind, float x)
{
    return kind == LINEAR_ACT_GELU ? gelu(x) : quick_gelu(x);
}

float act_slope(uint kind, float x)
{
    return kind == LINEAR_ACT_GELU ? gelu_slope(x) : quick_gelu_slope(x);
}

vec4 act(uint kind, vec4 x)
{
    if (kind == LINEAR_ACT_GELU)
        return vec4(gelu(x.x), gelu(x.y), gelu(x.z), gelu(x.w));
    return vec4(quick_gelu(x.x), quick_gelu(x.y), quick_gelu(x.z), quick_gelu(x.w));
}

vec4 act_slope(uint kind, vec4 x)
{
    if (kind == LINEAR_ACT_GELU)
        return vec4(gelu_slope(x.x), gelu_slope(x.y), gelu_slope(x.z), gelu_slope(x.w));
    return vec4(quick_gelu_slope(x.x), quick_gelu_slope(x.y), quick_gelu_slope(x.z), quick_gelu_slope(x.w));
}
