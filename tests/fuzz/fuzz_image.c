// fuzz_image.c — libFuzzer target: any bytes are a picture, turned as its Exif says; what decodes is resized, cropped
// and padded by settings and to a size that its last bytes choose.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/image/exif.h"
#include "nn/image/image.h"
#include "nn/image/preprocess.h"

#define SIDE 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static nn_preprocess choose(const uint8_t *b)
{
    static const double shares[] = { 0, 0.875, 1, 1.7 };
    nn_preprocess p = { .filter = b[0] % 2, .mode = b[0] / 2 % 4, .rule = b[0] / 8 % 2,
                        .crop_pct = shares[b[0] / 16 % 4] };
    if (b[0] & 64) {
        p.resize = (nn_size) { b[1] + 1u, b[2] + 1u };
        p.crop = (nn_size) { b[3] + 1u, b[4] + 1u };
    }
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[SIDE * SIDE * 3];
    uint8_t b[7] = { 0 };
    nn_image im = { 0 };
    const nn_orientation o = nn_exif_find(data, size);
    if (o < 1 || o > 8)
        abort();
    if (nn_image_read("fuzz", data, size, &im) != VKC_OK)
        return 0;
    if (size >= sizeof b)
        memcpy(b, data + size - sizeof b, sizeof b);
    const nn_preprocess p = choose(b);
    if (nn_preprocess_run(&p, "fuzz", &im, (nn_size) { b[5] % SIDE + 1u, b[6] % SIDE + 1u }, out) == VKC_E_ARG)
        abort();
    nn_image_finish(&im);
    return 0;
}
