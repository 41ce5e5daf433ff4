// safetensors_header.c — the header of a safetensors file: every inconsistency is refused here.
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/base/json_scan.h"
#include "nn/checkpoint/safetensors_impl.h"

#define MAX_HEADER 100000000u       // the reference implementation's limit
#define META "__metadata__"

typedef unsigned long long ull;

// Room for one more entry of a list of *cap entries: the list, grown or not, or NULL.
static void *grow(void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return list;
    const size_t more = *cap == 0 ? 4 : *cap * 2;
    void *grown = realloc(list, more * size);
    if (grown != NULL)
        *cap = more;
    return grown;
}

// ---- one tensor

typedef struct entry {              // of the header
    nn_st_tensor *t;
    size_t   place;                 // where it begins
    bool     has_dtype, has_shape, has_span;
    uint64_t span[2];               // data_offsets
    uint32_t n_span;
} entry;

static vkc_status read_dtype(entry *e, nn_scan *s)
{
    const size_t at = nn_scan_place(s);
    char *text;
    vkc_status st = nn_scan_string(s, &text);
    if (st != VKC_OK)
        return st;
    for (int i = 0; i < NN_ST_N_DTYPES; i++) {
        if (strcmp(text, nn_st_dtype_name((nn_st_dtype) i)) == 0) {
            e->t->dtype = (nn_st_dtype) i;
            return VKC_OK;
        }
    }
    return NN_SCAN_FAIL(s, at, "unknown dtype %.20s", nn_is_printable(text) ? text : "with control characters");
}

static vkc_status read_dim(void *user, nn_scan *s)
{
    nn_st_tensor *t = ((entry *) user)->t;
    const size_t at = nn_scan_place(s);
    uint64_t dim;
    vkc_status st = nn_scan_whole(s, &dim);
    if (st != VKC_OK)
        return st;
    if (t->rank == NN_ST_MAX_RANK)
        return NN_SCAN_FAIL(s, at, "the shape has more than %d dimensions", NN_ST_MAX_RANK);
    if (dim != 0 && t->len > UINT64_MAX / dim)
        return NN_SCAN_FAIL(s, at, "the product of the shape overflows");
    t->len *= dim;
    t->shape[t->rank++] = dim;
    return VKC_OK;
}

static vkc_status read_offset(void *user, nn_scan *s)
{
    entry *e = user;
    const size_t at = nn_scan_place(s);
    uint64_t x;
    vkc_status st = nn_scan_whole(s, &x);
    if (st != VKC_OK)
        return st;
    if (e->n_span == 2)
        return NN_SCAN_FAIL(s, at, "data_offsets are more than two");
    e->span[e->n_span++] = x;
    return VKC_OK;
}

