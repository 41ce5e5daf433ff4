// destination.c — may this path be written to? By what is there, not by its name.
#include "nn/base/destination.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/base/lock.h"

#define MAX_INFO ((size_t) 16 << 20)    // bytes of pare.json and run.json
#define MAX_HEAD ((size_t) 1 << 20)     // bytes of a file that tell its kind

static const struct { const char *what; bool is_folder; } kinds[] = {
    [NN_TO_MODEL] = { "a model folder of pare", true },
    [NN_TO_RUN] = { "a run folder of pare", true },
    [NN_TO_MAPS] = { "a folder of attention maps", true },
    [NN_TO_PNG] = { "a PNG file", false },
    [NN_TO_TENSORS] = { "a safetensors file that pare wrote", false },
    [NN_TO_PAGE] = { "a page of pare report", false },
};

// Length without the slashes at its end; "/" stays.
static size_t trimmed(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    return len;
}

vkc_status nn_destination_check_path(const char *name, const char *path)
{
    const size_t len = trimmed(path);
    size_t start = len;
    while (start > 0 && path[start - 1] != '/')
        start--;
    const char *last = path + start;
    const size_t n = len - start;
    if (len == 0)
        return VKC_FAIL(VKC_E_ARG, "%s: the path is empty", name);
    if (strcmp(path, "-") == 0)
        return VKC_FAIL(VKC_E_ARG, "%s: this is not written to standard output; want a path (./- for a file called -)",
                        name);
    if (n == 0 || (n == 1 && last[0] == '.') || (n == 2 && last[0] == '.' && last[1] == '.'))
        return VKC_FAIL(VKC_E_ARG, "%s: %s is a folder that holds others; want the path of one to make in it", name,
                        path);
    if (len >= NN_PATH_MAX)
        return VKC_FAIL(VKC_E_ARG, "%s: the path %.60s... is too long", name, path);
    return VKC_OK;
}

// What is at a path that is neither a file nor a folder.
static const char *special(mode_t mode)
{
    return S_ISLNK(mode) ? "a link" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

// *same: the file that says what a folder is names this format. A failure: it is there, and cannot be read.
static vkc_status has_format(const char *folder, const char *name, const char *format, bool *same)
{
    char path[NN_PATH_MAX];
    json_t *info = NULL;
    *same = false;
    vkc_status st = nn_path_build(path, folder, name);
    if (st != VKC_OK || !nn_is_file(path))
        return st;
    st = nn_json_load(path, MAX_INFO, &info);
    const char *is = st == VKC_OK ? json_string_value(json_object_get(info, "format")) : NULL;
    *same = is && strcmp(is, format) == 0;
    json_decref(info);
    return st;
}

static bool is_map(const char *name)
{
    const size_t len = strlen(name);
    return strncmp(name, "picture-", 8) == 0 && len > 12 && strcmp(name + len - 4, ".png") == 0;
}

typedef struct contents { bool is_empty, is_claimed, has_maps_only; } contents;

// A lock that a killed program left does not fill a folder, but says whose it is.
static vkc_status look(const nn_destination *o, contents *out)
{
    *out = (contents) { .is_empty = true, .has_maps_only = true };
    DIR *d = opendir(o->path);
    if (!d)
        return VKC_FAIL(VKC_E_IO, "%s: cannot read the folder %s: %s", o->name, o->path, nn_reason(errno));
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (strcmp(e->d_name, NN_LOCK_NAME) == 0) {
            out->is_claimed = true;
            continue;
        }
        out->is_empty = false;
        out->has_maps_only = out->has_maps_only && is_map(e->d_name);
    }
    closedir(d);
    return VKC_OK;
}

static vkc_status fail_there(const nn_destination *o)
{
    return VKC_FAIL(VKC_E_ARG, "%s: %s is there already; %s", o->name, o->path,
                    o->force_hint ? o->force_hint : "want another path");
}

static vkc_status fail_other(const nn_destination *o)
{
    return VKC_FAIL(VKC_E_ARG, "%s: %s is there already, and not %s: it is not replaced", o->name, o->path,
                    kinds[o->kind].what);
}

