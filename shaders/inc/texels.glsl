// texels.glsl — floats at .. at + 3 of a buffer read as texels, wherever they begin. `last` is the last texel there
// is; floats past it come back as any others.
vec4 fetch_at(samplerBuffer buf, uint at, uint last)
{
    vec4 v = texelFetch(buf, int(min(at / 4u, last))), w = texelFetch(buf, int(min(at / 4u + 1u, last)));
    uint s = at % 4u;
    return s == 0u ? v : s == 1u ? vec4(v.yzw, w.x) : s == 2u ? vec4(v.zw, w.xy) : vec4(v.w, w.xyz);
}
