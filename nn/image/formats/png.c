// png.c — libpng with a file in memory, errors in words instead of on standard error, and no limit left to chance.
#include "nn/image/formats/png.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#define HEADER 33u                  // bytes of signature and IHDR
#define DEFLATE_MOST 1032u          // bytes that one byte becomes at most: 258 of them for two bits
#define MAX_CHUNKS 1000             // with texts and profiles, which are not read
#define MAX_CHUNK ((png_alloc_size_t) 8 << 20)

typedef struct input {
    const uint8_t *bytes;
    size_t size, at;
    char   why[128];
} input;

static void read_bytes(png_structp png, png_bytep out, size_t n)
{
    input *in = (input *) png_get_io_ptr(png);
    if (n > in->size - in->at)
        png_error(png, "it is cut off");
    memcpy(out, in->bytes + in->at, n);
    in->at += n;
}

static void keep_error(png_structp png, png_const_charp text)
{
    input *in = (input *) png_get_error_ptr(png);
    snprintf(in->why, sizeof in->why, "%s", text);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp text)
{
    (void) png;
    (void) text;
}

// Chunks of a PNG lie within the file, the last closes it: a decoder may take memory for what a chunk claims to have.
static const char *find_fault(const uint8_t *p, size_t size)
{
    if (size < HEADER || memcmp(p + 12, "IHDR", 4) != 0)
        return "it does not begin with its sizes";
    for (size_t i = 8; size - i >= 12;) {
        const size_t len = png_get_uint_32(p + i);
        if (len > size - i - 12)
            return "a chunk is longer than the file";
        if (memcmp(p + i + 4, "IEND", 4) == 0)
            return NULL;
        i += 12 + len;
    }
    return "it is cut off";
}

vkc_status nn_png_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    const uint8_t *p = (const uint8_t *) bytes;
    const bool begins = size >= 8 && png_sig_cmp(p, 0, 8) == 0;
    const char *fault = begins ? find_fault(p, size) : "it does not begin with its sizes";
    if (fault != NULL)
        return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %s", name, fault);
    *width = png_get_uint_32(p + 16);
    *height = png_get_uint_32(p + 20);
    return VKC_OK;
}

static void set_up(png_structp png, input *in)
{
    png_set_read_fn(png, in, read_bytes);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);       // sizes are judged by the caller
    png_set_chunk_cache_max(png, MAX_CHUNKS);
    png_set_chunk_malloc_max(png, MAX_CHUNK);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
}

static void to_rgb(png_structp png, png_infop info, bool is_deep_grey)
{
    png_set_expand(png);            // palettes, 1, 2 and 4 bits, transparent colors
    if (!is_deep_grey)
        png_set_strip_16(png);
    png_set_strip_alpha(png);
    if (!is_deep_grey)
        png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

// Grey of 16 bits, most significant byte first, in the place of RGB, cut at 255: from the end, for there is no other.
static void spread_deep_grey(uint8_t *line, uint32_t width)
{
    for (uint32_t x = width; x-- > 0;)
        memset(line + 3 * (size_t) x, line[2 * (size_t) x] > 0 ? 255 : line[2 * (size_t) x + 1], 3);
}

static vkc_status read_any(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                           uint8_t *rgb)
{
    input in = { .bytes = (const uint8_t *) bytes, .size = size };
    png_infop info = NULL;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &in, keep_error, ignore_warning);
    if (png == NULL || (info = png_create_info_struct(png)) == NULL) {
        png_destroy_read_struct(&png, &info, NULL);
        return VKC_FAIL(VKC_E_NOMEM, "no memory to read %s", name);
    }
    if (setjmp(png_jmpbuf(png)) != 0) {
        png_destroy_read_struct(&png, &info, NULL);
        return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %s", name, in.why);
    }
    set_up(png, &in);
    png_read_info(png, info);
    if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height)
        png_error(png, "its sizes change");
    const bool is_deep_grey = png_get_color_type(png, info) == PNG_COLOR_TYPE_GRAY &&
                              png_get_bit_depth(png, info) == 16;
    const int passes = png_get_interlace_type(png, info) == PNG_INTERLACE_NONE ? 1 : 7;
    to_rgb(png, info, is_deep_grey);
    if (png_get_rowbytes(png, info) != (size_t) width * (is_deep_grey ? 2 : 3))
        png_error(png, "its kind of pixels is not known");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < height; y++)
            png_read_row(png, rgb + (size_t) y * width * 3, NULL);
    for (uint32_t y = 0; is_deep_grey && y < height; y++)
        spread_deep_grey(rgb + (size_t) y * width * 3, width);
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    return VKC_OK;
}

vkc_status nn_png_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height, uint8_t *rgb)
{
    if (nn__png_read_fast((const uint8_t *) bytes, size, width, height, rgb))
        return VKC_OK;
    return read_any(name, bytes, size, width, height, rgb);
}

typedef struct output {
    vkc_status (*write)(void *user, const void *bytes, size_t size);
    void      *user;
    vkc_status st;
} output;

static void write_bytes(png_structp png, png_bytep bytes, size_t n)
{
    output *out = (output *) png_get_io_ptr(png);
    out->st = out->write(out->user, bytes, n);
    if (out->st != VKC_OK)
        png_longjmp(png, 1);
}

static void flush_nothing(png_structp png)
{
    (void) png;
}

static void leave(png_structp png, png_const_charp text)
{
    (void) text;
    png_longjmp(png, 1);
}

vkc_status nn_png_write(const uint8_t *rgb, uint32_t width, uint32_t height,
                        vkc_status (*write)(void *user, const void *bytes, size_t size), void *user)
{
    output out = { write, user, VKC_OK };
    png_infop info = NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, leave, ignore_warning);
    if (png == NULL || (info = png_create_info_struct(png)) == NULL) {
        png_destroy_write_struct(&png, &info);
        return VKC_FAIL(VKC_E_NOMEM, "no memory to write a picture");
    }
    if (setjmp(png_jmpbuf(png)) != 0) {
        png_destroy_write_struct(&png, &info);
        return out.st != VKC_OK ? out.st : VKC_FAIL(VKC_E_NOMEM, "no memory to write a picture");
    }
    png_set_write_fn(png, &out, write_bytes, flush_nothing);
    png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (uint32_t y = 0; y < height; y++)
        png_write_row(png, rgb + (size_t) y * width * 3);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return VKC_OK;
}

bool nn_png_can_hold(const uint8_t *p, size_t size, uint64_t width, uint64_t height)
{
    static const unsigned samples[] = { 1, 0, 3, 1, 2, 0, 4 };      // of a pixel, by color type
    const uint64_t bits = (uint64_t) p[24] * (p[25] < sizeof samples / sizeof samples[0] ? samples[p[25]] : 0);
    return height * (1 + (width * bits + 7) / 8) / DEFLATE_MOST <= size;
}

const char *nn_png_version(void)
{
    return png_get_libpng_ver(NULL);
}
