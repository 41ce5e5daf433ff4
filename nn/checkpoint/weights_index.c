// weights_index.c — model.safetensors.index.json, pytorch_model.bin.index.json: which shard has which tensor, checked
// against the shards.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/base/json_scan.h"
#include "nn/checkpoint/weights_impl.h"

#define MAX_INDEX ((size_t) 32 << 20)
#define MAX_SHARD_NAME 255

typedef struct entry {              // of the weight_map
    const char *name;
    uint32_t place, shard;          // byte of the index; number of the file
} entry;

typedef struct index {
    const char *where, *tail;       // the index, and how its shards' names end
    entry      *e;                  // by name once read
    size_t      n, cap;
    const char *shard[NN_WEIGHTS_MAX_FILES];
    uint32_t    shard_place[NN_WEIGHTS_MAX_FILES];
    uint32_t    n_shards;
    bool        has_map, has_metadata;
} index;

// A file beside the index and nothing else.
static bool is_plain_name(const char *name, const char *end)
{
    const size_t len = strlen(name), tail = strlen(end);
    return len > tail && len <= MAX_SHARD_NAME && name[0] != '.' && strpbrk(name, "/\\:") == NULL &&
           nn_is_printable(name) && strcmp(name + len - tail, end) == 0;
}

static vkc_status find_shard(index *x, nn_scan *s, uint32_t *out)
{
    const size_t at = nn_scan_place(s);
    char *name;
    vkc_status st = nn_scan_string(s, &name);
    if (st != VKC_OK)
        return st;
    if (!is_plain_name(name, x->tail))
        return NN_SCAN_FAIL(s, at, "%.60s is no name of a %s file in the same folder",
                            nn_is_printable(name) ? name : "what has control characters", x->tail);
    for (uint32_t i = x->n_shards; i-- > 0;) {
        if (strcmp(x->shard[i], name) == 0) {
            *out = i;
            return VKC_OK;
        }
    }
    if (x->n_shards == NN_WEIGHTS_MAX_FILES)
        return NN_SCAN_FAIL(s, at, "more than %d files", NN_WEIGHTS_MAX_FILES);
    x->shard_place[x->n_shards] = (uint32_t) at;
    x->shard[x->n_shards] = name;
    *out = x->n_shards++;
    return VKC_OK;
}

static vkc_status read_pair(void *user, nn_scan *s, char *key, size_t key_at)
{
    index *x = user;
    if (key[0] == '\0' || strlen(key) > NN_ST_MAX_NAME || !nn_is_printable(key))
        return NN_SCAN_FAIL(s, key_at, "a tensor's name is empty, longer than %d bytes or has control characters",
                            NN_ST_MAX_NAME);
    if (x->n == NN_ST_MAX_TENSORS)
        return NN_SCAN_FAIL(s, key_at, "more than %d tensors", NN_ST_MAX_TENSORS);
    if (x->n == x->cap) {
        const size_t more = x->cap == 0 ? 4 : x->cap * 2;
        entry *grown = realloc(x->e, more * sizeof *grown);
        if (grown == NULL)
            return VKC_FAIL(VKC_E_NOMEM, "no memory for the index %s", x->where);
        x->e = grown;
        x->cap = more;
    }
    entry *e = &x->e[x->n++];
    *e = (entry) { .name = key, .place = (uint32_t) key_at };
    s->kind = "tensor", s->subject = key;
    vkc_status st = find_shard(x, s, &e->shard);
    s->subject = NULL;
    return st;
}

// `metadata` has the total size, which is not needed and not always right.
static vkc_status read_member(void *user, nn_scan *s, char *key, size_t key_at)
{
    index *x = user;
    bool *seen = strcmp(key, "weight_map") == 0 ? &x->has_map : strcmp(key, "metadata") == 0 ? &x->has_metadata : NULL;
    if (seen == NULL)
        return NN_SCAN_FAIL(s, key_at, "an index has just weight_map and metadata");
    if (*seen)
        return NN_SCAN_FAIL(s, key_at, "%s is there twice", key);
    *seen = true;
    return seen == &x->has_map ? nn_scan_object(s, read_pair, x) : nn_scan_skip(s);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *) a)->name, ((const entry *) b)->name);
}

static vkc_status read_text(index *x, char *text, size_t len)
{
    vkc_status st;
    nn_scan s = { .where = x->where, .text = text, .len = len };
    VKC_TRY(nn_scan_object(&s, read_member, x));
    VKC_TRY(nn_scan_end(&s));
    if (x->n == 0)
        return NN_SCAN_FAIL(&s, s.at, "there is no weight_map, or nothing in it");
    qsort(x->e, x->n, sizeof *x->e, by_name);
    for (size_t i = 1; i < x->n; i++)
        if (by_name(&x->e[i - 1], &x->e[i]) == 0)
            return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s, byte %u: the name is there twice, also at byte %u", x->where,
                            x->e[i].name, x->e[i].place, x->e[i - 1].place);
done:
    return st;
}

static vkc_status open_shards(nn_weights *w, const index *x, const char *folder)
{
    char path[NN_PATH_MAX];
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < x->n_shards; i++) {
        VKC_TRY(nn_path_build(path, folder, x->shard[i]));
        if (!nn_is_file(path))
            return VKC_FAIL(VKC_E_FORMAT, "%s: byte %u: the file %s is not in the folder", x->where, x->shard_place[i],
                            x->shard[i]);
        VKC_TRY(nn__weights_open(path, NULL, &w->file[w->n_files]));
        w->n_files++;
    }
done:
    return st;
}

// Every entry has its tensor; then every tensor has its entry unless there are more of them.
static vkc_status check_entries(const nn_weights *w, const index *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (nn_safetensors_get(w->file[x->e[i].shard], x->e[i].name) == NULL)
            return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s, byte %u: the file %s has no such tensor", x->where,
                            x->e[i].name, x->e[i].place, x->shard[x->e[i].shard]);
    return VKC_OK;
}

static vkc_status check_shards(const nn_weights *w, const index *x)
{
    for (uint32_t i = 0; i < w->n_files; i++) {
        for (size_t k = 0; k < nn_safetensors_len(w->file[i]); k++) {
            const nn_st_tensor *t = nn_safetensors_at(w->file[i], k);
            const entry key = { .name = t->name }, *e = bsearch(&key, x->e, x->n, sizeof key, by_name);
            if (e == NULL)
                return NN_ST_FAIL(VKC_E_FORMAT, t, "is not in the weight_map of %s", x->where);
            if (e->shard != i)
                return NN_ST_FAIL(VKC_E_FORMAT, t, "is in the file %s too, where byte %u of %s says it is",
                                  x->shard[e->shard], e->place, x->where);
        }
    }
    return VKC_OK;
}

vkc_status nn__weights_read_index(nn_weights *w, const char *folder)
{
    vkc_status st;
    unsigned char *text = NULL;
    size_t len = 0;
    index x = { .where = w->path, .tail = strstr(w->path + strlen(folder), ".bin.") ? ".bin" : ".safetensors" };
    VKC_TRY(nn_file_load(w->path, MAX_INDEX, &text, &len));
    VKC_TRY(read_text(&x, (char *) text, len));
    VKC_TRY(open_shards(w, &x, folder));
    VKC_TRY(check_entries(w, &x));
    st = check_shards(w, &x);
done:
    free(x.e);
    free(text);
    return st;
}
