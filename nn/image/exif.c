// exif.c — segments, chunks and the first directory of a TIFF header, every offset checked before it is used.
#include "nn/image/exif.h"

#include <stdbool.h>
#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define UPRIGHT 1

typedef struct span { const unsigned char *p; size_t size; } span;

static uint64_t read_big(const unsigned char *p, int n)
{
    uint64_t x = 0;
    for (int i = 0; i < n; i++)
        x = x << 8 | p[i];
    return x;
}

static uint64_t read_little(const unsigned char *p, int n)
{
    uint64_t x = 0;
    while (n-- > 0)
        x = x << 8 | p[n];
    return x;
}

static bool is_tiff(span s)
{
    return s.size >= 16 && (memcmp(s.p, "II*\0", 4) == 0 || memcmp(s.p, "MM\0*", 4) == 0 ||
                            memcmp(s.p, "II+\0", 4) == 0 || memcmp(s.p, "MM\0+", 4) == 0);
}

// The orientation in a TIFF header and the directory that it points to. In a BigTIFF offsets and counts have 8 bytes.
static nn_orientation read_tiff(span s)
{
    if (!is_tiff(s))
        return UPRIGHT;
    uint64_t (*const read)(const unsigned char *, int) = s.p[0] == 'I' ? read_little : read_big;
    const bool is_big = s.p[2] == '+' || s.p[3] == '+';
    const int word = is_big ? 8 : 4, count = is_big ? 8 : 2;
    const size_t entry_size = is_big ? 20 : 12;
    const uint64_t at = read(s.p + word, word);
    if (at > s.size || s.size - at < (size_t) count)
        return UPRIGHT;
    const uint64_t n = read(s.p + at, count), room = (s.size - at - (size_t) count) / entry_size;
    for (uint64_t i = 0; i < n && i < room; i++) {
        const unsigned char *entry = s.p + at + count + i * entry_size;
        if (read(entry, 2) != TAG_ORIENTATION)
            continue;
        const uint64_t value = read(entry + 4 + word, 2);
        const bool is_good = read(entry + 2, 2) == TYPE_SHORT && read(entry + 4, word) == 1 && value >= 1 && value <= 8;
        return is_good ? (nn_orientation) value : UPRIGHT;
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
        const size_t len = (size_t) read_big(s.p + i + 2, 2);
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
    const bool is_png = memcmp(s.p, "\x89PNG\r\n\x1a\n", 8) == 0;       // else a GIF or a BMP, which hold no Exif
    for (size_t i = 8; is_png && i <= s.size && s.size - i >= 12;) {
        const size_t len = (size_t) read_big(s.p + i, 4);
        if (len > s.size - i - 12)
            break;
        if (memcmp(s.p + i + 4, "eXIf", 4) == 0)
            return (span) { s.p + i + 8, len };
        i += 12 + len;
    }
    return (span) { NULL, 0 };
}

// Chunks of a RIFF file, of an even number of bytes each. Some programs begin theirs as in a JPEG.
static span find_in_webp(span s)
{
    for (size_t i = 12; i <= s.size && s.size - i >= 8;) {
        const size_t len = (size_t) read_little(s.p + i + 4, 4), padded = len + len % 2;
        if (len > s.size - i - 8)
            break;
        if (memcmp(s.p + i, "EXIF", 4) == 0) {
            const size_t head = len >= 6 && memcmp(s.p + i + 8, "Exif\0", 6) == 0 ? 6 : 0;
            return (span) { s.p + i + 8 + head, len - head };
        }
        if (padded > s.size - i - 8)
            break;
        i += 8 + padded;
    }
    return (span) { NULL, 0 };
}

nn_orientation nn_exif_find(const void *bytes, size_t size)
{
    const span s = { bytes, size };
    if (size < 8)
        return UPRIGHT;
    const bool is_webp = size >= 12 && memcmp(s.p, "RIFF", 4) == 0 && memcmp(s.p + 8, "WEBP", 4) == 0;
    return read_tiff(is_tiff(s) ? s : is_webp ? find_in_webp(s) : s.p[0] == 0xff ? find_in_jpeg(s) : find_in_png(s));
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
