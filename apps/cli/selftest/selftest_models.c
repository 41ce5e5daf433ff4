// selftest_models.c — golden models from the program into a folder, and the folder removed.
#include "apps/cli/selftest/selftest_models.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/base/leftovers.h"

const char *selftest_next(const char *model)
{
    const selftest_file *f = selftest_files;
    while (f->model && model && strcmp(f->model, model) != 0)
        f++;
    while (f->model && model && strcmp(f->model, model) == 0)
        f++;
    return f->model;
}

#define MAX_LEFTOVERS 16            // paths of one model

static int leftover[MAX_LEFTOVERS], n_leftovers;

// To go when the program is ended by a signal.
static void keep_leftover(const char *path)
{
    if (n_leftovers < MAX_LEFTOVERS)
        leftover[n_leftovers++] = nn_leftover_add(path);
}

static vkc_status write_file(const selftest_file *f, const char *dir)
{
    char path[NN_PATH_MAX];
    vkc_status st = nn_path_build(path, dir, f->name);
    unsigned char *bytes = (unsigned char *) malloc(f->size + 1);
    if (!bytes)
        return VKC_FAIL(VKC_E_NOMEM, "selftest: out of host memory");
    for (size_t i = 0; i < f->size; i++)
        bytes[i] = (unsigned char) (f->words[i / 8] >> (56 - 8 * (i % 8)));
    if (st == VKC_OK)
        keep_leftover(path);
    if (st == VKC_OK)
        st = nn_file_save(path, bytes, f->size);
    free(bytes);
    return st;
}

vkc_status selftest_unpack(const char *model, char dir[SELFTEST_PATH_MAX])
{
    const char *given = getenv("TMPDIR"), *tmp = given && *given ? given : "/tmp";
    vkc_status st = VKC_OK;
    const int n = snprintf(dir, SELFTEST_PATH_MAX, "%s/pare-selftest-XXXXXX", tmp);
    if (n >= SELFTEST_PATH_MAX || !mkdtemp(dir)) {
        st = VKC_FAIL(VKC_E_IO, "cannot make a folder for a golden model below %.200s: %s", tmp,
                      n >= SELFTEST_PATH_MAX ? "its name is too long" : nn_reason(errno));
        dir[0] = '\0';
        return st;
    }
    keep_leftover(dir);
    for (const selftest_file *f = selftest_files; f->model && st == VKC_OK; f++)
        if (strcmp(f->model, model) == 0)
            st = write_file(f, dir);
    return st;
}

void selftest_remove(const char *model, const char *dir)
{
    char path[NN_PATH_MAX];
    if (!*dir)
        return;
    for (const selftest_file *f = selftest_files; f->model; f++)
        if (strcmp(f->model, model) == 0 && nn_path_build(path, dir, f->name) == VKC_OK)
            unlink(path);
    rmdir(dir);
    while (n_leftovers > 0)
        nn_leftover_drop(leftover[--n_leftovers]);
}
