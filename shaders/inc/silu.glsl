// silu.glsl — x sigmoid(x) and its derivative, of a T (quads.glsl); exp stays finite for any x.
T sigmoid(T x)
{
    return 1.0 / (1.0 + exp(min(-x, T(80.0))));
}

T silu(T x)
{
    return x * sigmoid(x);
}

T silu_slope(T x)
{
    T s = sigmoid(x);
    return s * (1.0 + x * (1.0 - s));
}
