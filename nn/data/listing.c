// listing.c — folders walked; names sorted.
#include "nn/data/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/base/paths.h"

#define MAX_IMAGES (1u << 28)
#define MAX_DEPTH 64                // of folders below a class folder
#define MAX_FOLDERS (1u << 20)      // of a class; links to links multiply

char *nn_text_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

vkc_status nn_names_add(nn_names *list, const char *name)
{
    if (list->n == list->room) {
        const size_t room = list->room > 0 ? 2 * list->room : 64;
        char **more = realloc(list->name, room * sizeof *more);
        if (more == NULL)
            return VKC_FAIL(VKC_E_NOMEM, "no memory to list %zu folders", room);
        list->name = more;
        list->room = room;
    }
    list->name[list->n] = nn_text_copy(name);
    if (list->name[list->n] == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to list %zu folders", list->n + 1);
    list->n++;
    return VKC_OK;
}

void nn_names_finish(nn_names *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->name[i]);
    free(list->name);
    memset(list, 0, sizeof *list);
}

static bool is_passed_over(const char *name)
{
    return name[0] == '.' || strcmp(name, "__MACOSX") == 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

vkc_status nn_names_list(const char *folder, nn_names *out, uint64_t *loose)
{
    vkc_status st = VKC_OK;
    char path[NN_PATH_MAX];
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return VKC_FAIL(VKC_E_IO, "cannot read the folder %s: %s", folder, nn_reason(errno));
    for (struct dirent *e; (errno = 0, e = readdir(dir)) != NULL;) {
        if (is_passed_over(e->d_name))
            continue;
        VKC_TRY(nn_path_build(path, folder, e->d_name));
        if (nn_is_folder(path))
            VKC_TRY(nn_names_add(out, e->d_name));
        else
            *loose += nn_is_picture(e->d_name);
    }
    if (errno != 0)
        st = VKC_FAIL(VKC_E_IO, "cannot list the folder %s: %s", folder, nn_reason(errno));
    if (out->n > 0)
        qsort(out->name, out->n, sizeof *out->name, by_text);
done:
    closedir(dir);
    return st;
}

static vkc_status make_room(nn_listing *list)
{
    if (list->n < list->room)
        return VKC_OK;
    const uint32_t room = list->room > 0 ? 2 * list->room : 256;
    nn_picture *more = room <= MAX_IMAGES ? realloc(list->picture, room * sizeof *more) : NULL;
    if (more == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to list %u pictures", room);
    list->picture = more;
    list->room = room;
    return VKC_OK;
}

vkc_status nn_listing_move(nn_listing *list, nn_picture *p)
{
    vkc_status st = make_room(list);
    if (st != VKC_OK)
        return st;
    list->picture[list->n++] = *p;
    p->file = NULL;
    return VKC_OK;
}

void nn_listing_finish(nn_listing *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        free(list->picture[i].file);
    free(list->picture);
    memset(list, 0, sizeof *list);
}

typedef struct walk {
    nn_listing  *list;
    nn_left_out *left;
    uint32_t label, folders;
    char     path[NN_PATH_MAX];     // of the folder that is walked; grows and shrinks
    struct { dev_t dev; ino_t ino; } above[MAX_DEPTH + 1];
} walk;

static bool is_circle(const walk *w, int depth, const struct stat *s)
{
    for (int i = 0; i < depth; i++)
        if (w->above[i].dev == s->st_dev && w->above[i].ino == s->st_ino)
            return true;
    return false;
}

static vkc_status walk_folder(walk *w, int depth, const struct stat *s);

// What w->path is: `name` is its last part.
static vkc_status add_entry(walk *w, const char *name, int depth)
{
    struct stat s;
    const bool is_picture = nn_is_picture(name);
    if (stat(w->path, &s) != 0) {           // a link that leads nowhere
        w->left->unreadable += is_picture;
        if (!is_picture)
            nn_left_out_add_kind(w->left, name);
        return VKC_OK;
    }
    if (S_ISDIR(s.st_mode))
        return walk_folder(w, depth + 1, &s);
    if (!is_picture || !S_ISREG(s.st_mode)) {
        nn_left_out_add_kind(w->left, S_ISREG(s.st_mode) ? name : "");
        return VKC_OK;
    }
    if (access(w->path, R_OK) != 0) {
        w->left->unreadable++;
        return VKC_OK;
    }
    nn_picture p = { w->label, nn_text_copy(w->path), (uint64_t) s.st_size };
    vkc_status st = p.file != NULL ? nn_listing_move(w->list, &p)
                                   : VKC_FAIL(VKC_E_NOMEM, "no memory to list %u pictures", w->list->n + 1);
    free(p.file);
    return st;
}

// The recursion is at most MAX_DEPTH deep. `s` is what stat says of w->path.
static vkc_status walk_folder(walk *w, int depth, const struct stat *s)
{
    vkc_status st = VKC_OK;
    const size_t len = strlen(w->path);
    if (++w->folders > MAX_FOLDERS)
        return VKC_FAIL(VKC_E_FORMAT, "%s: more than %u folders are below one class", w->path, MAX_FOLDERS);
    if (is_circle(w, depth, s))
        return VKC_OK;                      // what is in it is listed already
    DIR *dir = depth <= MAX_DEPTH ? opendir(w->path) : NULL;
    if (dir == NULL) {
        w->left->folders++;
        return VKC_OK;
    }
    w->above[depth].dev = s->st_dev;
    w->above[depth].ino = s->st_ino;
    struct dirent *e;
    while (st == VKC_OK && (errno = 0, e = readdir(dir)) != NULL) {
        const size_t more = strlen(e->d_name);
        if (is_passed_over(e->d_name))
            continue;
        if (len + 1 + more >= sizeof w->path) {
            w->left->unreadable++;
            continue;
        }
        w->path[len] = '/';
        memcpy(w->path + len + 1, e->d_name, more + 1);
        st = add_entry(w, e->d_name, depth);
        w->path[len] = '\0';
    }
    if (st == VKC_OK && errno != 0)
        w->left->folders++;                 // listed in part
    closedir(dir);
    return st;
}

// By folder, then by name.
static int by_place(const void *a, const void *b)
{
    const char *x = ((const nn_picture *) a)->file, *y = ((const nn_picture *) b)->file;
    const size_t nx = (size_t) (strrchr(x, '/') - x), ny = (size_t) (strrchr(y, '/') - y);
    const int order = memcmp(x, y, nx < ny ? nx : ny);
    if (order != 0)
        return order;
    return nx != ny ? (nx < ny ? -1 : 1) : strcmp(x + nx, y + ny);
}

vkc_status nn_listing_add(nn_listing *list, const char *folder, uint32_t label, nn_left_out *left)
{
    const uint32_t first = list->n;
    walk *w = calloc(1, sizeof *w);
    if (w == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to list %s", folder);
    w->list = list;
    w->left = left;
    w->label = label;
    vkc_status st = VKC_FAIL(VKC_E_ARG, "the path of a class folder is too long");
    if (strlen(folder) < sizeof w->path) {
        struct stat s;
        memcpy(w->path, folder, strlen(folder) + 1);
        st = VKC_OK;
        if (stat(folder, &s) == 0)
            st = walk_folder(w, 0, &s);
        else
            left->folders++;
    }
    free(w);
    if (st == VKC_OK && list->n > first)
        qsort(list->picture + first, list->n - first, sizeof *list->picture, by_place);
    return st;
}
