// gelu.glsl — x * Phi(x) and its derivative, with erf good to 2e-7.
//
// erfc(z) = t P(t) exp(-z^2), t = 1 / (1 + 0.33 z): P is a Chebyshev fit of ours on 0 <= z <= 8. With
// z = |x| / sqrt(2) the exponential is the one of the density, so value and derivative share it.

// Phi(x) and the density times sqrt(2 pi).
float gelu_cdf(float x, out float e)
{
    float t = 1.0 / (1.0 + 0.233345238 * abs(x));
    e = exp(-0.5 * x * x);
    float p = -0.1371967317;
    p = p * t + 0.4684560072;
    p = p * t - 0.3663863691;
    p = p * t + 0.4237516979;
    p = p * t + 0.0383395101;
    p = p * t + 0.2042253180;
    p = p * t + 0.1824119410;
    p = p * t + 0.1863985378;
    float tail = 0.5 * p * t * e;
    return x < 0.0 ? tail : 1.0 - tail;
}

float gelu(float x)
{
    float e;
    return x * gelu_cdf(x, e);
}

float gelu_slope(float x)
{
    float e, c = gelu_cdf(x, e);
    return c + 0.3989422804 * x * e;
}