static vkc_status read_member(void *user, nn_scan *s, char *key, size_t key_at)
{
    entry *e = user;
    bool *seen = strcmp(key, "dtype") == 0          ? &e->has_dtype
                 : strcmp(key, "shape") == 0        ? &e->has_shape
                 : strcmp(key, "data_offsets") == 0 ? &e->has_span : NULL;
    if (seen == NULL)
        return NN_SCAN_FAIL(s, key_at, "an entry has just dtype, shape and data_offsets");
    if (*seen)
        return NN_SCAN_FAIL(s, key_at, "%s is there twice", key);
    *seen = true;
    if (seen == &e->has_dtype)
        return read_dtype(e, s);
    if (seen == &e->has_shape)
        return nn_scan_list(s, read_dim, e);
    return nn_scan_list(s, read_offset, e);
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

// Offsets count from the byte after the header.
static vkc_status set_span(const nn_safetensors *f, const entry *e, const nn_scan *s)
{
    nn_st_tensor *t = e->t;
    const uint64_t begin = e->span[0], end = e->span[1], size = nn_st_dtype_size(t->dtype);
    if (e->n_span != 2)
        return NN_SCAN_FAIL(s, e->place, "data_offsets are not two");
    t->begin = add_capped(f->data, begin);
    t->size = add_capped(f->data, end) - t->begin;
    if (begin > end) {
        t->size = 0;
        return NN_ST_FAIL(VKC_E_FORMAT, t, "data_offsets end before they begin, %llu after %llu", (ull) end,
                          (ull) begin);
    }
    if (end > f->src.size - f->data)
        return NN_ST_FAIL(VKC_E_FORMAT, t, "ends after the file, which has %llu bytes", (ull) f->src.size);
    if (t->len > UINT64_MAX / size || t->len * size != end - begin)
        return NN_ST_FAIL(VKC_E_FORMAT, t, "%llu bytes are not its shape times %s", (ull) (end - begin),
                          nn_st_dtype_name(t->dtype));
    return VKC_OK;
}

static vkc_status read_tensor(nn_safetensors *f, nn_scan *s, char *name, size_t name_at)
{
    if (name[0] == '\0' || strlen(name) > NN_ST_MAX_NAME || !nn_is_printable(name))
        return NN_SCAN_FAIL(s, name_at, "a tensor's name is empty, longer than %d bytes or has control characters",
                            NN_ST_MAX_NAME);
    if (f->n == NN_ST_MAX_TENSORS)
        return NN_SCAN_FAIL(s, name_at, "more than %d tensors", NN_ST_MAX_TENSORS);
    nn_st_tensor *grown = grow(f->tensors, f->n, &f->cap, sizeof *grown);
    if (grown == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the tensors of %s", f->path);
    f->tensors = grown;
    nn_st_tensor *t = &grown[f->n++];
    *t = (nn_st_tensor) { .name = name, .len = 1, .file = f };
    entry e = { .t = t, .place = nn_scan_place(s) };
    s->kind = "tensor", s->subject = name;
    vkc_status st = nn_scan_object(s, read_member, &e);
    if (st == VKC_OK && !(e.has_dtype && e.has_shape && e.has_span))
        st = NN_SCAN_FAIL(s, e.place, "has no %s", !e.has_dtype ? "dtype" : !e.has_shape ? "shape" : "data_offsets");
    if (st == VKC_OK)
        st = set_span(f, &e, s);
    s->subject = NULL;
    return st;
}

// ---- metadata

static vkc_status read_meta(void *user, nn_scan *s, char *key, size_t key_at)
{
    nn_safetensors *f = user;
    char *value;
    vkc_status st = nn_scan_string(s, &value);
    if (st != VKC_OK)
        return st;
    if (f->n_meta == NN_ST_MAX_META)
        return NN_SCAN_FAIL(s, key_at, "more than %d entries", NN_ST_MAX_META);
    nn_st_meta *grown = grow(f->meta, f->n_meta, &f->cap_meta, sizeof *grown);
    if (grown == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the metadata of %s", f->path);
    f->meta = grown;
    grown[f->n_meta++] = (nn_st_meta) { key, value };
    return VKC_OK;
}

static vkc_status read_entry(void *user, nn_scan *s, char *key, size_t key_at)
{
    nn_safetensors *f = user;
    if (strcmp(key, META) != 0)
        return read_tensor(f, s, key, key_at);
    if (f->has_meta)
        return NN_SCAN_FAIL(s, key_at, META " is there twice");
    f->has_meta = true;
    s->kind = "the object", s->subject = META;
    vkc_status st = nn_scan_object(s, read_meta, f);
    s->subject = NULL;
    return st;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const nn_st_meta *) a)->key, ((const nn_st_meta *) b)->key);
}

static vkc_status check_meta(nn_safetensors *f)
{
    if (f->n_meta > 0)
        qsort(f->meta, f->n_meta, sizeof *f->meta, by_key);
    for (size_t i = 1; i < f->n_meta; i++)
        if (by_key(&f->meta[i - 1], &f->meta[i]) == 0)
            return VKC_FAIL(VKC_E_FORMAT, "%s: bytes 8 to %llu: a key of " META " is there twice", f->path,
                            (ull) f->data);
    return VKC_OK;
}

// ---- all tensors

static int by_place(const void *a, const void *b)
{
    const nn_st_tensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->size < y->size ? -1 : x->size > y->size;      // empty ones first
}

static int by_name(const void *a, const void *b)
{
    const int order = strcmp(((const nn_st_tensor *) a)->name, ((const nn_st_tensor *) b)->name);
    return order != 0 ? order : by_place(a, b);
}

