// dataset_folder.c — a folder of class folders opened: its splits, its classes, and the parts of a plain one.
#include "nn/data/dataset_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/base/limits.h"
#include "nn/base/paths.h"
#include "nn/data/parts.h"

#define SPELLINGS 3

// The first is said in messages. A folder of one of the other names is a split only where there are folders in it: else
// it is a class.
static const char *const names[NN_N_SPLITS][SPELLINGS] = {
    { "train", "training", NULL }, { "val", "validation", "valid" }, { "test", "testing", NULL },
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static vkc_status add_class(nn_dataset *d, nn_listing *list, const char *folder, const char *name, uint32_t label)
{
    char path[NN_PATH_MAX];
    vkc_status st = nn_path_build(path, folder, name);
    return st == VKC_OK ? nn_listing_add(list, path, label, &d->left_out) : st;
}

// List one split. The first with classes says which there are; the others may have fewer, not others.
static vkc_status add_split(nn_dataset *d, nn_listing *list, const char *folder)
{
    nn_names found = { 0 };
    vkc_status st;
    VKC_TRY(nn_names_list(folder, &found, &d->left_out.loose));
    if (d->classes.n == 0) {
        d->classes = found;
        memset(&found, 0, sizeof found);
        for (size_t i = 0; i < d->classes.n; i++)
            VKC_TRY(add_class(d, list, folder, d->classes.name[i], (uint32_t) i));
        goto done;
    }
    for (size_t i = 0; i < found.n; i++) {
        char **at = bsearch(&found.name[i], d->classes.name, d->classes.n, sizeof *at, by_text);
        if (at == NULL) {
            st = VKC_FAIL(VKC_E_FORMAT, "%s has a class %.100s that no earlier split of %s has", folder, found.name[i],
                          d->spec);
            goto done;
        }
        VKC_TRY(add_class(d, list, folder, found.name[i], (uint32_t) (at - d->classes.name)));
    }
done:
    nn_names_finish(&found);
    return st;
}

static vkc_status check_classes(const nn_dataset *d)
{
    uint64_t n = 0;
    char left[600];
    if (d->classes.n == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s holds no class folders", d->spec);
    if (d->classes.n > NN_MAX_CLASSES)
        return VKC_FAIL(VKC_E_FORMAT, "%s holds more than %d class folders", d->spec, NN_MAX_CLASSES);
    for (size_t i = 0; i < d->classes.n; i++)
        if (strlen(d->classes.name[i]) > NN_MAX_LABEL || !nn_is_printable(d->classes.name[i]))
            return VKC_FAIL(VKC_E_FORMAT, "the name of a class folder in %s is longer than %d bytes or has control "
                            "characters", d->spec, NN_MAX_LABEL);
    for (int s = 0; s < NN_N_SPLITS; s++)
        n += d->list[s].n;
    nn_left_out_text(&d->left_out, left, sizeof left);
    if (n == 0)
        return VKC_FAIL(VKC_E_FORMAT, "no usable image in %s: the class folders hold no " NN_PICTURE_ENDINGS
                        " file%s%s",
                        d->spec, *left ? "; " : "", left);
    return VKC_OK;
}

static bool has_folders(const char *folder)
{
    nn_names list = { 0 };
    uint64_t loose = 0;
    const bool has = nn_names_list(folder, &list, &loose) == VKC_OK && list.n > 0;
    nn_names_finish(&list);
    return has;
}

// The folder of split s below the data set's, "" when there is none.
static vkc_status find_split(const nn_dataset *d, int s, char path[NN_PATH_MAX])
{
    const char *first = NULL;
    vkc_status st;
    for (int k = 0; k < SPELLINGS && names[s][k] != NULL; k++) {
        char at[NN_PATH_MAX];
        VKC_TRY(nn_path_build(at, d->spec, names[s][k]));
        if (!nn_is_folder(at) || (k > 0 && !has_folders(at)))
            continue;
        if (first != NULL)
            return VKC_FAIL(VKC_E_FORMAT, "%s has both %s/ and %s/: which of them is the %s split?", d->spec, first,
                            names[s][k], names[s][0]);
        first = names[s][k];
    }
    path[0] = '\0';
    st = first != NULL ? nn_path_build(path, d->spec, first) : VKC_OK;
done:
    return st;
}

// Deal the pictures of the whole folder out to the splits, in their order.
static vkc_status split(nn_dataset *d, const nn_dataset_params *p)
{
    nn_listing all = d->list[0];
    uint8_t *part = calloc(all.n + 1u, 1);
    vkc_status st;
    d->list[0] = (nn_listing) { .picture = NULL };
    if (part == NULL)
        st = VKC_FAIL(VKC_E_NOMEM, "no memory to split %u pictures", all.n);
    else
        st = nn_parts_make(&all, (uint32_t) d->classes.n, p->split_seed, p->progress, p->user, part, &d->contents);
    for (uint32_t i = 0; i < all.n && st == VKC_OK; i++)
        st = nn_listing_move(&d->list[part[i]], &all.picture[i]);
    nn_listing_finish(&all);
    free(part);
    d->is_split = st == VKC_OK;
    d->split_seed = p->split_seed;
    return st;
}

vkc_status nn__dataset_open_folder(nn_dataset *d, const nn_dataset_params *p)
{
    char path[NN_N_SPLITS][NN_PATH_MAX];
    nn_names found = { 0 };
    vkc_status st;
    size_t n_splits = 0;
    if (*d->spec == '\0')
        return VKC_FAIL(VKC_E_ARG, "the name of the data set is empty: want a folder, or synth:ringed-digit");
    VKC_TRY(nn_folder_check(d->spec));
    for (int s = 0; s < NN_N_SPLITS; s++) {
        VKC_TRY(find_split(d, s, path[s]));
        n_splits += path[s][0] != '\0';
    }
    d->has_splits = n_splits > 0;
    for (int s = 0; s < NN_N_SPLITS; s++)
        if (path[s][0] != '\0')
            VKC_TRY(add_split(d, &d->list[s], path[s]));
    if (d->has_splits) {
        VKC_TRY(nn_names_list(d->spec, &found, &d->left_out.loose));
        d->left_out.beside = found.n - n_splits;
    } else {
        VKC_TRY(add_split(d, &d->list[0], d->spec));
    }
    VKC_TRY(check_classes(d));
    if (!d->has_splits && !p->whole)
        st = split(d, p);
done:
    nn_names_finish(&found);
    return st;
}
