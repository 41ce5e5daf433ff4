// pixel_dump.c — pictures are kept in memory until all are there, then written at once.
#include "apps/cli/commands/pixel_dump.h"

#include "apps/cli/core/console.h"
#include "nn/base/json.h"
#include "nn/checkpoint/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct pixel_dump {
    uint32_t height, width, channels;
    size_t   room, n;
    uint8_t *rgb;                   // (room, height, width, 3)
    float   *pixels;                // (room, channels, height, width)
    json_t  *files;
};

static size_t get_area(const pixel_dump *d)
{
    return (size_t) d->height * d->width;
}

vkc_status pixel_dump_create(const nn_model_config *c, size_t n, pixel_dump **out)
{
    if (n > PIXEL_DUMP_MAX)
        return VKC_FAIL(VKC_E_ARG, "--preprocess-dump is for at most %d images, here are %zu", PIXEL_DUMP_MAX, n);
    pixel_dump *d = (pixel_dump *) calloc(1, sizeof *d);
    if (!d)
        return VKC_FAIL(VKC_E_NOMEM, "--preprocess-dump: out of host memory");
    *d = (pixel_dump) { .height = c->height, .width = c->width, .channels = c->channels, .room = n };
    d->rgb = (uint8_t *) malloc(n * get_area(d) * 3);
    d->pixels = (float *) malloc(n * get_area(d) * d->channels * sizeof *d->pixels);
    d->files = json_array();
    if (n > 0 && (!d->rgb || !d->pixels || !d->files)) {
        pixel_dump_destroy(d);
        return VKC_FAIL(VKC_E_NOMEM, "--preprocess-dump: no host memory for %zu images of %u x %u pixels", n,
                        c->width, c->height);
    }
    *out = d;
    return VKC_OK;
}

void pixel_dump_destroy(pixel_dump *d)
{
    if (!d)
        return;
    free(d->rgb);
    free(d->pixels);
    json_decref(d->files);
    free(d);
}

vkc_status pixel_dump_add(pixel_dump *d, const char *file, const uint8_t *rgb, const float *pixels)
{
    const size_t area = get_area(d);
    if (d->n == d->room)
        return VKC_FAIL(VKC_E_ARG, "--preprocess-dump: more than %zu images", d->room);
    memcpy(d->rgb + d->n * area * 3, rgb, area * 3);
    memcpy(d->pixels + d->n * area * d->channels, pixels, area * d->channels * sizeof *pixels);
    d->n++;
    return json_array_append_new(d->files, nn_json_name(file)) == 0
               ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "--preprocess-dump: out of host memory");
}

vkc_status pixel_dump_save(const pixel_dump *d, const char *path)
{
    if (d->n == 0) {
        warn("no image to dump: %s is not written", path);
        return VKC_OK;
    }
    const nn_st_save tensors[] = {
        { .name = "pixels", .dtype = NN_ST_F32, .rank = 4, .shape = { d->n, d->channels, d->height, d->width },
          .data = d->pixels },
        { .name = "rgb", .dtype = NN_ST_U8, .rank = 4, .shape = { d->n, d->height, d->width, 3 }, .data = d->rgb },
    };
    char *files = nn_json_print(d->files, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!files)
        return VKC_FAIL(VKC_E_NOMEM, "--preprocess-dump: out of host memory");
    vkc_status st = nn_safetensors_save(path, tensors, 2, &(nn_st_meta) { "files", files }, 1);
    free(files);
    if (st == VKC_OK)
        say("%s holds the pixels of %zu image%s", path, d->n, d->n == 1 ? "" : "s");
    return st;
}
