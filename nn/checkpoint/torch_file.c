// torch_file.c — the two kinds of files that torch.save wrote: a zip file, and before PyTorch 1.6 pickles with the
// numbers behind them.
#include "nn/checkpoint/torch_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/checkpoint/weights_impl.h"
#include "nn/checkpoint/zip.h"

#define MAX_PREFIX 256u
#define PICKLE "data.pkl"
#define SCRIPT_LINE \
    "import sys, torch; from safetensors.torch import save_file; " \
    "m = torch.jit.load(sys.argv[2], map_location='cpu'); " \
    "save_file({k: v.detach().clone().contiguous() for k, v in m.state_dict().items()}, sys.argv[1], " \
    "metadata={'format': 'pt'})"
#define VERSION 1001                // of the files before zip

typedef unsigned long long ull;

typedef struct place { const char *key; const nn_pk_value *storage; uint64_t begin, size; } place;

typedef struct reading {
    nn_safetensors *f;
    nn_pickle p;
    nn_zip    zip;
    char      prefix[MAX_PREFIX];   // of its entries: "archive/"
    place    *places;               // (n), by key
    size_t    n;
} reading;

// ---- zip files

// The folder in the archive that has the pickle at its top.
static vkc_status find_prefix(reading *r, const nn_zip_entry **pickle)
{
    const size_t tail = strlen("/" PICKLE);
    *pickle = NULL;
    for (size_t i = 0; i < r->zip.n; i++) {
        const nn_zip_entry *e = &r->zip.entry[i];
        if (e->name_len <= tail || e->name_len - tail + 1 >= MAX_PREFIX ||
            memcmp(e->name + e->name_len - tail, "/" PICKLE, tail) != 0 ||
            memchr(e->name, '/', e->name_len - tail) != NULL || memchr(e->name, '\0', e->name_len) != NULL)
            continue;
        if (*pickle != NULL)
            return VKC_FAIL(VKC_E_FORMAT, "%s: is a zip archive with more than one " PICKLE, r->f->path);
        *pickle = e;
        memcpy(r->prefix, e->name, e->name_len - tail + 1);
        r->prefix[e->name_len - tail + 1] = '\0';
    }
    return *pickle != NULL ? VKC_OK
                           : VKC_FAIL(VKC_E_FORMAT, "%s: is a zip archive, but none that torch.save wrote: it has no "
                                      PICKLE, r->f->path);
}

static const nn_zip_entry *find_entry(const reading *r, const char *name)
{
    char full[MAX_PREFIX + NN_PK_MAX_TEXT + 8];
    snprintf(full, sizeof full, "%s%s", r->prefix, name);
    return nn_zip_find(&r->zip, full);
}

static vkc_status check_script(const reading *r)
{
    bool is_script = find_entry(r, "constants.pkl") != NULL;
    const size_t len = strlen(r->prefix);
    for (size_t i = 0; i < r->zip.n && !is_script; i++) {
        const nn_zip_entry *e = &r->zip.entry[i];
        is_script = e->name_len > len + 5 && memcmp(e->name, r->prefix, len) == 0 &&
                    memcmp(e->name + len, "code/", 5) == 0;
    }
    if (!is_script)
        return VKC_OK;
    char line[NN_MAX_LINE];
    nn__convert_line(SCRIPT_LINE, r->f->path, line, sizeof line);
    return VKC_FAIL(VKC_E_FORMAT, "%s: is a TorchScript program, not a state dict. This writes its weights: %s",
                    r->f->path, line);
}

static vkc_status fail_order(const reading *r)
{
    return VKC_FAIL(VKC_E_FORMAT, "%s: its numbers are in big-endian order, which is not read; load and save it with "
                    "PyTorch on the machine that reads it", r->f->path);
}

// Files of old have no such entry.
static vkc_status check_order(const reading *r)
{
    char order[8] = "";
    const nn_zip_entry *e = find_entry(r, "byteorder");
    if (e == NULL)
        return VKC_OK;
    vkc_status st = nn_zip_check(&r->f->src, e);
    if (st == VKC_OK && e->size < sizeof order)
        st = nn_source_read(&r->f->src, e->begin, (size_t) e->size, order);
    if (st != VKC_OK || strcmp(order, "little") == 0)
        return st;
    return strcmp(order, "big") == 0 ? fail_order(r)
                                     : VKC_FAIL(VKC_E_FORMAT, "%s: its entry byteorder is neither little nor big",
                                                r->f->path);
}

