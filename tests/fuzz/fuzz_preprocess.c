// fuzz_preprocess.c — libFuzzer target: the first byte chooses a family, the rest is preprocessor_config.json, or
// pretrained_cfg of timm. What is accepted places pictures, and is written in both ways and read back.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "nn/base/json.h"
#include "nn/models/config/preprocess_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Sizes and offsets hold together: the picture and the model's overlap.
static void check_place(const nn_model_config *c, nn_size picture)
{
    nn_placement at;
    if (nn_preprocess_place(&c->preprocess, "fuzz", picture, (nn_size) { c->height, c->width }, &at) != VKC_OK)
        return;
    if (at.resized.height == 0 || at.resized.width == 0 || at.top >= at.resized.height || at.left >= at.resized.width ||
        at.top <= -(int64_t) c->height || at.left <= -(int64_t) c->width)
        abort();
}

static void check_written(const nn_model_config *c)
{
    nn_model_config d = { .channels = c->channels };
    json_t *timm = nn_preprocess_json_timm(c), *hf = nn_preprocess_json_hf(c);
    if (timm == NULL || hf == NULL || nn_preprocess_read_timm("timm", timm, &d) != VKC_OK ||
        nn_preprocess_read_hf("hf", hf, &d) != VKC_OK)
        abort();
    json_decref(timm);
    json_decref(hf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *obj = NULL;
    if (size == 0 || nn_json_read("fuzz", (const char *) data + 1, size - 1, 1000, &obj) != VKC_OK)
        return 0;
    const uint8_t b = data[0];
    nn_model_config c = { .channels = b & 1 ? 3 : 1, .pre_norm = b & 4, .layer_scale = b & 8, .distilled = b & 16 };
    vkc_status st = VKC_E_FORMAT;
    if (json_is_object(obj))
        st = b & 2 ? nn_preprocess_read_timm("fuzz", obj, &c) : nn_preprocess_read_hf("fuzz", obj, &c);
    if (st == VKC_OK) {
        if (c.height == 0 && c.width == 0)
            c.height = c.width = 64;
        check_place(&c, (nn_size) { 480, 640 });
        check_place(&c, (nn_size) { 1, 16384 });
        check_place(&c, (nn_size) { c.height, c.width });
        check_written(&c);
    }
    json_decref(obj);
    return 0;
}
