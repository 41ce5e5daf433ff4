// paths.c — folders walked without following links, names sorted.
#include "nn/base/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "nn/base/files.h"

#define MAX_DEPTH 64                // of folders in folders
#define MAX_PATHS ((size_t) 1 << 28)

bool nn_is_picture(const char *name)
{
    static const char *const ends[] = { ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp" };
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i]);
        if (len > end && strcasecmp(name + len - end, ends[i]) == 0)
            return true;
    }
    return false;
}

static vkc_status append(nn_paths *list, const char *path)
{
    if (list->n == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 64;
        char **more = room <= MAX_PATHS ? realloc(list->path, room * sizeof *more) : NULL;
        if (more == NULL)
            return VKC_FAIL(VKC_E_NOMEM, "no memory to list %zu pictures", room);
        list->path = more;
        list->room = room;
    }
    const size_t size = strlen(path) + 1;
    char *copy = malloc(size);
    if (copy == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to list %zu pictures", list->n + 1);
    memcpy(copy, path, size);
    list->path[list->n++] = copy;
    return VKC_OK;
}

// The recursion is at most MAX_DEPTH deep. A folder below the first that cannot be opened goes into the list itself:
// what reads it says what is wrong, and the others are not lost.
static vkc_status walk(nn_paths *list, const char *folder, int depth)
{
    vkc_status st = VKC_OK;
    char path[NN_PATH_MAX];
    DIR *dir = depth <= MAX_DEPTH ? opendir(folder) : NULL;
    if (dir == NULL && depth > 0)
        return append(list, folder);
    if (dir == NULL)
        return VKC_FAIL(VKC_E_IO, "cannot read the folder %s: %s", folder, nn_reason(errno));
    for (struct dirent *e; (errno = 0, e = readdir(dir)) != NULL;) {
        struct stat s;
        if (e->d_name[0] == '.')
            continue;
        VKC_TRY(nn_path_build(path, folder, e->d_name));
        if (lstat(path, &s) != 0)
            continue;                                   // gone since
        if (S_ISDIR(s.st_mode))
            VKC_TRY(walk(list, path, depth + 1));
        else if (nn_is_picture(e->d_name) && !nn_is_folder(path))
            VKC_TRY(append(list, path));
    }
    if (errno != 0)
        st = VKC_FAIL(VKC_E_IO, "cannot list the folder %s: %s", folder, nn_reason(errno));
done:
    closedir(dir);
    return st;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

vkc_status nn_paths_add(nn_paths *list, const char *path)
{
    const size_t first = list->n;
    if (*path == '\0')
        return VKC_FAIL(VKC_E_FORMAT, "the name of a picture is empty");
    if (!nn_is_folder(path))
        return append(list, path);
    vkc_status st = walk(list, path, 0);
    if (st == VKC_OK && list->n == first)
        st = VKC_FAIL(VKC_E_FORMAT, "the folder %s holds no " NN_PICTURE_ENDINGS " file", path);
    if (st == VKC_OK)
        qsort(list->path + first, list->n - first, sizeof *list->path, by_text);
    while (st != VKC_OK && list->n > first)
        free(list->path[--list->n]);
    return st;
}

vkc_status nn_paths_read_line(FILE *f, const char *where, char *line, bool *is_there)
{
    size_t len = 0;
    int c;
    while ((c = getc(f)) != EOF) {
        const bool is_end = c == '\n' || c == '\0';
        if (is_end && len == 0)
            continue;
        if (is_end)
            break;
        if (len < NN_PATH_MAX)
            line[len] = (char) c;
        len += len < NN_PATH_MAX;
    }
    if (ferror(f))
        return VKC_FAIL(VKC_E_IO, "cannot read %s: %s", where, nn_reason(errno));
    *is_there = len > 0;
    line[len < NN_PATH_MAX ? len : NN_PATH_MAX - 1] = '\0';
    return len < NN_PATH_MAX ? VKC_OK : VKC_FAIL(VKC_E_FORMAT, "a line of %s is longer than %d bytes", where,
                                                 NN_PATH_MAX - 1);
}

void nn_paths_finish(nn_paths *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->path[i]);
    free(list->path);
    memset(list, 0, sizeof *list);
}