static vkc_status find_in_zip(void *user, const char *key, uint64_t *begin, uint64_t *size)
{
    const reading *r = user;
    char name[NN_PK_MAX_TEXT + 6];
    snprintf(name, sizeof name, "data/%s", key);
    const nn_zip_entry *e = find_entry(r, name);
    if (e == NULL)
        return VKC_FAIL(VKC_E_FORMAT, "the file has no entry %.100s", nn_is_printable(name) ? name : "of its key");
    *begin = e->begin;
    *size = e->size;
    return nn_zip_check(&r->f->src, e);
}

static vkc_status read_zip(reading *r)
{
    const nn_zip_entry *pickle;
    vkc_status st;
    VKC_TRY(nn_zip_read(&r->f->src, &r->zip));
    VKC_TRY(find_prefix(r, &pickle));
    VKC_TRY(check_script(r));
    VKC_TRY(check_order(r));
    VKC_TRY(nn_zip_check(&r->f->src, pickle));
    r->p.at = pickle->begin;
    r->p.end = pickle->begin + pickle->size;
    st = nn_pickle_read(&r->p);
done:
    return st;
}

// ---- files before zip: a magic number, a version, facts of the machine, the checkpoint, the keys of its storages, and
// these, each with its length before it

static vkc_status read_start(reading *r)
{
    static const char magic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    vkc_status st;
    VKC_TRY(nn_pickle_read(&r->p));
    const nn_pk_value *v = r->p.root;
    if (v->kind != NN_PK_LONG || v->as.text.len != 10 || memcmp(v->as.text.at, magic, 10) != 0) {
        char what[120];
        st = VKC_FAIL(VKC_E_FORMAT, "%s: is a pickle of %s that torch.save did not write; load it in Python and save "
                      "its state dict with torch.save", r->f->path, nn_pk_describe(v, what, sizeof what));
        goto done;
    }
    VKC_TRY(nn_pickle_read(&r->p));
    v = r->p.root;
    if (v->kind != NN_PK_INT || v->as.i != VERSION) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: is of a version of torch.save's format other than %d", r->f->path, VERSION);
        goto done;
    }
    VKC_TRY(nn_pickle_read(&r->p));
    v = nn_pk_get(r->p.root, "little_endian");
    if (v != NULL && v->kind == NN_PK_BOOL && !v->as.i)
        st = fail_order(r);
done:
    return st;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const place *) a)->key, ((const place *) b)->key);
}

static int is_of_key(const void *key, const void *p)
{
    return strcmp(key, ((const place *) p)->key);
}

