// image.c — checks around the decoders of PNG and JPEG, pictures turned upright, normalisation.
#include "nn/image/image.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/image/exif.h"
#include "nn/image/jpeg.h"
#include "nn/image/png.h"

#define DEFLATE_MOST 1032u          // bytes that one byte becomes at most: 258 of them for two bits
#define JPEG_MOST 8192u             // pixels of one byte: 8 blocks of 64, each standing for 16 times as many

static uint32_t get_u32(const unsigned char *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

// Chunks of a PNG lie within the file, the last closes it: a decoder may take memory for what a chunk claims to have.
static const char *find_png_fault(const unsigned char *p, size_t size)
{
    if (size < 33 || memcmp(p + 12, "IHDR", 4) != 0)
        return "it does not begin with its sizes";
    for (size_t i = 8; size - i >= 12;) {
        const size_t len = get_u32(p + i);
        if (len > size - i - 12)
            return "a chunk is longer than the file";
        if (memcmp(p + i + 4, "IEND", 4) == 0)
            return NULL;
        i += 12 + len;
    }
    return "it is cut off";
}

// Can a file of so many bytes hold so many pixels at all? Then what decoding takes is bounded by the file's size.
static bool can_hold(const unsigned char *p, size_t size, bool is_png, uint64_t w, uint64_t h)
{
    static const unsigned samples[] = { 1, 0, 3, 1, 2, 0, 4 };      // of a pixel, by color type
    if (!is_png)
        return w * h / JPEG_MOST <= size;
    const uint64_t bits = (uint64_t) p[24] * (p[25] < sizeof samples / sizeof samples[0] ? samples[p[25]] : 0);
    return h * (1 + (w * bits + 7) / 8) / DEFLATE_MOST <= size;
}

// Segments up to the first scan are walked; in what follows, which holds no marker by chance, every marker counts.
// A JPEG that was cut off decodes to half a picture and grey: its end marker is missing.
static const char *find_jpeg_fault(const unsigned char *p, size_t size)
{
    bool is_scan = false;
    for (size_t i = 2; i + 1 < size;) {
        if (p[i] != 0xff || p[i + 1] == 0xff) {
            i++;
            continue;
        }
        unsigned char marker = p[i + 1];
        i += 2;
        if (marker == 0xd9 && is_scan)
            return NULL;
        if (is_scan)
            continue;
        size_t len = size - i >= 2 ? (size_t) p[i] << 8 | p[i + 1] : 0;
        if (len < 2 || len > size - i)
            return "a segment is broken";
        is_scan = marker == 0xda;
        i += len;
    }
    return "it is cut off";
}

// As the camera says that it is to be looked at.
static vkc_status turn(const char *name, nn_orientation o, nn_image *im)
{
    if (o == 1)
        return VKC_OK;
    uint8_t *rgb = malloc((size_t) im->width * im->height * 3);
    if (rgb == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to turn %s", name);
    nn_exif_turn(o, im->rgb, im->height, im->width, rgb);
    free(im->rgb);
    *im = (nn_image) { o >= 5 ? im->height : im->width, o >= 5 ? im->width : im->height, rgb };
    return VKC_OK;
}

vkc_status nn_image_read(const char *name, const void *bytes, size_t size, nn_image *out)
{
    static const unsigned char png[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    static const unsigned char jpeg[3] = { 0xff, 0xd8, 0xff };
    uint32_t w, h;
    if (size == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s is empty", name);
    bool is_png = size >= sizeof png && memcmp(bytes, png, sizeof png) == 0;
    bool is_jpeg = size >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0;
    if ((!is_png && !is_jpeg) || size > INT_MAX)
        return VKC_FAIL(VKC_E_FORMAT, "%s is neither a JPEG nor a PNG picture", name);
    const char *fault = is_jpeg ? find_jpeg_fault(bytes, size) : find_png_fault(bytes, size);
    if (fault != NULL)
        return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %s", name, fault);
    vkc_status st = is_png ? nn_png_size(name, bytes, size, &w, &h) : nn_jpeg_size(name, bytes, size, &w, &h);
    if (st != VKC_OK)
        return st;
    if (w < 1 || h < 1 || w > NN_IMAGE_MAX_SIDE || h > NN_IMAGE_MAX_SIDE || (uint64_t) w * h > NN_IMAGE_MAX_PIXELS)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u x %u pixels, more than the %u million that are read", name, w, h,
                        NN_IMAGE_MAX_PIXELS >> 20);
    if (!can_hold(bytes, size, is_png, w, h))
        return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %zu bytes cannot hold %u x %u pixels", name, size, w, h);
    nn_image im = { w, h, malloc((size_t) w * h * 3) };
    if (im.rgb == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the pixels of %s", name);
    st = is_png ? nn_png_read(name, bytes, size, w, h, im.rgb) : nn_jpeg_read(name, bytes, size, w, h, im.rgb);
    if (st == VKC_OK)
        st = turn(name, nn_exif_find(bytes, size), &im);
    if (st == VKC_OK)
        *out = im;
    else
        nn_image_finish(&im);
    return st;
}

vkc_status nn_image_load(const char *path, nn_image *out)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    vkc_status st = nn_file_load(path, NN_IMAGE_MAX_FILE, &bytes, &size);
    if (st == VKC_OK)
        st = nn_image_read(path, bytes, size, out);
    free(bytes);
    return st;
}

void nn_image_finish(nn_image *im)
{
    if (im == NULL)
        return;
    free(im->rgb);
    memset(im, 0, sizeof *im);
}

static vkc_status write_bytes(void *user, const void *bytes, size_t size)
{
    return nn_saver_write((nn_saver *) user, bytes, size);
}

vkc_status nn_image_save(const nn_image *im, const char *path)
{
    nn_saver *saver = NULL;
    vkc_status st;
    if (im->width == 0 || im->height == 0 || (uint64_t) im->width * im->height > NN_IMAGE_MAX_PIXELS)
        return VKC_FAIL(VKC_E_ARG, "a picture of %u x %u pixels is not written", im->width, im->height);
    VKC_TRY(nn_saver_create(path, &saver));
    VKC_TRY(nn_png_write(im->rgb, im->width, im->height, write_bytes, saver));
    VKC_TRY(nn_saver_submit(saver));
done:
    nn_saver_destroy(saver);
    return st;
}

void nn_image_normalise(const uint8_t *rgb, size_t area, uint32_t channels, const double mean[3],
                        const double std[3], float *out)
{
    const size_t n = area;
    if (channels == 1) {
        for (size_t i = 0; i < n; i++) {
            double luma = 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];
            out[i] = (float) ((luma / 255 - mean[0]) / std[0]);
        }
        return;
    }
    for (uint32_t c = 0; c < 3; c++) {
        float table[256];
        for (int v = 0; v < 256; v++)
            table[v] = (float) ((v / 255.0 - mean[c]) / std[c]);
        for (size_t i = 0; i < n; i++)
            out[c * n + i] = table[rgb[3 * i + c]];
    }
}

void nn_image_restore(const float *pixels, size_t area, uint32_t channels, const double mean[3],
                      const double std[3], uint8_t *rgb)
{
    for (size_t i = 0; i < area; i++)
        for (uint32_t k = 0; k < 3; k++) {
            uint32_t from = channels == 1 ? 0 : k;
            double x = 255.0 * ((double) pixels[from * area + i] * std[from] + mean[from]) + 0.5;
            rgb[3 * i + k] = (uint8_t) (x < 0.0 ? 0.0 : x > 255.0 ? 255.0 : x);
        }
}
