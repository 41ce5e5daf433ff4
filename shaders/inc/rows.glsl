// rows.glsl — read a packed row layout. Declare it with ROWS(binding, name) and hand the name on:
//   ROWS(3, Tok);   uint r0 = ROWS_OFFSET(Tok, b), r1 = ROWS_OFFSET(Tok, b + 1u);
#include "shaders/inc/rows_layout.h"
#define ROWS(BINDING, NAME) \
    layout(binding = BINDING) readonly buffer Rows##NAME { uint n, images, cap_images, cap_tokens, data[]; } NAME
// A layout that the kernel makes (shaders/compact_*.comp).
#define ROWS_MADE(BINDING, NAME) \
    layout(binding = BINDING) buffer Rows##NAME { uint n, images, cap_images, cap_tokens, data[]; } NAME
#define ROWS_OFFSET(R, b)  (R.data[b])
#define ROWS_POS(R, r)     (R.data[R.cap_images + 1u + (r)])
#define ROWS_SLOT(R, b, p) (R.data[R.cap_images + 1u + R.cap_images * R.cap_tokens + (b) * R.cap_tokens + (p)])