// One row for each key that the pickle names.
static vkc_status list_places(reading *r)
{
    size_t n = 0;
    for (const nn_pk_value *s = r->p.storages; s != NULL; s = s->as.storage.next)
        n++;
    r->places = malloc((n + 1) * sizeof *r->places);
    if (r->places == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the tensors of %s", r->f->path);
    n = 0;
    for (const nn_pk_value *s = r->p.storages; s != NULL; s = s->as.storage.next)
        r->places[n++] = (place) { .key = s->as.storage.key, .storage = s };
    qsort(r->places, n, sizeof *r->places, by_key);
    for (size_t i = 0; i < n; i++)
        if (r->n == 0 || strcmp(r->places[r->n - 1].key, r->places[i].key) != 0)
            r->places[r->n++] = r->places[i];
    return VKC_OK;
}

static vkc_status find_in_list(void *user, const char *key, uint64_t *begin, uint64_t *size)
{
    const reading *r = user;
    const place *p = r->n > 0 ? bsearch(key, r->places, r->n, sizeof *p, is_of_key) : NULL;
    if (p == NULL || p->begin == 0)
        return VKC_FAIL(VKC_E_FORMAT, "the file has no numbers of its storage");
    *begin = p->begin;
    *size = p->size;
    return VKC_OK;
}

// The storages behind the pickles, in the order of the list of their keys.
static vkc_status walk_storages(reading *r, const nn_pk_value *keys)
{
    uint64_t at = r->p.at;
    for (const nn_pk_item *i = keys->as.items.first; i != NULL; i = i->next) {
        unsigned char head[8];
        place *p = nn_pk_is_text(i->value) && r->n > 0
            ? bsearch(i->value->as.text.at, r->places, r->n, sizeof *p, is_of_key) : NULL;
        nn_st_dtype dtype;
        bool is_untyped;
        uint64_t len = 0;
        if (p == NULL || p->begin != 0 || !nn__torch_dtype(p->storage->as.storage.type, &dtype, &is_untyped))
            return VKC_FAIL(VKC_E_FORMAT, "%s: byte %llu: its list of storages has one that no tensor has, one twice, "
                            "or one of a type that is not read", r->f->path, (ull) at);
        if (r->f->src.size - at < sizeof head)
            return VKC_FAIL(VKC_E_FORMAT, "%s: ends before its storages do; the file is cut off", r->f->path);
        vkc_status st = nn_source_read(&r->f->src, at, sizeof head, head);
        if (st != VKC_OK)
            return st;
        for (int k = 7; k >= 0; k--)
            len = len << 8 | head[k];
        const uint64_t one = nn_st_dtype_size(dtype), left = r->f->src.size - at - sizeof head;
        if (len > left / one)
            return VKC_FAIL(VKC_E_FORMAT, "%s: byte %llu: a storage of %llu elements ends after the file, which is cut "
                            "off", r->f->path, (ull) at, (ull) len);
        p->begin = at + sizeof head;
        p->size = len * one;
        at = p->begin + p->size;
    }
    return VKC_OK;
}

static vkc_status read_plain(reading *r)
{
    vkc_status st;
    r->p.end = r->f->src.size;
    VKC_TRY(read_start(r));
    VKC_TRY(nn_pickle_read(&r->p));
    const nn_pk_value *root = r->p.root;
    VKC_TRY(nn_pickle_read(&r->p));
    const nn_pk_value *keys = r->p.root;
    r->p.root = root;
    if (keys->kind != NN_PK_LIST) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: has no list of its storages", r->f->path);
        goto done;
    }
    VKC_TRY(list_places(r));
    st = walk_storages(r, keys);
done:
    return st;
}

// ---- both

static bool is_zip(const unsigned char *head)
{
    return memcmp(head, "PK\3\4", 4) == 0 || memcmp(head, "PK\5\6", 4) == 0;
}

static vkc_status read_head(const nn_source *src, unsigned char head[4])
{
    memset(head, 0, 4);
    return nn_source_read(src, 0, src->size < 4 ? (size_t) src->size : 4, head);
}

vkc_status nn_torch_is(const nn_source *src, bool *out)
{
    unsigned char head[4];
    const vkc_status st = read_head(src, head);
    if (st == VKC_OK)
        *out = is_zip(head) || (head[0] == 0x80 && head[1] >= 2 && head[1] <= 5);
    return st;
}

static vkc_status read_file(nn_safetensors *f, const char *key)
{
    unsigned char head[4];
    reading r = { .f = f, .p = { .src = &f->src } };
    nn_torch_choice choice;
    vkc_status st;
    VKC_TRY(read_head(&f->src, head));
    const bool zip = is_zip(head);
    if (!zip && head[0] != 0x80) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: is no checkpoint of PyTorch: neither a zip file nor a pickle", f->path);
        goto done;
    }
    VKC_TRY(zip ? read_zip(&r) : read_plain(&r));
    VKC_TRY(nn__torch_choose(f->path, r.p.root, key, &choice));
    st = nn__torch_tabulate(f, &choice, &(nn_torch_places) { &r, zip ? find_in_zip : find_in_list });
done:
    nn_pickle_finish(&r.p);
    nn_zip_finish(&r.zip);
    free(r.places);
    return st;
}

vkc_status nn_torch_load(const char *path, const char *key, nn_safetensors **out)
{
    nn_safetensors *f = NULL;
    vkc_status st;
    VKC_TRY(nn__st_open(path, &f));
    VKC_TRY(read_file(f, key));
    *out = f, f = NULL;
done:
    nn_safetensors_destroy(f);
    return st;
}

vkc_status nn_torch_read(const char *where, const void *data, size_t size, const char *key, nn_safetensors **out)
{
    nn_safetensors *f = NULL;
    vkc_status st;
    VKC_TRY(nn__st_copy(where, data, size, &f));
    VKC_TRY(read_file(f, key));
    *out = f, f = NULL;
done:
    nn_safetensors_destroy(f);
    return st;
}

const nn_torch_notes *nn_torch_get_notes(const nn_safetensors *f)
{
    return f->notes;
}
