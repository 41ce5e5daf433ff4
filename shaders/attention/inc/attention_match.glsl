// attention_match.glsl — what one pair of a query and a key contributes; shared by all forms of attention_match.
#define MATCH_EPS ATTENTION_MATCH_EPS

// [kappa, a log2 kappa, a log2 a], from the raw kappa and t = log2 a.
vec3 match_terms(float kappa, float t)
{
    float w = exp2(t), x = max(kappa, MATCH_EPS);
    return vec3(x, w * log2(x), w * t);
}

// [loss, entropy] of a row, from the sum of its terms.
vec2 match_row(vec3 sum)
{
    return vec2(log2(sum.x) - sum.y, -sum.z) * LN2;
}

// The gradient of the row's loss with respect to the raw kappa; inv = 1 / S.
float match_gradient(float kappa, float t, float inv)
{
    return kappa > MATCH_EPS ? inv - exp2(t) / max(kappa, MATCH_EPS) : 0.0;
}
