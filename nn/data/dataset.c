// dataset.c — listing class folders and reading their pictures; the built-in set beside them.
#include "nn/data/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/image/image.h"
#include "nn/base/json.h"
#include "nn/base/limits.h"
#include "nn/base/paths.h"
#include "nn/data/synth.h"

#define MAX_IMAGES (1u << 28)
#define SYNTH "synth:ringed-digit"

typedef struct names {              // sorted, owned
    char **name;
    size_t n;
} names;

typedef struct picture {
    uint32_t label;
    char    *file;                  // owned
} picture;

typedef struct listing {
    picture *pictures;
    uint32_t n, room;
} listing;

struct nn_dataset {
    char    *spec;
    bool     has_splits, is_synth, is_fresh;
    names    classes;
    listing  list[NN_N_SPLITS];     // without splits only the first
    uint32_t synth_len[NN_N_SPLITS];
};

static const char *const split_names[NN_N_SPLITS] = { "train", "val", "test" };

vkc_status nn_split_get(const char *name, nn_split *out)
{
    for (int i = 0; i < NN_N_SPLITS; i++) {
        if (strcmp(name, split_names[i]) == 0) {
            *out = (nn_split) i;
            return VKC_OK;
        }
    }
    return VKC_FAIL(VKC_E_ARG, "the split '%.40s' is none of train, val and test", name);
}

