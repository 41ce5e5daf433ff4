// image.c — checks around the decoders of all formats, pictures turned upright, normalisation.
#include "nn/image/image.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/image/exif.h"
#include "nn/image/formats/format.h"
#include "nn/image/formats/png.h"

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
    uint32_t w = 0, h = 0;
    if (size == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s is empty", name);
    const nn_image_format *format = nn_image_format_find(bytes, size);
    if (format == NULL || size > INT_MAX)
        return VKC_FAIL(VKC_E_FORMAT, "%s is no " NN_IMAGE_FORMATS_READ " picture", name);
    if (format->size == NULL)
        return VKC_FAIL(VKC_E_FORMAT, "%s is a %s picture, and this build has no %s", name, format->name,
                        format->library);
    vkc_status st = format->size(name, bytes, size, &w, &h);
    if (st != VKC_OK)
        return st;
    if (w < 1 || h < 1 || w > NN_IMAGE_MAX_SIDE || h > NN_IMAGE_MAX_SIDE || (uint64_t) w * h > NN_IMAGE_MAX_PIXELS)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u x %u pixels, more than the %u million that are read", name, w, h,
                        NN_IMAGE_MAX_PIXELS >> 20);
    if (format->can_hold != NULL && !format->can_hold((const uint8_t *) bytes, size, w, h))
        return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %zu bytes cannot hold %u x %u pixels", name, size, w, h);
    nn_image im = { w, h, malloc((size_t) w * h * 3) };
    if (im.rgb == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the pixels of %s", name);
    st = format->read(name, bytes, size, w, h, im.rgb);
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
