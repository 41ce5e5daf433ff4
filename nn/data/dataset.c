// dataset.c — a data set, once it is open: its classes, and its pictures read.
#include "nn/data/dataset_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/data/synth.h"
#include "nn/image/image.h"

static const char *const split_names[NN_N_SPLITS + 1] = { "train", "val", "test", "all" };

vkc_status nn_split_get(const char *name, nn_split *out)
{
    for (int i = 0; i <= NN_N_SPLITS; i++) {
        if (strcmp(name, split_names[i]) == 0) {
            *out = (nn_split) i;
            return VKC_OK;
        }
    }
    return VKC_FAIL(VKC_E_ARG, "the split '%.40s' is none of train, val, test and all", name);
}

const char *nn_split_name(nn_split split)
{
    return split_names[split];
}

static vkc_status make_flags(nn_dataset *d)
{
    for (int s = 0; s < NN_N_SPLITS; s++) {
        d->bad[s] = calloc(d->list[s].n + 1u, sizeof *d->bad[s]);
        if (d->bad[s] == NULL)
            return VKC_FAIL(VKC_E_NOMEM, "no memory to list %u pictures", d->list[s].n);
    }
    return VKC_OK;
}

vkc_status nn_dataset_create_with(const nn_dataset_params *p, nn_dataset **out)
{
    vkc_status st;
    nn_dataset *d = calloc(1, sizeof *d);
    if (d == NULL || (d->spec = nn_text_copy(p->spec)) == NULL) {
        free(d);
        return VKC_FAIL(VKC_E_NOMEM, "no memory to list a data set");
    }
    VKC_TRY(strncmp(p->spec, "synth:", 6) == 0 ? nn__dataset_open_synth(d) : nn__dataset_open_folder(d, p));
    VKC_TRY(make_flags(d));
    *out = d, d = NULL;
done:
    nn_dataset_destroy(d);
    return st;
}

vkc_status nn_dataset_create(const char *spec, nn_dataset **out)
{
    return nn_dataset_create_with(&(nn_dataset_params) { .spec = spec }, out);
}

