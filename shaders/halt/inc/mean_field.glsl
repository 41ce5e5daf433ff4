// mean_field.glsl — the rows of an image that its mean field adds up: to which one, and each with which weight besides
// its own p.
#define MEAN_FIELD_END(R, b, a) \
    ((a).mean != 0.0 ? ROWS_OFFSET(R, (b) + 1u) : min(ROWS_OFFSET(R, b) + 1u, ROWS_OFFSET(R, (b) + 1u)))
#define MEAN_FIELD_WEIGHT(R, row, a) \
    ((ROWS_POS(R, row) == 0u ? (a).token : 0.0) + (ROWS_POS(R, row) >= (a).prefix ? (a).mean : 0.0))
