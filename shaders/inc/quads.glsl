// quads.glsl — one source for two forms of a kernel: T is a float or, with QUADS defined, four of them.
// Quads are read as texels, which software drivers load as vectors; columns are then counted in vec4.
#ifdef QUADS
#define T vec4
#define T_LEN 4u
#define READ(BINDING, NAME) layout(binding = BINDING) uniform samplerBuffer NAME
#define LOAD(BUF, I) texelFetch(BUF, int(I))
#else
#define T float
#define T_LEN 1u
#define READ(BINDING, NAME) layout(binding = BINDING) readonly buffer Buffer##NAME { float NAME[]; }
#define LOAD(BUF, I) BUF[I]
#endif
