// fuzz_class_map.c — libFuzzer target: the first byte is the way to match, then come names, each up to its newline:
// those of folders, an empty line, and the labels of the classes. What is matched must be what the header says.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/data/class_map.h"

#define MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct names { const char *name[MAX]; uint32_t n; } names;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

// As the folders of a folder are: sorted, no two alike, none empty.
static void make_folders(names *f)
{
    uint32_t n = 0;
    if (f->n > 0)
        qsort(f->name, f->n, sizeof *f->name, by_text);
    for (uint32_t i = 0; i < f->n; i++)
        if (n == 0 || strcmp(f->name[n - 1], f->name[i]) != 0)
            f->name[n++] = f->name[i];
    f->n = n;
}

static void check(const nn_class_map_params *p)
{
    nn_class_map map;
    if (nn_class_map_make(p, &map) != VKC_OK)
        return;
    uint8_t *taken = calloc(p->n_classes, 1);
    if (taken == NULL)
        abort();
    for (uint32_t i = 0; i < p->n_folders; i++) {
        if (map.to[i] >= p->n_classes || taken[map.to[i]]++)
            abort();
        if (map.by_name && strstr(p->label[map.to[i]], p->folder[i]) == NULL)
            abort();
        if (p->how == NN_LABELS_INDEX && map.to[i] != i)
            abort();
    }
    free(taken);
    nn_class_map_finish(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    names folders = { .n = 0 }, labels = { .n = 0 }, *to = &folders;
    if (size < 2 || size > 1u << 16)
        return 0;
    char *text = malloc(size);
    if (text == NULL)
        abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    for (char *line = text; line != NULL;) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        if (to == &folders && *line == '\0')
            to = &labels;
        else if (to->n < MAX)
            to->name[to->n++] = line;
        line = end != NULL ? end + 1 : NULL;
    }
    make_folders(&folders);
    nn_class_map_params p = { .data = "D", .folder = folders.name, .label = labels.name, .n_folders = folders.n,
                              .n_classes = labels.n, .how = (nn_labels) (data[0] % 3) };
    if (folders.n > 0 && labels.n > 0) {
        check(&p);
        p.label = NULL;
        check(&p);
    }
    for (uint32_t i = 0; i + 1 < labels.n; i++)
        if (nn_compare_naturally(labels.name[i], labels.name[i + 1]) !=
            -nn_compare_naturally(labels.name[i + 1], labels.name[i]))
            abort();
    free(text);
    return 0;
}
