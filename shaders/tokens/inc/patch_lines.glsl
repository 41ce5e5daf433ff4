// patch_lines.glsl — the walk that patchify and its gradient share. A line is the PATCH pixels of one
// row of one patch and channel: it lies in one piece on both sides.
layout(constant_id = SPEC_PATCH) const uint PATCH = 8u;
layout(constant_id = SPEC_LINES) const uint LINES = 24u;
layout(constant_id = SPEC_GRID_W) const uint GRID_W = 8u;
ROWS(2, Img);
ROWS(3, Tok);
PUSH_ARGS(patchify_args);

// Line i of the patches from row r0 on, of the picture at `picture`: where it starts on both sides.
void find_line(uint picture, uint r0, uint i, out uint at_pixel, out uint at_patch)
{
    uint row = r0 + i / LINES, line = i % LINES, p = ROWS_POS(Tok, row);
    uint y = line / PATCH * a.height + p / GRID_W * PATCH + line % PATCH;   // over all channels
    at_pixel = picture + y * a.width + p % GRID_W * PATCH;
    at_patch = (row * LINES + line) * PATCH;
}

// for every image of this workgroup: for every line of it that is mine
#define FOR_LINES(picture, r0, i)                                                                     \
    for (uint b = gl_WorkGroupID.x; b < min(Tok.images, Img.images); b += gl_NumWorkGroups.x)         \
        for (uint picture = ROWS_OFFSET(Img, b) * a.channels * a.height * a.width,                    \
                  r0 = ROWS_OFFSET(Tok, b), n_lines = (ROWS_OFFSET(Tok, b + 1u) - r0) * LINES,        \
                  i = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x;                                 \
             i < n_lines; i += gl_NumWorkGroups.y * WG)