const char *nn_split_name(nn_split split)
{
    return split_names[split];
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

static void finish_names(names *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->name[i]);
    free(list->name);
    memset(list, 0, sizeof *list);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

// The folders in a folder, or the pictures in it; hidden ones left out.
static vkc_status list_folder(const char *folder, bool want_folders, names *out)
{
    vkc_status st = VKC_OK;
    char path[NN_PATH_MAX];
    size_t room = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return VKC_FAIL(VKC_E_IO, "cannot read the folder %s: %s", folder, nn_reason(errno));
    for (struct dirent *e; (errno = 0, e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.' || (!want_folders && !nn_is_picture(e->d_name)))
            continue;
        VKC_TRY(nn_path_build(path, folder, e->d_name));
        if (want_folders && !nn_is_folder(path))
            continue;
        if (out->n == room) {
            room = room > 0 ? 2 * room : 64;
            char **more = realloc(out->name, room * sizeof *more);
            if (more == NULL) {
                st = VKC_FAIL(VKC_E_NOMEM, "no memory to list %s", folder);
                goto done;
            }
            out->name = more;
        }
        out->name[out->n] = copy_text(e->d_name);
        if (out->name[out->n] == NULL) {
            st = VKC_FAIL(VKC_E_NOMEM, "no memory to list %s", folder);
            goto done;
        }
        out->n++;
    }
    if (errno != 0)
        st = VKC_FAIL(VKC_E_IO, "cannot list the folder %s: %s", folder, nn_reason(errno));
    if (out->n > 0)
        qsort(out->name, out->n, sizeof *out->name, by_text);
done:
    closedir(dir);
    return st;
}

static vkc_status add_class(nn_dataset *d, listing *list, const char *folder, const char *name, uint32_t label)
{
    vkc_status st;
    names files = { 0 };
    char path[NN_PATH_MAX], file[NN_PATH_MAX];
    VKC_TRY(nn_path_build(path, folder, name));
    VKC_TRY(list_folder(path, false, &files));
    for (size_t i = 0; i < files.n; i++) {
        VKC_TRY(nn_path_build(file, path, files.name[i]));
        if (list->n == list->room) {
            uint32_t room = list->room > 0 ? 2 * list->room : 256;
            picture *more = room <= MAX_IMAGES ? realloc(list->pictures, room * sizeof *more) : NULL;
            if (more == NULL) {
                st = VKC_FAIL(VKC_E_NOMEM, "no memory to list the pictures of %s", d->spec);
                goto done;
            }
            list->pictures = more;
            list->room = room;
        }
        list->pictures[list->n].label = label;
        list->pictures[list->n].file = copy_text(file);
        if (list->pictures[list->n].file == NULL) {
            st = VKC_FAIL(VKC_E_NOMEM, "no memory to list the pictures of %s", d->spec);
            goto done;
        }
        list->n++;
    }
done:
    finish_names(&files);
    return st;
}

// List one split. The first with classes says which there are; the others may have fewer, not others.
static vkc_status add_split(nn_dataset *d, listing *list, const char *folder)
{
    names found = { 0 };
    vkc_status st;
    VKC_TRY(list_folder(folder, true, &found));
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
    finish_names(&found);
    return st;
}

static vkc_status check_classes(const nn_dataset *d)
{
    uint64_t n = 0;
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
    if (n == 0)
        return VKC_FAIL(VKC_E_FORMAT, "no usable image in %s: the class folders hold no .jpg, .jpeg or .png file",
                        d->spec);
    return VKC_OK;
}

static vkc_status open_folder(nn_dataset *d)
{
    char path[NN_PATH_MAX];
    vkc_status st;
    if (*d->spec == '\0')
        return VKC_FAIL(VKC_E_ARG, "the name of the data set is empty: want a folder, or synth:ringed-digit");
    VKC_TRY(nn_folder_check(d->spec));
    for (int s = 0; s < NN_N_SPLITS; s++) {
        VKC_TRY(nn_path_build(path, d->spec, split_names[s]));
        if (nn_is_folder(path)) {
            d->has_splits = true;
            VKC_TRY(add_split(d, &d->list[s], path));
        }
    }
    if (!d->has_splits)
        VKC_TRY(add_split(d, &d->list[0], d->spec));
    st = check_classes(d);
done:
    return st;
}

static vkc_status read_option(nn_dataset *d, const char *text, size_t len)
{
    static const char *const keys[] = { "train=", "val=", "test=", "fresh=" };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        size_t at = strlen(keys[k]);
        uint32_t x = 0, max = k == 3 ? 1 : 1u << 24;
        if (len <= at || len > at + 8 || strncmp(text, keys[k], at) != 0)
            continue;
        while (at < len && text[at] >= '0' && text[at] <= '9')
            x = x * 10 + (uint32_t) (text[at++] - '0');
        if (at < len || x > max)
            break;
        if (k == 3)
            d->is_fresh = x != 0;
        else
            d->synth_len[k] = x;
        return VKC_OK;
    }
    return VKC_FAIL(VKC_E_ARG, SYNTH ": '%.*s' is not train=, val= or test= with at most 16777216, or fresh=0 or 1",
                    (int) (len < 60 ? len : 60), text);
}

static vkc_status open_synth(nn_dataset *d)
{
    static const uint32_t defaults[NN_N_SPLITS] = { 8192, 1000, 2000 };
    const char *p = d->spec + strlen(SYNTH);
    d->is_synth = d->has_splits = d->is_fresh = true;
    memcpy(d->synth_len, defaults, sizeof defaults);
    if (strncmp(d->spec, SYNTH, strlen(SYNTH)) != 0 || (*p != '\0' && *p != ','))
        return VKC_FAIL(VKC_E_ARG, "the built-in data set '%.60s' is not there; there is " SYNTH, d->spec);
    while (*p == ',') {
        size_t len = strcspn(p + 1, ",");
        vkc_status st = read_option(d, p + 1, len);
        if (st != VKC_OK)
            return st;
        p += 1 + len;
    }
    d->classes.name = calloc(NN_SYNTH_CLASSES, sizeof *d->classes.name);
    for (size_t i = 0; d->classes.name != NULL && i < NN_SYNTH_CLASSES; i++) {
        const char digit[2] = { (char) ('0' + i), '\0' };
        if ((d->classes.name[i] = copy_text(digit)) == NULL)
            break;
        d->classes.n++;
    }
    return d->classes.n == NN_SYNTH_CLASSES ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "no memory for " SYNTH);
}

