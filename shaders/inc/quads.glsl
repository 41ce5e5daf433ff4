// quads.glsl — one source for two forms of a kernel: an invocation owns one channel, or with QUADS four, fetched as
// texels. Software drivers pay for each load from a storage buffer, lane by lane, but fetch texels as one vector.
#ifdef QUADS
#define T vec4
#define READ(BINDING, NAME) layout(binding = BINDING) uniform samplerBuffer NAME
#define LOAD(BUF, I) texelFetch(BUF, int(I))
#define EACH 4u
#else
#define T float
#define READ(BINDING, NAME) layout(binding = BINDING) readonly buffer Buffer##NAME { float NAME[]; }
#define LOAD(BUF, I) BUF[I]
#define EACH 1u
#endif
