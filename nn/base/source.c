// source.c — bytes of a file or of memory, read from any place.
#include "nn/base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/base/files.h"

#define PIECE ((size_t) 1 << 16)      // hashed at once

vkc_status nn_source_open(const char *path, nn_source *out)
{
    struct stat sb;
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return VKC_FAIL(VKC_E_IO, "cannot read %s: %s", path, nn_reason(errno));
    if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode) || sb.st_size < 0) {
        close(fd);
        return VKC_FAIL(VKC_E_IO, "%s is not a file", path);
    }
    *out = (nn_source) { .path = path, .fd = fd, .size = (uint64_t) sb.st_size };
    return VKC_OK;
}

nn_source nn_source_of(const char *where, const void *bytes, size_t size)
{
    return (nn_source) { .path = where, .fd = -1, .bytes = bytes, .size = size };
}

void nn_source_close(nn_source *s)
{
    if (s->path != NULL && s->fd >= 0)
        close(s->fd);
    *s = (nn_source) { .fd = -1 };
}

static vkc_status read_file(const nn_source *s, uint64_t at, size_t size, unsigned char *out)
{
    while (size > 0) {
        ssize_t n = pread(s->fd, out, size, (off_t) at);
        if (n == 0)
            return VKC_FAIL(VKC_E_IO, "%s became shorter while it was read: byte %llu is gone", s->path,
                            (unsigned long long) at);
        if (n < 0 && errno != EINTR)
            return VKC_FAIL(VKC_E_IO, "cannot read %s at byte %llu: %s", s->path, (unsigned long long) at,
                            nn_reason(errno));
        if (n > 0) {
            out += n;
            at += (uint64_t) n;
            size -= (size_t) n;
        }
    }
    return VKC_OK;
}

vkc_status nn_source_read(const nn_source *s, uint64_t at, size_t size, void *out)
{
    if (at > s->size || size > s->size - at)
        return VKC_FAIL(VKC_E_IO, "%s has %llu bytes; %zu at byte %llu are not in it", s->path,
                        (unsigned long long) s->size, size, (unsigned long long) at);
    if (s->fd >= 0)
        return read_file(s, at, size, out);
    if (size > 0)
        memcpy(out, s->bytes + at, size);
    return VKC_OK;
}

uint64_t nn_hash_add(uint64_t h, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        h = (h ^ ((const unsigned char *) bytes)[i]) * 0x100000001b3u;
    return h;
}

vkc_status nn_hash_add_source(uint64_t *h, const nn_source *s)
{
    unsigned char piece[PIECE];
    vkc_status st = VKC_OK;
    for (uint64_t at = 0; st == VKC_OK && at < s->size; at += PIECE) {
        const size_t size = s->size - at < PIECE ? (size_t) (s->size - at) : PIECE;
        st = nn_source_read(s, at, size, piece);
        if (st == VKC_OK)
            *h = nn_hash_add(*h, piece, size);
    }
    return st;
}
