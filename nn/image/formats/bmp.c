// bmp.c — headers, palettes, lines of 1 to 32 bits a pixel, runs; every offset checked before it is used.
#include "nn/image/formats/bmp.h"

#include <stdbool.h>
#include <string.h>

enum { RAW, RLE8, RLE4, BIT_FIELDS };

#define FILE_HEADER 14u
#define CORE_HEADER 12u
#define INFO_HEADER 40u
#define MASKS (FILE_HEADER + INFO_HEADER)

typedef struct bitmap {
    const uint8_t *data;            // pixels
    size_t   size;                  // bytes from there to the end of the file
    uint32_t width, height, bits, compression;
    bool     is_top_down;
    uint32_t mask[3];               // of 16 bits and more: red, green, blue
    uint8_t  palette[256][3];
} bitmap;

static uint32_t get_u16(const uint8_t *p)
{
    return (uint32_t) p[0] | (uint32_t) p[1] << 8;
}

static uint32_t get_u32(const uint8_t *p)
{
    return get_u16(p) | get_u16(p + 2) << 16;
}

// Colors that the palette has not are black.
static void read_palette(bitmap *b, const uint8_t *p, size_t room, uint32_t n, uint32_t each)
{
    memset(b->palette, 0, sizeof b->palette);
    for (uint32_t i = 0; i < n && i < 256 && room >= each; i++, p += each, room -= each) {
        b->palette[i][0] = p[2];
        b->palette[i][1] = p[1];
        b->palette[i][2] = p[0];
    }
}

static bool is_run(uint32_t mask)
{
    while (mask != 0 && (mask & 1) == 0)
        mask >>= 1;
    return mask != 0 && (mask & (mask + 1)) == 0;
}

// What is wrong with the masks, or NULL.
static const char *read_masks(bitmap *b, const uint8_t *p, size_t size)
{
    static const uint32_t usual[2][3] = { { 0x7c00, 0x3e0, 0x1f }, { 0xff0000, 0xff00, 0xff } };
    memcpy(b->mask, usual[b->bits >= 24], sizeof b->mask);
    if (b->compression != BIT_FIELDS)
        return NULL;
    if (size < MASKS + 12)
        return "it is cut off";
    uint32_t mask[3];
    for (uint32_t i = 0; i < 3; i++)
        mask[i] = get_u32(p + MASKS + 4 * i);
    if (mask[0] == 0 && mask[1] == 0 && mask[2] == 0)       // as if there were none
        return NULL;
    for (uint32_t i = 0; i < 3; i++)
        if (!is_run(mask[i]) || (b->bits < 32 && mask[i] >> b->bits != 0))
            return "its bit fields are none";
    memcpy(b->mask, mask, sizeof mask);
    return NULL;
}

static bool is_known_kind(const bitmap *b)
{
    switch (b->compression) {
    case RAW: return b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 || b->bits == 24 || b->bits == 32;
    case RLE8: return b->bits == 8 && !b->is_top_down;
    case RLE4: return b->bits == 4 && !b->is_top_down;
    case BIT_FIELDS: return b->bits == 16 || b->bits == 24 || b->bits == 32;
    default: return false;
    }
}

static uint64_t get_stride(const bitmap *b)
{
    return ((uint64_t) b->width * b->bits + 31) / 32 * 4;
}

// What is wrong with the file, or NULL.
static const char *read_headers(bitmap *b, const uint8_t *p, size_t size)
{
    if (size < FILE_HEADER + CORE_HEADER)
        return "it is cut off";
    const uint32_t header = get_u32(p + FILE_HEADER);
    const bool is_core = header == CORE_HEADER;
    if (!is_core && header != 40 && header != 52 && header != 56 && header != 64 && header != 108 && header != 124)
        return "its header is of no known kind";
    if (size < FILE_HEADER + header)
        return "it is cut off";
    p += FILE_HEADER;
    b->width = is_core ? get_u16(p + 4) : get_u32(p + 4);
    b->height = is_core ? get_u16(p + 6) : get_u32(p + 8);
    b->is_top_down = !is_core && p[11] == 0xff;
    if (b->is_top_down)
        b->height = 0u - b->height;
    b->bits = get_u16(p + (is_core ? 10 : 14));
    b->compression = is_core ? RAW : get_u32(p + 16);
    if (!is_known_kind(b))
        return "it is of a kind of BMP that is not read";
    uint32_t colors = is_core ? 0 : get_u32(p + 32);
    if (colors == 0 && b->bits <= 8)
        colors = 1u << b->bits;
    p -= FILE_HEADER;
    const uint32_t each = is_core ? 3 : 4;
    const size_t masks = b->compression == BIT_FIELDS && header == INFO_HEADER ? 12 : 0;
    const size_t at = FILE_HEADER + header + masks;
    read_palette(b, p + (at < size ? at : size), at < size ? size - at : 0, b->bits <= 8 ? colors : 0, each);
    size_t data = get_u32(p + 10);
    if (data == FILE_HEADER + header && b->bits <= 8)       // some files leave out the palette
        data += (size_t) each * colors;
    if (data == 0)
        data = at + (b->bits <= 8 ? (size_t) each * colors : 0);
    if (data > size)
        return "it is cut off";
    b->data = p + data;
    b->size = size - data;
    const bool is_whole = b->compression == RLE8 || b->compression == RLE4 || b->height == 0 ||
                          get_stride(b) <= b->size / b->height;
    return is_whole ? read_masks(b, p, size) : "it is cut off";
}