vkc_status nn_dataset_create(const char *spec, nn_dataset **out)
{
    vkc_status st;
    nn_dataset *d = calloc(1, sizeof *d);
    if (d == NULL || (d->spec = copy_text(spec)) == NULL) {
        free(d);
        return VKC_FAIL(VKC_E_NOMEM, "no memory to list a data set");
    }
    VKC_TRY(strncmp(spec, "synth:", 6) == 0 ? open_synth(d) : open_folder(d));
    *out = d, d = NULL;
done:
    nn_dataset_destroy(d);
    return st;
}

void nn_dataset_destroy(nn_dataset *d)
{
    if (d == NULL)
        return;
    for (int s = 0; s < NN_N_SPLITS; s++) {
        for (uint32_t i = 0; i < d->list[s].n; i++)
            free(d->list[s].pictures[i].file);
        free(d->list[s].pictures);
    }
    finish_names(&d->classes);
    free(d->spec);
    free(d);
}

const char *nn_dataset_spec(const nn_dataset *d)
{
    return d->spec;
}

bool nn_dataset_has_splits(const nn_dataset *d)
{
    return d->has_splits;
}

uint32_t nn_dataset_classes(const nn_dataset *d)
{
    return (uint32_t) d->classes.n;
}

const char *const *nn_dataset_labels(const nn_dataset *d)
{
    return (const char *const *) d->classes.name;
}

static const listing *get_list(const nn_dataset *d, nn_split split)
{
    return &d->list[d->has_splits ? split : NN_SPLIT_TRAIN];
}

uint32_t nn_dataset_len(const nn_dataset *d, nn_split split)
{
    return d->is_synth ? d->synth_len[split] : get_list(d, split)->n;
}

uint32_t nn_dataset_label(const nn_dataset *d, nn_split split, uint32_t i)
{
    return d->is_synth ? i % NN_SYNTH_CLASSES : get_list(d, split)->pictures[i].label;
}

bool nn_dataset_is_oriented(const nn_dataset *d)
{
    return d->is_synth;
}

bool nn_dataset_is_fresh(const nn_dataset *d, nn_split split)
{
    return d->is_synth && d->is_fresh && split == NN_SPLIT_TRAIN;
}

uint64_t nn_dataset_synth_seed(nn_split split)
{
    return 1 + (uint64_t) split;
}

vkc_status nn_dataset_path(const nn_dataset *d, nn_split split, uint32_t i, char *out)
{
    int n = d->is_synth ? snprintf(out, NN_PATH_MAX, SYNTH " %s %u", split_names[split], i)
                        : snprintf(out, NN_PATH_MAX, "%s", get_list(d, split)->pictures[i].file);
    return n > 0 && n < NN_PATH_MAX ? VKC_OK : VKC_FAIL(VKC_E_ARG, "the path of a picture is too long");
}

vkc_status nn_dataset_read(const nn_dataset *d, nn_split split, uint32_t i, uint64_t epoch,
                           const nn_preprocess *pre, nn_size size, uint8_t *rgb)
{
    nn_image im = { 0 };
    uint8_t drawn[NN_SYNTH_SIZE * NN_SYNTH_SIZE * 3];
    if (i >= nn_dataset_len(d, split))
        return VKC_FAIL(VKC_E_ARG, "%s has no picture %u in %s", d->spec, i, split_names[split]);
    if (d->is_synth) {
        // Epochs are a multiple of ten apart, so that a picture keeps its label.
        uint64_t apart = (d->synth_len[split] + 9u) / 10u * 10u;
        uint64_t index = i + (nn_dataset_is_fresh(d, split) ? epoch * apart : 0);
        nn_synth_read(nn_dataset_synth_seed(split), index, drawn, NULL);
        im = (nn_image) { NN_SYNTH_SIZE, NN_SYNTH_SIZE, drawn };
        return nn_preprocess_run(pre, d->spec, &im, size, rgb);
    }
    const char *file = get_list(d, split)->pictures[i].file;
    vkc_status st = nn_image_load(file, &im);
    if (st == VKC_OK)
        st = nn_preprocess_run(pre, file, &im, size, rgb);
    nn_image_finish(&im);
    return st;
}