static vkc_status check_names(const nn_safetensors *f)
{
    for (size_t i = 1; i < f->n; i++)
        if (strcmp(f->tensors[i - 1].name, f->tensors[i].name) == 0)
            return NN_ST_FAIL(VKC_E_FORMAT, &f->tensors[i], "the name is there twice, also for bytes %llu to %llu",
                              (ull) f->tensors[i - 1].begin,
                              (ull) (f->tensors[i - 1].begin + f->tensors[i - 1].size));
    return VKC_OK;
}

static vkc_status check_cover(const nn_safetensors *f)
{
    uint64_t at = f->data;
    for (size_t i = 0; i < f->n; i++) {
        const nn_st_tensor *t = &f->tensors[i];
        if (t->begin < at)
            return NN_ST_FAIL(VKC_E_FORMAT, t, "overlaps tensor %s, which ends at byte %llu", t[-1].name, (ull) at);
        if (t->begin > at)
            return NN_ST_FAIL(VKC_E_FORMAT, t, "comes after a gap: bytes %llu to %llu belong to no tensor", (ull) at,
                              (ull) t->begin);
        at += t->size;
    }
    if (at != f->src.size)
        return VKC_FAIL(VKC_E_FORMAT, "%s: bytes %llu to %llu, after the last tensor, belong to none", f->path,
                        (ull) at, (ull) f->src.size);
    return VKC_OK;
}

static vkc_status check_tensors(nn_safetensors *f)
{
    vkc_status st;
    if (f->n > 0)
        qsort(f->tensors, f->n, sizeof *f->tensors, by_name);
    VKC_TRY(check_names(f));
    if (f->n > 0)
        qsort(f->tensors, f->n, sizeof *f->tensors, by_place);
    VKC_TRY(check_cover(f));
    if (f->n > 0)
        qsort(f->tensors, f->n, sizeof *f->tensors, by_name);
done:
    return st;
}

// ---- the header

static vkc_status read_len(nn_safetensors *f)
{
    unsigned char head[9];
    const uint64_t size = f->src.size;
    if (size < 8)
        return VKC_FAIL(VKC_E_FORMAT, "%s: its %llu bytes are too few for a safetensors file", f->path, (ull) size);
    const size_t have = size > 8 ? 9 : 8;
    vkc_status st = nn_source_read(&f->src, 0, have, head);
    if (st != VKC_OK)
        return st;
    if (memcmp(head, "version ", 8) == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: is a pointer of Git LFS, not the weights; `git lfs pull` fetches them",
                        f->path);
    uint64_t len = 0;
    for (int i = 7; i >= 0; i--)
        len = len << 8 | head[i];
    if (len > size - 8)
        return VKC_FAIL(VKC_E_FORMAT, "%s: bytes 0 to 8: a header of %llu bytes does not fit the file, which has %llu; "
                        "not a safetensors file, or cut off", f->path, (ull) len, (ull) size);
    if (len > MAX_HEADER)
        return VKC_FAIL(VKC_E_FORMAT, "%s: bytes 0 to 8: a header of %llu bytes is longer than the %u that are read",
                        f->path, (ull) len, MAX_HEADER);
    if (len < 2 || head[8] != '{')
        return VKC_FAIL(VKC_E_FORMAT, "%s: byte 8: the header does not begin with {", f->path);
    f->header_len = (size_t) len;
    f->data = 8 + len;
    return VKC_OK;
}

vkc_status nn__st_read_header(nn_safetensors *f)
{
    vkc_status st;
    VKC_TRY(read_len(f));
    f->header = malloc(f->header_len);
    if (f->header == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the header of %s", f->path);
    VKC_TRY(nn_source_read(&f->src, 8, f->header_len, f->header));
    nn_scan s = { .where = f->path, .text = f->header, .len = f->header_len, .base = 8 };
    VKC_TRY(nn_scan_object(&s, read_entry, f));
    VKC_TRY(nn_scan_end(&s));
    VKC_TRY(check_meta(f));
    st = check_tensors(f);
done:
    return st;
}
