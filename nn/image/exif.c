// exif.c — segments, chunks and the first directory of a TIFF header, every offset checked before it is used.
#include "nn/image/exif.h"

#include <stdbool.h>
#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define ENTRY_SIZE 12
#define UPRIGHT 1

typedef struct span { const unsigned char *p; size_t size; } span;

static uint32_t read_big(const unsigned char *p, int n)
{
    uint32_t x = 0;
    for (int i = 0; i < n; i++)
        x = x << 8 | p[i];
    return x;
}

static uint32_t read_little(const unsigned char *p, int n)
{
    uint32_t x = 0;
    while (n-- > 0)
        x = x << 8 | p[n];
    return x;
}

// The orientation in a TIFF header and the directory that it points to.
static nn_orientation read_tiff(span s)
{
    if (s.size < 8 || (memcmp(s.p, "II*\0", 4) != 0 && memcmp(s.p, "MM\0*", 4) != 0))
        return UPRIGHT;
    uint32_t (*const read)(const unsigned char *, int) = s.p[0] == 'I' ? read_little : read_big;
    const size_t at = read(s.p + 4, 4);
    if (at > s.size || s.size - at < 2)
        return UPRIGHT;
    const size_t n = read(s.p + at, 2), room = (s.size - at - 2) / ENTRY_SIZE;
    for (size_t i = 0; i < n && i < room; i++) {
        const unsigned char *entry = s.p + at + 2 + i * ENTRY_SIZE;
        if (read(entry, 2) != TAG_ORIENTATION)
            continue;
        const uint32_t value = read(entry + 8, 2);
        const bool is_good = read(entry + 2, 2) == TYPE_SHORT && read(entry + 4, 4) == 1 && value >= 1 && value <= 8;
        return is_good ? value : UPRIGHT;
    }
    return UPRIGHT;
}

// Segments before the first scan; 0xff may be repeated before a marker.
static span find_in_jpeg(span s)
{
    for (size_t i = 2; i + 4 <= s.size;) {
        if (s.p[i] != 0xff)
            break;
        if (s.p[i + 1] == 0xff) {
            i++;
            continue;
        }
        const unsigned char marker = s.p[i + 1];
        const size_t len = read_big(s.p + i + 2, 2);
        if (marker == 0xda || marker == 0xd9 || len < 2 || len > s.size - i - 2)
            break;
        if (marker == 0xe1 && len >= 8 && memcmp(s.p + i + 4, "Exif\0", 6) == 0)
            return (span) { s.p + i + 10, len - 8 };
        i += 2 + len;
    }
    return (span) { NULL, 0 };
}

static span find_in_png(span s)
{
    for (size_t i = 8; i <= s.size && s.size - i >= 12;) {
        const size_t len = read_big(s.p + i, 4);
        if (len > s.size - i - 12)
            break;
        if (memcmp(s.p + i + 4, "eXIf", 4) == 0)
            return (span) { s.p + i + 8, len };
        i += 12 + len;
    }
    return (span) { NULL, 0 };
}

nn_orientation nn_exif_find(const void *bytes, size_t size)
{
    const span s = { bytes, size };
    if (size < 8)
        return UPRIGHT;
    return read_tiff(s.p[0] == 0xff ? find_in_jpeg(s) : find_in_png(s));
}

void nn_exif_turn(nn_orientation o, const uint8_t *rgb, uint32_t height, uint32_t width, uint8_t *out)
{
    const bool is_turned = o >= 5, flips_rows = o == 3 || o == 4 || o == 6 || o == 7;
    const bool flips_columns = o == 2 || o == 3 || o == 7 || o == 8;
    const uint32_t out_height = is_turned ? width : height, out_width = is_turned ? height : width;
    for (uint32_t y = 0; y < out_height; y++)
        for (uint32_t x = 0; x < out_width; x++, out += 3) {
            uint32_t row = is_turned ? x : y, column = is_turned ? y : x;
            row = flips_rows ? height - 1 - row : row;
            column = flips_columns ? width - 1 - column : column;
            memcpy(out, rgb + ((size_t) row * width + column) * 3, 3);
        }
}
