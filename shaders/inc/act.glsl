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

// The tanh form of GELU, as x sigma(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3), which is the same.
float tanh_gate(float x)
{
    return 1.0 / (1.0 + exp(clamp(-1.5957691216 * x * (1.0 + 0.044715 * x * x), -80.0, 80.0)));
}

float gelu_tanh(float x)
{
    return x * tanh_gate(x);
}

float gelu_tanh_slope(float x)
{
    float s = tanh_gate(x), far = min(x * x, 1e4);          // s (1 - s) is 0 there
    return s + x * s * (1.0 - s) * 1.5957691216 * (1.0 + 0.134145 * far);
}

float silu_gate(float x)
{
    return 1.0 / (1.0 + exp(min(-x, 80.0)));
}

float silu(float x)
{
    return x * silu_gate(x);
}

float silu_slope(float x)
{
    float s = silu_gate(x);
    return s * (1.0 + x * (1.0 - s));
}

float act(uint kind, float x)
{
    return kind == LINEAR_ACT_GELU ? gelu(x) : kind == LINEAR_ACT_QUICK_GELU ? quick_gelu(x) :
           kind == LINEAR_ACT_SILU ? silu(x) : gelu_tanh(x);
}

float act_slope(uint kind, float x)
{
    return kind == LINEAR_ACT_GELU ? gelu_slope(x) :
           kind == LINEAR_ACT_QUICK_GELU ? quick_gelu_slope(x) :
           kind == LINEAR_ACT_SILU ? silu_slope(x) : gelu_tanh_slope(x);
}

vec4 act(uint kind, vec4 x)
{
    if (kind == LINEAR_ACT_GELU)
        return vec4(gelu(x.x), gelu(x.y), gelu(x.z), gelu(x.w));
    if (kind == LINEAR_ACT_GELU_TANH)
        return vec4(gelu_tanh(x.x), gelu_tanh(x.y), gelu_tanh(x.z), gelu_tanh(x.w));
    if (kind == LINEAR_ACT_SILU)
        return vec4(silu(x.x), silu(x.y), silu(x.z), silu(x.w));
    return vec4(quick_gelu(x.x), quick_gelu(x.y), quick_gelu(x.z), quick_gelu(x.w));
}

vec4 act_slope(uint kind, vec4 x)
{
    if (kind == LINEAR_ACT_GELU)
        return vec4(gelu_slope(x.x), gelu_slope(x.y), gelu_slope(x.z), gelu_slope(x.w));
    if (kind == LINEAR_ACT_GELU_TANH)
        return vec4(gelu_tanh_slope(x.x), gelu_tanh_slope(x.y), gelu_tanh_slope(x.z), gelu_tanh_slope(x.w));
    if (kind == LINEAR_ACT_SILU)
        return vec4(silu_slope(x.x), silu_slope(x.y), silu_slope(x.z), silu_slope(x.w));
    return vec4(quick_gelu_slope(x.x), quick_gelu_slope(x.y), quick_gelu_slope(x.z), quick_gelu_slope(x.w));
}