// Names of the view's classes: the model's, or those of the folders in their new order.
static vkc_status set_labels(nn_dataset *d, const nn_dataset *of, const char *const *label, uint32_t classes)
{
    vkc_status st = VKC_OK;
    const char **name = calloc(classes + 1u, sizeof *name);
    if (name == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to match classes");
    for (size_t i = 0; i < of->classes.n && label == NULL; i++)
        name[d->to[i]] = of->classes.name[i];
    for (uint32_t k = 0; k < classes && st == VKC_OK; k++)
        st = nn_names_add(&d->classes, label != NULL ? label[k] : name[k] != NULL ? name[k] : "");
    free(name);
    return st;
}

vkc_status nn_dataset_create_view(const nn_dataset *of, const uint32_t *to, const char *const *label, uint32_t classes,
                                  nn_dataset **out)
{
    vkc_status st = VKC_OK;
    nn_dataset *d = malloc(sizeof *d);
    if (d == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to match classes");
    *d = *of;
    d->is_view = true;
    d->classes = (nn_names) { .name = NULL };
    d->to = malloc(of->classes.n * sizeof *d->to);
    if (d->to == NULL)
        st = VKC_FAIL(VKC_E_NOMEM, "no memory to match classes");
    for (size_t i = 0; i < of->classes.n && st == VKC_OK; i++)
        d->to[i] = to[i];
    if (st == VKC_OK)
        st = set_labels(d, of, label, classes);
    if (st == VKC_OK)
        *out = d, d = NULL;
    nn_dataset_destroy(d);
    return st;
}

void nn_dataset_destroy(nn_dataset *d)
{
    if (d == NULL)
        return;
    for (int s = 0; s < NN_N_SPLITS && !d->is_view; s++) {
        nn_listing_finish(&d->list[s]);
        free(d->bad[s]);
    }
    if (!d->is_view)
        free(d->spec);
    nn_names_finish(&d->classes);
    free(d->to);
    free(d);
}

const char *nn_dataset_spec(const nn_dataset *d)
{
    return d->spec;
}

void nn_dataset_set_pillow(nn_dataset *d, uint32_t pillow)
{
    d->pillow = pillow;
}

uint32_t nn_dataset_pillow(const nn_dataset *d)
{
    return d->pillow;
}

bool nn_dataset_has_splits(const nn_dataset *d)
{
    return d->has_splits;
}

bool nn_dataset_get_split(const nn_dataset *d, uint64_t *seed, uint64_t *contents)
{
    *seed = d->split_seed;
    *contents = d->contents;
    return d->is_split;
}

const nn_left_out *nn_dataset_left_out(const nn_dataset *d)
{
    return &d->left_out;
}

uint32_t nn_dataset_count_bad(const nn_dataset *d)
{
    uint32_t n = 0;
    for (int s = 0; s < NN_N_SPLITS; s++)
        for (uint32_t i = 0; i < d->list[s].n; i++)
            n += atomic_load_explicit(&d->bad[s][i], memory_order_relaxed);
    return n;
}

uint32_t nn_dataset_classes(const nn_dataset *d)
{
    return (uint32_t) d->classes.n;
}

const char *const *nn_dataset_labels(const nn_dataset *d)
{
    return (const char *const *) d->classes.name;
}

uint32_t nn_dataset_list_empty(const nn_dataset *d, uint32_t *out, uint32_t cap)
{
    const uint32_t n = (uint32_t) d->classes.n;
    uint32_t n_empty = 0;
    bool *has = calloc(n, sizeof *has);
    for (int s = 0; s < NN_N_SPLITS && has != NULL; s++)
        for (uint32_t i = 0; i < d->list[s].n; i++)
            has[nn_dataset_label(d, (nn_split) s, i)] = true;
    for (uint32_t k = 0; k < n && has != NULL && !d->is_synth; k++) {
        if (!has[k] && n_empty < cap)
            out[n_empty] = k;
        n_empty += !has[k];
    }
    free(has);                      // without memory nothing is said of them
    return n_empty;
}

static uint32_t count(const nn_dataset *d, nn_split split)
{
    return d->is_synth ? d->synth_len[split] : d->list[split].n;
}

uint32_t nn_dataset_len(const nn_dataset *d, nn_split split)
{
    if (split == NN_SPLIT_ALL)
        return count(d, NN_SPLIT_TRAIN) + count(d, NN_SPLIT_VAL) + count(d, NN_SPLIT_TEST);
    return d->is_synth || d->has_splits || d->is_split ? count(d, split) : 0;
}

// The split that picture *i of `split` is in, and its number there.
static nn_split locate(const nn_dataset *d, nn_split split, uint32_t *i)
{
    int s = split == NN_SPLIT_ALL ? 0 : (int) split;
    for (; split == NN_SPLIT_ALL && s < NN_N_SPLITS - 1 && *i >= count(d, (nn_split) s); s++)
        *i -= count(d, (nn_split) s);
    return (nn_split) s;
}

uint32_t nn_dataset_label(const nn_dataset *d, nn_split split, uint32_t i)
{
    split = locate(d, split, &i);
    const uint32_t label = d->is_synth ? i % NN_SYNTH_CLASSES : d->list[split].picture[i].label;
    return d->to != NULL ? d->to[label] : label;
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
    split = locate(d, split, &i);
    int n = d->is_synth ? snprintf(out, NN_PATH_MAX, NN_SYNTH_NAME " %s %u", split_names[split], i)
                        : snprintf(out, NN_PATH_MAX, "%s", d->list[split].picture[i].file);
    return n > 0 && n < NN_PATH_MAX ? VKC_OK : VKC_FAIL(VKC_E_ARG, "the path of a picture is too long");
}

uint64_t nn_dataset_file_size(const nn_dataset *d, nn_split split, uint32_t i)
{
    split = locate(d, split, &i);
    return d->is_synth ? 0 : d->list[split].picture[i].size;
}

bool nn_dataset_is_bad(const nn_dataset *d, nn_split split, uint32_t i)
{
    split = locate(d, split, &i);
    return !d->is_synth && atomic_load_explicit(&d->bad[split][i], memory_order_relaxed);
}

static vkc_status check_number(const nn_dataset *d, nn_split split, uint32_t i)
{
    if (i >= nn_dataset_len(d, split))
        return VKC_FAIL(VKC_E_ARG, "%s has no picture %u in %s", d->spec, i, split_names[split]);
    return VKC_OK;
}

static void draw(const nn_dataset *d, nn_split split, uint32_t i, uint64_t epoch, uint8_t *rgb)
{
    // Epochs are a multiple of ten apart, so that a picture keeps its label.
    uint64_t apart = (d->synth_len[split] + 9u) / 10u * 10u;
    uint64_t index = i + (nn_dataset_is_fresh(d, split) ? epoch * apart : 0);
    nn_synth_read(nn_dataset_synth_seed(split), index, rgb, NULL);
}

static vkc_status note_bad(const nn_dataset *d, nn_split split, uint32_t i, vkc_status st)
{
    if (st == VKC_E_FORMAT || st == VKC_E_IO)
        atomic_store_explicit(&d->bad[split][i], 1, memory_order_relaxed);
    return st;
}

vkc_status nn_dataset_read(const nn_dataset *d, nn_split split, uint32_t i, uint64_t epoch,
                           const nn_preprocess *pre, nn_size size, uint8_t *rgb)
{
    nn_image im = { 0 };
    nn_preprocess settings = *pre;
    uint8_t drawn[NN_SYNTH_SIZE * NN_SYNTH_SIZE * 3];
    vkc_status st = check_number(d, split, i);
    if (st != VKC_OK)
        return st;
    split = locate(d, split, &i);
    if (d->pillow != 0)
        settings.pillow = d->pillow;
    if (d->is_synth) {
        draw(d, split, i, epoch, drawn);
        im = (nn_image) { NN_SYNTH_SIZE, NN_SYNTH_SIZE, drawn };
        return nn_preprocess_run(&settings, d->spec, &im, size, rgb);
    }
    const char *file = d->list[split].picture[i].file;
    st = nn_image_load(file, &im);
    if (st == VKC_OK)
        st = nn_preprocess_run(&settings, file, &im, size, rgb);
    nn_image_finish(&im);
    return note_bad(d, split, i, st);
}

vkc_status nn_dataset_load(const nn_dataset *d, nn_split split, uint32_t i, uint64_t epoch, nn_image *out)
{
    *out = (nn_image) { 0 };
    const vkc_status st = check_number(d, split, i);
    if (st != VKC_OK)
        return st;
    split = locate(d, split, &i);
    if (!d->is_synth)
        return note_bad(d, split, i, nn_image_load(d->list[split].picture[i].file, out));
    uint8_t *rgb = malloc((size_t) NN_SYNTH_SIZE * NN_SYNTH_SIZE * 3);
    if (rgb == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for a picture of %u x %u pixels", NN_SYNTH_SIZE, NN_SYNTH_SIZE);
    draw(d, split, i, epoch, rgb);
    *out = (nn_image) { NN_SYNTH_SIZE, NN_SYNTH_SIZE, rgb };
    return VKC_OK;
}
