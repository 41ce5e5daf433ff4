// cosine.glsl — what the kernels of cosine share: sums over the tokens of an image, in one column.
struct cosine_sums { float aa, bb, ab; };

// Adds the products of the values at one place.
void cosine_add(inout cosine_sums s, float u, float v)
{
    s.aa += u * u;
    s.bb += v * v;
    s.ab += u * v;
}

float cosine_scale(cosine_sums s)
{
    return inversesqrt(s.aa + COSINE_EPS) * inversesqrt(s.bb + COSINE_EPS);
}
