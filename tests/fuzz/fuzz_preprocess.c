// fuzz_preprocess.c — libFuzzer target: the first byte chooses a family, the rest is preprocessor_config.json, or
// pretrained_cfg of timm. What is accepted places pictures, and is written in both ways and read back. With bit 5 of
// the first byte, the bytes up to the first NUL are processor_config.json and the rest preprocessor_config.json of a
// folder, whose config.json is of transformers, or with bit 1 of timm.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "nn/base/json.h"
#include "nn/models/config/preprocess_json.h"
#include "tests/fuzz/fuzz_folder.h"

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
    free(d.notes);
    json_decref(timm);
    json_decref(hf);
}

static void check_folder(bool is_timm, const uint8_t *data, size_t size)
{
    static const char *const configs[] = {
        "{\"model_type\": \"vit\", \"problem_type\": \"multi_label_classification\"}",
        "{\"architecture\": \"vit_tiny_patch16_224\", \"num_classes\": 3, \"pretrained_cfg\": {\"input_size\": "
        "[3, 224, 224]}}",
    };
    static char folder[] = "/dev/shm/pare-fuzz-XXXXXX";
    static int is_made;
    const uint8_t *cut = size > 0 ? memchr(data, 0, size) : NULL;
    const size_t first = cut ? (size_t) (cut - data) : size;
    char path[NN_PATH_MAX];
    nn_model_config c;
    if (!is_made && mkdtemp(folder) == NULL)
        abort();
    is_made = 1;
    write_plainly(folder, "config.json", configs[is_timm], strlen(configs[is_timm]));
    write_plainly(folder, "processor_config.json", data, first);
    if (cut)
        write_plainly(folder, "preprocessor_config.json", cut + 1, size - first - 1);
    else if (nn_path_build(path, folder, "preprocessor_config.json") == VKC_OK)
        unlink(path);
    if (nn_model_config_load(folder, &c) != VKC_OK)
        return;
    check_place(&c, (nn_size) { 480, 640 });
    check_written(&c);
    nn_model_config_finish(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *obj = NULL;
    if (size > 0 && data[0] & 32) {
        check_folder(data[0] & 2, data + 1, size - 1);
        return 0;
    }
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
    free(c.notes);
    json_decref(obj);
    return 0;
}
