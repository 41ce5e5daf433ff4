// lines.c — read once, then appended to.
#include "nn/base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/base/files.h"

struct nn_lines {
    char path[NN_PATH_MAX];
    int  fd;
};

static vkc_status append(const nn_lines *l, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        const ssize_t n = write(l->fd, text + at, len - at);
        if (n >= 0)
            at += (size_t) n;
        else if (errno != EINTR)
            return VKC_FAIL(VKC_E_IO, "cannot write %s: %s", l->path, nn_reason(errno));
    }
    return VKC_OK;
}

static vkc_status read_all(const char *path, size_t max, nn_lines_fn fn, void *user, bool *is_cut)
{
    unsigned char *text = NULL;
    size_t size = 0;
    *is_cut = false;
    if (!nn_is_file(path))
        return VKC_OK;
    vkc_status st = nn_file_load(path, max, &text, &size);
    for (size_t at = 0; st == VKC_OK && at < size;) {
        const unsigned char *end = (const unsigned char *) memchr(text + at, '\n', size - at);
        const size_t len = end ? (size_t) (end - (text + at)) : size - at;
        if (end)
            st = fn(user, (const char *) text + at, len);
        *is_cut = end == NULL;
        at += len + 1;
    }
    free(text);
    return st;
}

vkc_status nn_lines_create(const char *path, size_t max, nn_lines_fn fn, void *user, nn_lines **out)
{
    bool is_cut;
    vkc_status st;
    nn_lines *l = (nn_lines *) calloc(1, sizeof *l);
    if (!l)
        return VKC_FAIL(VKC_E_NOMEM, "%.60s: out of host memory", path);
    l->fd = -1;
    if (strlen(path) >= sizeof l->path) {
        st = VKC_FAIL(VKC_E_ARG, "the path %.60s... is too long", path);
        goto done;
    }
    memcpy(l->path, path, strlen(path) + 1);
    VKC_TRY(read_all(path, max, fn, user, &is_cut));
    l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (l->fd < 0) {
        st = VKC_FAIL(VKC_E_IO, "cannot write %s: %s", path, nn_reason(errno));
        goto done;
    }
    if (is_cut)
        VKC_TRY(append(l, "\n", 1));
    *out = l;
    l = NULL;
done:
    nn_lines_destroy(l);
    return st;
}

void nn_lines_destroy(nn_lines *l)
{
    if (l && l->fd >= 0)
        close(l->fd);
    free(l);
}

vkc_status nn_lines_write(nn_lines *l, const char *text)
{
    const vkc_status st = append(l, text, strlen(text));
    return st == VKC_OK ? append(l, "\n", 1) : st;
}
