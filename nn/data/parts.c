// parts.c — contents hashed, sorted and dealt out class by class.
#include "nn/data/parts.h"

#include <stdlib.h>
#include <string.h>

#include "nn/base/source.h"

#define SHARE 0.15                  // of val, and of test
#define TOLD 256u                   // files between two questions whether to go on

typedef struct file {
    uint64_t hash;
    uint32_t label, at;             // its place in the list
} file;

typedef struct content {            // files that are alike
    uint64_t order;                 // by which those of a class are dealt out
    uint32_t home, first, n;        // the class that it counts with; its files
} content;

static uint64_t mix(uint64_t x)     // every bit of x on every bit: the last step of splitmix64
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

// Of size and bytes; of a file that cannot be read, of its path: reading it later says what is wrong.
static uint64_t hash_file(const char *path)
{
    nn_source src = { 0 };
    uint64_t h = NN_HASH_START;
    vkc_status st = nn_source_open(path, &src);
    if (st == VKC_OK) {
        h = nn_hash_add(h, &src.size, sizeof src.size);
        st = nn_hash_add_source(&h, &src);
    }
    nn_source_close(&src);
    return mix(st == VKC_OK ? h : nn_hash_add(NN_HASH_START, path, strlen(path)));
}

static int by_hash(const void *a, const void *b)
{
    const file *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->label != y->label ? (x->label < y->label ? -1 : 1) : (x->at > y->at) - (x->at < y->at);
}

static int by_home(const void *a, const void *b)
{
    const content *x = a, *y = b;
    if (x->home != y->home)
        return x->home < y->home ? -1 : 1;
    return x->order != y->order ? (x->order < y->order ? -1 : 1) : (x->first > y->first) - (x->first < y->first);
}

// So many of n contents of a class are in val, and as many in test.
static uint32_t get_share(uint32_t n)
{
    const uint32_t share = (uint32_t) (SHARE * n + 0.5);
    return share > 0 || n < 3 ? share : 1;
}

static void deal(const file *f, content *c, uint32_t n, uint8_t *part)
{
    qsort(c, n, sizeof *c, by_home);
    for (uint32_t start = 0, end; start < n; start = end) {
        for (end = start; end < n && c[end].home == c[start].home; end++) { }
        const uint32_t share = get_share(end - start);
        for (uint32_t i = start; i < end; i++) {
            const uint8_t p = i - start < share ? 1 : i - start < 2 * share ? 2 : 0;
            for (uint32_t k = 0; k < c[i].n; k++)
                part[f[c[i].first + k].at] = p;
        }
    }
}

vkc_status nn_parts_make(const nn_listing *list, uint32_t classes, uint64_t seed, nn_progress_fn progress, void *user,
                         uint8_t *part, uint64_t *contents)
{
    nn_pace pace = nn_pace_start();
    const uint64_t salt = mix(seed + 0x9e3779b97f4a7c15u);
    file *f = malloc(list->n * sizeof *f);
    content *c = malloc(list->n * sizeof *c);
    vkc_status st = f && c ? VKC_OK
        : VKC_FAIL(VKC_E_NOMEM, "no memory to split %u pictures of %u classes", list->n, classes);
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n && st == VKC_OK; i++) {
        f[i] = (file) { hash_file(list->picture[i].file), list->picture[i].label, i };
        if (i % TOLD == TOLD - 1 &&
            !nn_progress_report(progress, user, "split", "files", "", &pace, i + 1, list->n))
            st = VKC_FAIL(VKC_E_STOPPED, "split: stopped after %u files", i + 1);
    }
    if (st == VKC_OK) {
        uint64_t all = NN_HASH_START;
        qsort(f, list->n, sizeof *f, by_hash);
        for (uint32_t i = 0; i < list->n; i++) {
            if (i == 0 || f[i].hash != f[i - 1].hash) {
                c[n++] = (content) { mix(f[i].hash ^ salt), f[i].label, i, 0 };
                all = nn_hash_add(all, &f[i].hash, sizeof f[i].hash);
            }
            c[n - 1].n++;
        }
        *contents = all;
        deal(f, c, n, part);
    }
    free(c);
    free(f);
    return st;
}
