// lines.c — read once, then appended to.
#include "nn/base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

// *whole: the bytes up to the end of the last whole line.
static vkc_status read_all(const char *path, size_t max, nn_lines_fn fn, void *user, size_t *whole)
{
    unsigned char *text = NULL;
    size_t size = 0;
    *whole = 0;
    if (!nn_is_file(path))
        return VKC_OK;
    vkc_status st = nn_file_load(path, max, &text, &size);
    for (size_t at = 0; st == VKC_OK && at < size;) {
        const unsigned char *end = (const unsigned char *) memchr(text + at, '\n', size - at);
        const size_t len = end ? (size_t) (end - (text + at)) : size - at;
        if (end)
            st = fn(user, (const char *) text + at, len);
        if (end)
            *whole = at + len + 1;
        at += len + 1;
    }
    free(text);
    return st;
}

vkc_status nn_lines_create(const char *path, size_t max, nn_lines_fn fn, void *user, nn_lines **out)
{
    size_t whole;
    struct stat sb;
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
    VKC_TRY(read_all(path, max, fn, user, &whole));
    l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (l->fd >= 0 && (fstat(l->fd, &sb) != 0 || !S_ISREG(sb.st_mode))) {
        st = VKC_FAIL(VKC_E_IO, "cannot write %s: it is there already, and no file", path);
        goto done;
    }
    if (l->fd < 0 || (sb.st_size > (off_t) whole && ftruncate(l->fd, (off_t) whole) != 0)) {
        st = VKC_FAIL(VKC_E_IO, "cannot write %s: %s", path, nn_reason(errno));
        goto done;
    }
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

// The size of a file up to the end of its last whole line.
static off_t find_end(int fd, off_t size)
{
    char piece[4096];
    while (size > 0) {
        const size_t n = size < (off_t) sizeof piece ? (size_t) size : sizeof piece;
        if (pread(fd, piece, n, size - (off_t) n) != (ssize_t) n)
            return size;
        for (size_t i = n; i-- > 0;)
            if (piece[i] == '\n')
                return size - (off_t) n + (off_t) i + 1;
        size -= (off_t) n;
    }
    return 0;
}

vkc_status nn_lines_append(const char *path, const char *text)
{
    nn_lines l = { .fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666) };
    struct stat sb;
    vkc_status st = VKC_OK;
    snprintf(l.path, sizeof l.path, "%s", path);
    if (l.fd < 0 || fstat(l.fd, &sb) != 0)
        st = VKC_FAIL(VKC_E_IO, "cannot write %s: %s", path, nn_reason(errno));
    else if (!S_ISREG(sb.st_mode))
        st = VKC_FAIL(VKC_E_IO, "cannot write %s: it is there already, and no file", path);
    else if (ftruncate(l.fd, find_end(l.fd, sb.st_size)) != 0)
        st = VKC_FAIL(VKC_E_IO, "cannot write %s: %s", path, nn_reason(errno));
    if (st == VKC_OK)
        st = nn_lines_write(&l, text);
    if (l.fd >= 0)
        close(l.fd);
    return st;
}

vkc_status nn_lines_write(nn_lines *l, const char *text)
{
    const vkc_status st = append(l, text, strlen(text));
    return st == VKC_OK ? append(l, "\n", 1) : st;
}