vkc_status nn_bmp_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    bitmap b;
    const char *fault = read_headers(&b, (const uint8_t *) bytes, size);
    if (fault != NULL)
        return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %s", name, fault);
    *width = b.width;
    *height = b.height;
    return VKC_OK;
}

// A channel of a pixel as 8 bits.
static uint8_t get_channel(uint32_t pixel, uint32_t mask)
{
    uint32_t shift = 0;
    while ((mask >> shift & 1) == 0)
        shift++;
    return (uint8_t) ((uint64_t) ((pixel & mask) >> shift) * 255 / (mask >> shift));
}

static void write_pixels(const bitmap *b, const uint8_t *line, uint8_t *rgb)
{
    for (uint32_t x = 0; x < b->width; x++, rgb += 3) {
        if (b->bits <= 8) {
            const uint32_t bit = x * b->bits, index = line[bit / 8] >> (8 - b->bits - bit % 8) & ((1u << b->bits) - 1);
            memcpy(rgb, b->palette[index], 3);
        } else if (b->bits == 24 && b->compression == RAW) {
            rgb[0] = line[3 * x + 2], rgb[1] = line[3 * x + 1], rgb[2] = line[3 * x];
        } else {
            const uint32_t pixel = b->bits == 16 ? get_u16(line + 2 * x) : b->bits == 32 ? get_u32(line + 4 * x)
                                 : get_u16(line + 3 * x) | (uint32_t) line[3 * x + 2] << 16;
            for (uint32_t c = 0; c < 3; c++)
                rgb[c] = get_channel(pixel, b->mask[c]);
        }
    }
}

static uint8_t *get_line(const bitmap *b, uint8_t *rgb, uint32_t y)
{
    return rgb + (size_t) (b->is_top_down ? y : b->height - 1 - y) * b->width * 3;
}

// `n` pixels of a run or of literal codes into the line; what goes beyond its end is dropped.
static void put_codes(const bitmap *b, const uint8_t *codes, uint32_t n, bool is_literal, uint32_t x, uint8_t *line)
{
    for (uint32_t i = 0; i < n && x < b->width; i++, x++) {
        const uint8_t code = codes[!is_literal ? 0 : b->compression == RLE8 ? i : i / 2];
        const uint8_t index = b->compression == RLE8 ? code : i % 2 == 0 ? code >> 4 : code & 15;
        memcpy(line + 3 * x, b->palette[index], 3);
    }
}

// False when the codes end before the picture and without the code for an end.
static bool read_runs(const bitmap *b, uint8_t *rgb)
{
    const uint8_t *p = b->data, *end = p + b->size;
    for (size_t i = 0; i < (size_t) b->width * b->height; i++)
        memcpy(rgb + 3 * i, b->palette[0], 3);
    for (uint32_t x = 0, y = 0; y < b->height;) {
        if (end - p < 2)
            return y == b->height - 1 && x >= b->width;
        const uint32_t n = p[0], code = p[1];
        p += 2;
        if (n > 0) {
            put_codes(b, p - 1, n, false, x, get_line(b, rgb, y));
            x += n;
        } else if (code == 0) {
            x = 0, y++;
        } else if (code == 1) {
            return true;
        } else if (code == 2) {
            if (end - p < 2)
                return false;
            x += p[0], y += p[1];
            p += 2;
        } else {
            const uint32_t len = b->compression == RLE8 ? code : (code + 1) / 2, padded = len + len % 2;
            if ((size_t) (end - p) < len)
                return false;
            put_codes(b, p, code, true, x, get_line(b, rgb, y));
            x += code;
            p += (size_t) (end - p) < padded ? (size_t) (end - p) : padded;
        }
        x = x < b->width ? x : b->width;
    }
    return true;
}

vkc_status nn_bmp_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                       uint8_t *rgb)
{
    bitmap b;
    const char *fault = read_headers(&b, (const uint8_t *) bytes, size);
    if (fault == NULL && (b.width != width || b.height != height))
        fault = "its sizes change";
    if (fault == NULL && (b.compression == RLE8 || b.compression == RLE4)) {
        fault = read_runs(&b, rgb) ? NULL : "it is cut off";
    } else if (fault == NULL) {
        const size_t stride = (size_t) get_stride(&b);
        for (uint32_t y = 0; y < height; y++)
            write_pixels(&b, b.data + y * stride, get_line(&b, rgb, y));
    }
    return fault == NULL ? VKC_OK : VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %s", name, fault);
}
