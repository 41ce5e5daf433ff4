// pool.glsl — the patches of an image: rows run in the order of their places, so those before `prefix` come first.
uint pool_first(uint image)
{
    uint row = ROWS_OFFSET(Tok, image), end = ROWS_OFFSET(Tok, image + 1u);
    while (row < end && ROWS_POS(Tok, row) < a.prefix)
        row++;
    return row;
}
