// fuzz_config.c — libFuzzer target: the bytes up to the first NUL are config.json, the rest is pare.json.
// The first line of an input that begins with "vit:" or "vit_" is an --arch text; what follows "open_clip:" is
// open_clip_config.json, and what follows "tensors:" the weights of a folder without a config.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/models/config/model_config.h"
#include "tests/fuzz/fuzz_folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void remove_all(const char *folder)
{
    static const char *const names[] = { "config.json", "pare.json", "open_clip_config.json", "model.safetensors" };
    char path[NN_PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (nn_path_build(path, folder, names[i]) == VKC_OK)
            unlink(path);
}

static int starts(const uint8_t *data, size_t size, const char *word)
{
    return size >= strlen(word) && memcmp(data, word, strlen(word)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[] = "/dev/shm/pare-fuzz-XXXXXX";
    static int is_made;
    nn_model_config c;
    if (size > 4 && (memcmp(data, "vit:", 4) == 0 || memcmp(data, "vit_", 4) == 0)) {
        char text[300];
        size_t len = size < sizeof text - 1 ? size : sizeof text - 1;
        memcpy(text, data, len);
        text[len] = '\0';
        if (nn_model_config_init(&c, text) == VKC_OK && nn_model_config_check(&c, VKC_E_ARG, "fuzz") != VKC_OK)
            abort();
        return 0;
    }
    if (!is_made && mkdtemp(folder) == NULL)
        abort();
    is_made = 1;
    remove_all(folder);
    if (starts(data, size, "open_clip:")) {
        write_plainly(folder, "open_clip_config.json", data + 10, size - 10);
    } else if (starts(data, size, "tensors:")) {
        write_plainly(folder, "model.safetensors", data + 8, size - 8);
    } else {
        const uint8_t *cut = size > 0 ? memchr(data, 0, size) : NULL;
        const size_t first = cut != NULL ? (size_t) (cut - data) : size;
        write_plainly(folder, "config.json", data, first);
        if (cut != NULL)
            write_plainly(folder, "pare.json", cut + 1, size - first - 1);
    }
    if (nn_model_config_load(folder, &c) != VKC_OK)
        return 0;
    if (nn_model_config_check(&c, VKC_E_FORMAT, "fuzz") != VKC_OK)
        abort();
    nn_model_config_finish(&c);
    return 0;
}
