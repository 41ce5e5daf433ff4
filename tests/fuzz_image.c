// fuzz_image.c — libFuzzer target: any bytes are a picture; what decodes is resized.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "nn/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[16 * 16 * 3];
    nn_image im = { 0 };
    if (nn_image_read("fuzz", data, size, &im) != VKC_OK)
        return 0;
    if (nn_image_resize(&im, 16, 16, out) == VKC_E_ARG)
        abort();
    nn_image_finish(&im);
    return 0;
}
