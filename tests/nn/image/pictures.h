// pictures.h — small pictures made without a library: PNG with stored (uncompressed) blocks.
#ifndef TESTS_PICTURES_H
#define TESTS_PICTURES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t put_u32(uint8_t *p, uint32_t x)
{
    p[0] = (uint8_t) (x >> 24), p[1] = (uint8_t) (x >> 16), p[2] = (uint8_t) (x >> 8), p[3] = (uint8_t) x;
    return 4;
}

// `size` bytes of data stand behind p + 8 already; adds length, type and checksum.
static inline size_t end_chunk(uint8_t *p, const char *type, size_t size)
{
    uint32_t crc = 0xffffffffu;
    put_u32(p, (uint32_t) size);
    memcpy(p + 4, type, 4);
    for (size_t i = 4; i < 8 + size; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    put_u32(p + 8 + size, ~crc);
    return size + 12;
}

// Type 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA. `data` is rows without filter bytes, which may be fewer than
// width x height says: a picture that lies. `out` holds n + height + 128 bytes; fewer than 65000 in all.
static inline size_t make_png(uint8_t *out, uint32_t width, uint32_t height, int bits, int type,
                              const uint8_t *data, size_t n)
{
    static const int channels[7] = { 1, 0, 3, 0, 2, 0, 4 };
    size_t at = 8, row = (size_t) width * (size_t) (channels[type] * bits / 8), len = 0;
    memcpy(out, "\x89PNG\r\n\x1a\n", 8);
    uint8_t *p = out + at + 8;
    put_u32(p, width), put_u32(p + 4, height);
    p[8] = (uint8_t) bits, p[9] = (uint8_t) type, p[10] = p[11] = p[12] = 0;
    at += end_chunk(out + at, "IHDR", 13);
    p = out + at + 8;
    uint8_t *body = p + 7;
    for (size_t i = 0; i < n; i++) {
        if (row > 0 && i % row == 0)
            body[len++] = 0;
        body[len++] = data[i];
    }
    memcpy(p, "\x78\x01\x01", 3);
    p[3] = (uint8_t) len, p[4] = (uint8_t) (len >> 8), p[5] = (uint8_t) ~p[3], p[6] = (uint8_t) ~p[4];
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < len; i++)
        a = (a + body[i]) % 65521, b = (b + a) % 65521;
    put_u32(body + len, b << 16 | a);
    at += end_chunk(out + at, "IDAT", len + 11);
    at += end_chunk(out + at, "IEND", 0);
    return at;
}
#endif