static vkc_status check_folder(const nn_destination *o)
{
    contents in;
    vkc_status st = look(o, &in);
    if (st != VKC_OK || in.is_empty)
        return st;
    bool is_ours = o->kind == NN_TO_MAPS ? in.has_maps_only : o->kind == NN_TO_MODEL && in.is_claimed;
    if (!is_ours && o->kind != NN_TO_MAPS)
        st = has_format(o->path, o->kind == NN_TO_RUN ? "run.json" : "pare.json",
                        o->kind == NN_TO_RUN ? "pare-run" : "pare", &is_ours);
    if (st != VKC_OK)
        return st;
    if (!is_ours)
        return fail_other(o);
    return o->force ? VKC_OK : fail_there(o);
}

// Are these bytes, the first of a file, what a file of this kind starts with?
static bool is_like(nn_destination_kind kind, const unsigned char *head, size_t n)
{
    static const unsigned char png[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    static const char page[] = "<meta name=\"generator\" content=\"pare ", tensors[] = "\"pixels\":";
    const char *want = kind == NN_TO_PAGE ? page : tensors;
    const size_t len = strlen(want);
    if (kind == NN_TO_PNG)
        return n >= sizeof png && memcmp(head, png, sizeof png) == 0;
    if (kind == NN_TO_TENSORS && (n < 9 || head[8] != '{'))
        return false;
    for (size_t i = 0; i + len <= n; i++)
        if (memcmp(head + i, want, len) == 0)
            return true;
    return false;
}

static vkc_status check_file(const nn_destination *o, const struct stat *sb)
{
    if (sb->st_size == 0)
        return o->force || o->kind == NN_TO_PAGE ? VKC_OK : fail_there(o);
    const int fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return VKC_FAIL(VKC_E_IO, "%s: cannot read %s: %s", o->name, o->path, nn_reason(errno));
    unsigned char *head = (unsigned char *) malloc(MAX_HEAD);
    const ssize_t n = head ? pread(fd, head, MAX_HEAD, 0) : 0;
    const bool same = n > 0 && is_like(o->kind, head, (size_t) n);
    free(head);
    close(fd);
    if (!same)
        return fail_other(o);
    return o->force ? VKC_OK : fail_there(o);
}

// Is `path` a place inside this folder? By the folders above it, whatever they are called.
static bool is_within(const char *path, const struct stat *folder)
{
    char at[NN_PATH_MAX];
    struct stat sb, below = { 0 };
    snprintf(at, sizeof at, "%.*s", (int) trimmed(path), path);
    char *slash = strrchr(at, '/');
    if (slash)
        slash[1] = '\0';
    else
        snprintf(at, sizeof at, "./");
    while (stat(at, &sb) == 0 && (sb.st_ino != below.st_ino || sb.st_dev != below.st_dev)) {
        const size_t len = strlen(at);
        if (sb.st_ino == folder->st_ino && sb.st_dev == folder->st_dev)
            return true;
        if (len + 4 > sizeof at)
            return false;
        memcpy(at + len, "../", 4);
        below = sb;
    }
    return false;
}

// A path, or one with a # and the entry of a checkpoint behind it (nn/checkpoint/weights.h).
static bool find_input(const char *input, char path[NN_PATH_MAX], struct stat *out)
{
    const char *key = strrchr(input, '#');
    snprintf(path, NN_PATH_MAX, "%s", input);
    if (stat(path, out) == 0)
        return true;
    if (!key || key - input >= NN_PATH_MAX)
        return false;
    path[key - input] = '\0';
    return stat(path, out) == 0;
}

// Does the file lie in the folder itself? A model that is a file is read with what its folder says.
static bool is_in(char path[NN_PATH_MAX], const struct stat *folder)
{
    struct stat sb;
    char *slash = strrchr(path, '/');
    if (slash)
        slash[1] = '\0';
    return stat(slash ? path : ".", &sb) == 0 && sb.st_dev == folder->st_dev && sb.st_ino == folder->st_ino;
}

// What is there already must not be what is read.
static vkc_status check_inputs(const nn_destination *o, const struct stat *sb)
{
    for (uint32_t i = 0; i < o->n_inputs; i++) {
        struct stat in;
        char path[NN_PATH_MAX];
        if (!o->input[i] || !find_input(o->input[i], path, &in))
            continue;
        if (S_ISDIR(sb->st_mode) && S_ISREG(in.st_mode) && is_in(path, sb))
            return VKC_FAIL(VKC_E_ARG, "%s: %s has %s in it, which is read: want another path", o->name, o->path,
                            o->input[i]);
        if (in.st_dev == sb->st_dev && in.st_ino == sb->st_ino)
            return VKC_FAIL(VKC_E_ARG, "%s: %s is what is read: want another path", o->name, o->path);
        if (S_ISDIR(in.st_mode) && is_within(o->path, &in))
            return VKC_FAIL(VKC_E_ARG, "%s: %s is part of %s, which is read: want another path", o->name, o->path,
                            o->input[i]);
    }
    return VKC_OK;
}

// A file's folder is to be there; before long work, not after it.
static vkc_status check_parent(const nn_destination *o)
{
    char dir[NN_PATH_MAX];
    snprintf(dir, sizeof dir, "%s", o->path);
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir ? 1 : 0] = '\0';
    if (slash && slash[1] == '\0' && slash != dir)
        return VKC_FAIL(VKC_E_ARG, "%s: %s is the name of a folder; want that of a file", o->name, o->path);
    const char *parent = slash ? dir : ".";
    if (!nn_is_folder(parent))
        return VKC_FAIL(VKC_E_IO, "%s: cannot write %s: there is no folder %s", o->name, o->path, parent);
    if (access(parent, W_OK | X_OK) != 0)
        return VKC_FAIL(VKC_E_IO, "%s: cannot write %s: %s", o->name, o->path, nn_reason(errno));
    return VKC_OK;
}

