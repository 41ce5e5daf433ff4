// sigmoid.glsl — sigmoid and softplus of T (see quads.glsl), with small relative errors for any finite u. All come
// from t = e^-|u|, which lies in 0 .. 1: nothing overflows, and no two close numbers are subtracted.
#ifdef QUADS
#define T_UINT uvec4
#else
#define T_UINT uint
#endif

// u >= 0 ? v : w, each component for itself.
T where_positive(T u, T v, T w)
{
#ifdef QUADS
    return mix(w, v, greaterThanEqual(u, T(0.0)));
#else
    return u >= 0.0 ? v : w;
#endif
}

// e^-|u|, never below 1.6e-38. |u| = n ln 2 + r with n whole, because rounding |u| log2(e) would cost the result
// |u| times as much; ln 2 is taken as 355 / 512, whose product with n is exact, and what is short of that.
T exp_minus(T u)
{
    T v = min(abs(u), T(87.0)), n = floor(v * 1.44269504 + 0.5);
    T r = (v - n * 0.693359375) + n * 2.12194440e-4;
    return exp(-r) * uintBitsToFloat((T_UINT(127u) - T_UINT(n)) << 23u);
}

// sigmoid(u), and sigmoid(-u) = 1 - sigmoid(u).
void sigmoid_both(T u, out T up, out T down)
{
    T t = exp_minus(u), large = T(1.0) / (T(1.0) + t), small = t * large;
    up = where_positive(u, large, small);
    down = where_positive(u, small, large);
}

// log(1 + e^u). log(1 + t) is 2 artanh(s), s = t / (2 + t) <= 1/3: eight terms leave 2e-9 of it. log() itself is
// only promised to 5e-7 near 1.
T softplus(T u)
{
    T t = exp_minus(u), s = t / (T(2.0) + t), q = s * s;
    T p = T(1.0 / 15.0);
    p = p * q + T(1.0 / 13.0);
    p = p * q + T(1.0 / 11.0);
    p = p * q + T(1.0 / 9.0);
    p = p * q + T(1.0 / 7.0);
    p = p * q + T(1.0 / 5.0);
    p = p * q + T(1.0 / 3.0);
    p = p * q + T(1.0);
    return max(u, T(0.0)) + 2.0 * s * p;
}
