// format.c — the table of formats, and the first bytes of each.
#include "nn/image/formats/format.h"

#include <string.h>

#include "nn/image/formats/bmp.h"
#include "nn/image/formats/gif.h"
#include "nn/image/formats/jpeg.h"
#include "nn/image/formats/png.h"
#include "nn/image/formats/tiff.h"
#include "nn/image/formats/webp.h"

#ifdef PARE_HAS_WEBP
#define WEBP_FUNCTIONS .size = nn_webp_size, .read = nn_webp_read, .version = nn_webp_version
#else
#define WEBP_FUNCTIONS .size = NULL
#endif
#ifdef PARE_HAS_TIFF
#define TIFF_FUNCTIONS .size = nn_tiff_size, .read = nn_tiff_read, .version = nn_tiff_version
#else
#define TIFF_FUNCTIONS .size = NULL
#endif
#ifdef PARE_HAS_GIF
#define GIF_FUNCTIONS .size = nn_gif_size, .read = nn_gif_read, .version = nn_gif_version
#else
#define GIF_FUNCTIONS .size = NULL
#endif

static bool begins(const uint8_t *bytes, size_t size, const char *with, size_t n)
{
    return size >= n && memcmp(bytes, with, n) == 0;
}

static bool is_jpeg(const uint8_t *bytes, size_t size)
{
    return begins(bytes, size, "\xff\xd8\xff", 3);
}

static bool is_png(const uint8_t *bytes, size_t size)
{
    return begins(bytes, size, "\x89PNG\r\n\x1a\n", 8);
}

static bool is_webp(const uint8_t *bytes, size_t size)
{
    return size >= 12 && begins(bytes, size, "RIFF", 4) && memcmp(bytes + 8, "WEBP", 4) == 0;
}

static bool is_tiff(const uint8_t *bytes, size_t size)
{
    return begins(bytes, size, "II*\0", 4) || begins(bytes, size, "MM\0*", 4) || begins(bytes, size, "II+\0", 4) ||
           begins(bytes, size, "MM\0+", 4);
}

static bool is_gif(const uint8_t *bytes, size_t size)
{
    return begins(bytes, size, "GIF87a", 6) || begins(bytes, size, "GIF89a", 6);
}

// Two letters may begin a text too: the size of the second header has to be one that there is.
static bool is_bmp(const uint8_t *bytes, size_t size)
{
    return size >= 18 && begins(bytes, size, "BM", 2) && bytes[14] >= 12 && bytes[15] == 0 && bytes[16] == 0 &&
           bytes[17] == 0;
}

static const nn_image_format formats[] = {
    { .name = "JPEG", .library = "libjpeg-turbo", .is_mine = is_jpeg, .size = nn_jpeg_size, .read = nn_jpeg_read,
      .can_hold = nn_jpeg_can_hold, .version = nn_jpeg_version },
    { .name = "PNG", .library = "libpng", .is_mine = is_png, .size = nn_png_size, .read = nn_png_read,
      .can_hold = nn_png_can_hold, .version = nn_png_version },
    { .name = "WebP", .library = "libwebp", .is_mine = is_webp, WEBP_FUNCTIONS },
    { .name = "TIFF", .library = "libtiff", .is_mine = is_tiff, TIFF_FUNCTIONS },
    { .name = "GIF", .library = "giflib", .is_mine = is_gif, GIF_FUNCTIONS },
    { .name = "BMP", .is_mine = is_bmp, .size = nn_bmp_size, .read = nn_bmp_read },
};

const nn_image_format *nn_image_format_at(size_t i)
{
    return i < sizeof formats / sizeof formats[0] ? &formats[i] : NULL;
}

const nn_image_format *nn_image_format_find(const void *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (formats[i].is_mine((const uint8_t *) bytes, size))
            return &formats[i];
    return NULL;
}
