// weights_open.c — where a model's weights are: a word of the command line into folder, file and entry; one file by
// what it holds, whatever it is called.
#include "nn/checkpoint/weights_impl.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "nn/base/source.h"

#define TAR_MAGIC 257               // byte of a tar archive where "ustar" stands

bool nn__weights_is_there(const char *path)
{
    struct stat sb;
    return stat(path, &sb) == 0;
}

vkc_status nn_weights_find(const char *model, nn_weights_place *out)
{
    nn_weights_place p = { .has_key = false };
    const char *key = nn__weights_is_there(model) ? NULL : strrchr(model, '#');
    const size_t len = key != NULL ? (size_t) (key - model) : strlen(model);
    if (len >= sizeof p.folder || (key != NULL && strlen(key + 1) >= sizeof p.key))
        return VKC_FAIL(VKC_E_ARG, "the name of a model is too long: %.60s...", model);
    memcpy(p.folder, model, len);
    if (key != NULL) {
        p.has_key = true;
        memcpy(p.key, key + 1, strlen(key + 1) + 1);
    }
    p.is_there = nn__weights_is_there(p.folder);
    if (nn_is_file(p.folder)) {
        memcpy(p.file, p.folder, len + 1);
        char *name = strrchr(p.folder, '/');
        if (name == NULL)
            memcpy(p.folder, ".", 2);
        else
            name[name == p.folder] = '\0';
    }
    *out = p;
    return VKC_OK;
}

vkc_status nn_weights_get_folder(const char *model, char folder[NN_WEIGHTS_MAX_PLACE])
{
    nn_weights_place p;
    vkc_status st = nn_weights_find(model, &p);
    if (st == VKC_OK)
        memcpy(folder, p.folder, strlen(p.folder) + 1);
    return st;
}

static vkc_status fail_unknown(const char *path, const nn_source *src)
{
    char magic[5];
    if (src->size == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: is empty", path);
    if (src->size >= TAR_MAGIC + sizeof magic) {
        vkc_status st = nn_source_read(src, TAR_MAGIC, sizeof magic, magic);
        if (st != VKC_OK)
            return st;
        if (memcmp(magic, "ustar", sizeof magic) == 0)
            return VKC_FAIL(VKC_E_FORMAT, "%s: is a tar archive; unpack it first, or, if PyTorch before 0.2 wrote it, "
                            "load it there and save it with torch.save of a later version", path);
    }
    return VKC_FAIL(VKC_E_FORMAT, "%s: is neither a checkpoint that torch.save wrote nor a safetensors file", path);
}

// Does it begin as a safetensors file does, or as what Git LFS leaves in the place of a file?
static vkc_status is_safetensors(const nn_source *src, bool *out)
{
    unsigned char head[9] = { 0 };
    vkc_status st = nn_source_read(src, 0, src->size < sizeof head ? (size_t) src->size : sizeof head, head);
    *out = head[8] == '{' || memcmp(head, "version ", 8) == 0;
    return st;
}

vkc_status nn__weights_open(const char *path, const char *key, nn_safetensors **out)
{
    const size_t len = strlen(path), tail = strlen(".safetensors");
    bool is_torch = false, is_plain = len > tail && strcmp(path + len - tail, ".safetensors") == 0;
    nn_source src = { .fd = -1 };
    vkc_status st = VKC_OK;
    if (!is_plain) {
        VKC_TRY(nn_source_open(path, &src));
        VKC_TRY(nn_torch_is(&src, &is_torch));
        VKC_TRY(is_safetensors(&src, &is_plain));
    }
    if (is_torch)
        st = nn_torch_load(path, key, out);
    else if (!is_plain)
        st = fail_unknown(path, &src);
    else if (key != NULL)
        st = VKC_FAIL(VKC_E_ARG, "%s: is a safetensors file and has no entries of which %.60s could be one", path, key);
    else
        st = nn_safetensors_load(path, out);
done:
    nn_source_close(&src);
    return st;
}
