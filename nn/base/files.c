// files.c — files read whole, and files written beside and renamed.
#include "nn/base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/base/leftovers.h"

bool nn_is_file(const char *path)
{
    struct stat sb;
    return stat(path, &sb) == 0 && S_ISREG(sb.st_mode);
}

bool nn_is_folder(const char *path)
{
    struct stat sb;
    return stat(path, &sb) == 0 && S_ISDIR(sb.st_mode);
}

const char *nn_reason(int number)
{
    static _Thread_local char text[128];
    const char *reason = strerror(number);
    snprintf(text, sizeof text, "%s", reason);
    if (text[0] >= 'A' && text[0] <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z'))    // not an acronym
        text[0] = (char) (text[0] - 'A' + 'a');
    return text;
}

vkc_status nn_folder_check(const char *path)
{
    struct stat sb;
    if (stat(path, &sb) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return VKC_FAIL(VKC_E_IO, "there is no folder %s", path);
    if (stat(path, &sb) != 0 || (S_ISDIR(sb.st_mode) && access(path, R_OK | X_OK) != 0))
        return VKC_FAIL(VKC_E_IO, "cannot read %s: %s", path, nn_reason(errno));
    return S_ISDIR(sb.st_mode) ? VKC_OK : VKC_FAIL(VKC_E_IO, "%s is not a folder", path);
}

vkc_status nn_path_build(char *out, const char *dir, const char *name)
{
    size_t len = strlen(dir);
    const char *slash = len > 0 && dir[len - 1] == '/' ? "" : "/";
    int n = snprintf(out, NN_PATH_MAX, "%s%s%s", dir, slash, name);
    if (n < 0 || n >= NN_PATH_MAX)
        return VKC_FAIL(VKC_E_ARG, "the path %.60s.../%.60s is too long", dir, name);
    return VKC_OK;
}

vkc_status nn_folder_create(const char *path)
{
    char part[NN_PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part)
        return VKC_FAIL(VKC_E_ARG, "a folder's path is empty or too long");
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        const int failed = mkdir(part, 0777) == 0 ? 0 : errno;
        if (failed && !nn_is_folder(part))
            return VKC_FAIL(VKC_E_IO, "cannot make the folder %s: %s", part, nn_reason(failed));
    }
    return VKC_OK;
}

static vkc_status read_all(int fd, const char *path, unsigned char *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = read(fd, data + at, size - at);
        if (n > 0)
            at += (size_t) n;
        else if (n == 0)
            return VKC_FAIL(VKC_E_IO, "%s became shorter while it was read", path);
        else if (errno != EINTR)
            return VKC_FAIL(VKC_E_IO, "cannot read %s: %s", path, nn_reason(errno));
    }
    return VKC_OK;
}

vkc_status nn_file_load(const char *path, size_t max, unsigned char **data, size_t *size)
{
    vkc_status st = VKC_OK;
    unsigned char *bytes = NULL;
    struct stat sb;
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return VKC_FAIL(VKC_E_IO, "cannot read %s: %s", path, nn_reason(errno));
    if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
        st = VKC_FAIL(VKC_E_IO, "%s is not a file", path);
        goto done;
    }
    if (sb.st_size < 0 || (uintmax_t) sb.st_size > max || (uintmax_t) sb.st_size >= SIZE_MAX) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s has %jd bytes, more than the %zu that are read", path,
                      (intmax_t) sb.st_size, max);
        goto done;
    }
    size_t n = (size_t) sb.st_size;
    bytes = malloc(n + 1);
    if (bytes == NULL) {
        st = VKC_FAIL(VKC_E_NOMEM, "no memory for the %zu bytes of %s", n, path);
        goto done;
    }
    VKC_TRY(read_all(fd, path, bytes, n));
    bytes[n] = '\0';
    *data = bytes, bytes = NULL;
    *size = n;
done:
    free(bytes);
    close(fd);
    return st;
}

struct nn_saver {
    int  fd;                        // -1 once closed
    bool is_made, is_failed;        // the file beside exists; some bytes did not reach it
    int  leftover;                  // nn/base/leftovers.h
    char path[NN_PATH_MAX], beside[NN_PATH_MAX];
};

vkc_status nn_saver_create(const char *path, nn_saver **out)
{
    vkc_status st = VKC_OK;
    struct stat sb;
    size_t len = strlen(path);
    nn_saver *s = calloc(1, sizeof *s);
    if (s == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to write %s", path);
    s->fd = s->leftover = -1;
    if (len == 0 || len + 24 > sizeof s->path) {
        st = VKC_FAIL(VKC_E_ARG, "a file's path is empty or too long");
        goto done;
    }
    memcpy(s->path, path, len + 1);
    // Not two writers of one process to one path: the caller's concern. A leftover of a killed process
    // with the same number is taken over.
    snprintf(s->beside, sizeof s->beside, "%.*s.%ld.part", (int) len, s->path, (long) getpid());
    // Renaming over a link, a pipe or a device would take it away.
    if (lstat(path, &sb) == 0 && !S_ISREG(sb.st_mode)) {
        st = VKC_FAIL(VKC_E_IO, "cannot write %s: it is there already, and no file", path);
        goto done;
    }
    s->fd = open(s->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (s->fd < 0) {
        st = VKC_FAIL(VKC_E_IO, "cannot write %s: %s", path, nn_reason(errno));
        goto done;
    }
    s->is_made = true;
    s->leftover = nn_leftover_add(s->beside);
    *out = s, s = NULL;
done:
    nn_saver_destroy(s);
    return st;
}

vkc_status nn_saver_write(nn_saver *s, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t at = 0; at < size;) {
        ssize_t n = write(s->fd, bytes + at, size - at);
        if (n >= 0) {
            at += (size_t) n;
        } else if (errno != EINTR) {
            s->is_failed = true;
            return VKC_FAIL(VKC_E_IO, "cannot write %s: %s", s->path, nn_reason(errno));
        }
    }
    return VKC_OK;
}

// A rename is on the disk once its folder is. Some file systems refuse this; then it is not needed.
static void flush_folder_of(const char *path)
{
    char dir[NN_PATH_MAX];
    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash == NULL)
        snprintf(dir, sizeof dir, ".");
    else
        slash[slash == dir ? 1 : 0] = '\0';
    int fd = open(dir, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

vkc_status nn_saver_submit(nn_saver *s)
{
    if (s->fd < 0 || s->is_failed)
        return VKC_FAIL(VKC_E_IO, "%s was not written: an earlier part of it failed", s->path);
    int failed = fsync(s->fd) != 0 ? errno : 0;
    if (close(s->fd) != 0 && failed == 0 && errno != EINTR)
        failed = errno;
    s->fd = -1;
    if (failed == 0 && rename(s->beside, s->path) != 0)
        failed = errno;
    if (failed != 0)
        return VKC_FAIL(VKC_E_IO, "cannot write %s: %s", s->path, nn_reason(failed));
    s->is_made = false;
    nn_leftover_drop(s->leftover);
    s->leftover = -1;
    flush_folder_of(s->path);
    return VKC_OK;
}

void nn_saver_destroy(nn_saver *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    if (s->is_made)
        unlink(s->beside);
    nn_leftover_drop(s->leftover);
    free(s);
}

vkc_status nn_file_save(const char *path, const void *data, size_t size)
{
    nn_saver *s = NULL;
    vkc_status st;
    VKC_TRY(nn_saver_create(path, &s));
    VKC_TRY(nn_saver_write(s, data, size));
    VKC_TRY(nn_saver_submit(s));
done:
    nn_saver_destroy(s);
    return st;
}