static vkc_status check_one(const nn_destination *o)
{
    struct stat sb;
    char path[NN_PATH_MAX];             // without slashes at its end, by which lstat would follow a link
    vkc_status st = nn_destination_check_path(o->name, o->path);
    if (st != VKC_OK)
        return st;
    snprintf(path, sizeof path, "%.*s", (int) trimmed(o->path), o->path);
    if (!kinds[o->kind].is_folder)
        st = check_parent(o);
    if (st != VKC_OK)
        return st;
    if (lstat(path, &sb) != 0)
        return errno == ENOENT ? VKC_OK
                               : VKC_FAIL(VKC_E_IO, "%s: cannot write %s: %s", o->name, o->path, nn_reason(errno));
    if (!S_ISDIR(sb.st_mode) && !S_ISREG(sb.st_mode))
        return VKC_FAIL(VKC_E_ARG, "%s: %s is there already, and %s: it is not replaced", o->name, o->path,
                        special(sb.st_mode));
    if (S_ISDIR(sb.st_mode) != kinds[o->kind].is_folder)
        return VKC_FAIL(VKC_E_ARG, "%s: %s is there already, and no %s", o->name, o->path,
                        kinds[o->kind].is_folder ? "folder" : "file");
    st = check_inputs(o, &sb);
    if (st != VKC_OK)
        return st;
    return kinds[o->kind].is_folder ? check_folder(o) : check_file(o, &sb);
}

vkc_status nn_destination_check(const nn_destination *o, uint32_t n)
{
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < n && st == VKC_OK; i++) {
        if (!o[i].path)
            continue;
        st = check_one(&o[i]);
        for (uint32_t k = 0; k < i && st == VKC_OK; k++)
            if (o[k].path && trimmed(o[k].path) == trimmed(o[i].path) &&
                strncmp(o[k].path, o[i].path, trimmed(o[i].path)) == 0)
                st = VKC_FAIL(VKC_E_ARG, "%s and %s are both %s: want two paths", o[k].name, o[i].name, o[i].path);
    }
    return st;
}
