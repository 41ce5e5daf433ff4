// zip.c — the table at the end of a zip archive, and where each entry's data begins.
#include "nn/checkpoint/zip.h"

#include <stdlib.h>
#include <string.h>

#define END_SIZE 22u                // of the record that ends an archive; a comment may follow
#define MAX_COMMENT 65535u
#define LOCATOR_SIZE 20u
#define END64_SIZE 56u
#define ROW_SIZE 46u
#define LOCAL_SIZE 30u

typedef unsigned long long ull;

typedef struct table {              // what the last records say
    uint64_t n, begin, size, end;   // entries; bytes of the file; where the archive's own records begin
} table;

static uint32_t get_u16(const unsigned char *p)
{
    return (uint32_t) p[0] | (uint32_t) p[1] << 8;
}

static uint32_t get_u32(const unsigned char *p)
{
    return get_u16(p) | get_u16(p + 2) << 16;
}

static uint64_t get_u64(const unsigned char *p)
{
    return get_u32(p) | (uint64_t) get_u32(p + 4) << 32;
}

static bool is_signed(const unsigned char *p, unsigned char a, unsigned char b)
{
    return p[0] == 'P' && p[1] == 'K' && p[2] == a && p[3] == b;
}

// Bytes of a name for a message, which may not be fit for a terminal.
static const char *show(const nn_zip_entry *e, char out[80])
{
    const size_t n = e->name_len < 79 ? e->name_len : 79;
    for (size_t i = 0; i < n; i++)
        out[i] = e->name[i] >= ' ' && e->name[i] < 127 ? e->name[i] : '?';
    out[n] = '\0';
    return out;
}

#define ENTRY_FAIL(src, e, ...) fail_entry((src), __LINE__, (e), __VA_ARGS__)
static vkc_status fail_entry(const nn_source *src, int line, const nn_zip_entry *e, const char *what)
{
    char name[80];
    return vkc_fail(VKC_E_FORMAT, __FILE__, line, "%s: entry %s of the zip archive %s", src->path, show(e, name), what);
}

// ---- the end of the file

static vkc_status read_end64(const nn_source *src, uint64_t at, table *out)
{
    unsigned char p[END64_SIZE];
    const uint64_t limit = at;
    vkc_status st = nn_source_read(src, at, LOCATOR_SIZE, p);
    if (st != VKC_OK)
        return st;
    const uint64_t end = get_u64(p + 8);
    if (get_u32(p + 16) > 1 || end > limit || limit - end < END64_SIZE)
        return VKC_FAIL(VKC_E_FORMAT, "%s: byte %llu: the zip archive's end is not where its locator says", src->path,
                        (ull) at);
    st = nn_source_read(src, end, END64_SIZE, p);
    if (st != VKC_OK)
        return st;
    if (!is_signed(p, 6, 6) || get_u32(p + 16) || get_u32(p + 20) || get_u64(p + 24) != get_u64(p + 32))
        return VKC_FAIL(VKC_E_FORMAT, "%s: byte %llu: no end of a zip archive in one part is there", src->path,
                        (ull) end);
    *out = (table) { .n = get_u64(p + 32), .size = get_u64(p + 40), .begin = get_u64(p + 48), .end = end };
    return VKC_OK;
}

static vkc_status read_end(const nn_source *src, uint64_t at, table *out)
{
    unsigned char p[END_SIZE], locator[4];
    vkc_status st;
    VKC_TRY(nn_source_read(src, at, END_SIZE, p));
    if (get_u16(p + 4) || get_u16(p + 6) || get_u16(p + 8) != get_u16(p + 10))
        return VKC_FAIL(VKC_E_FORMAT, "%s: is one part of a zip archive of several", src->path);
    *out = (table) { .n = get_u16(p + 10), .size = get_u32(p + 12), .begin = get_u32(p + 16), .end = at };
    if (at < LOCATOR_SIZE)
        return VKC_OK;
    VKC_TRY(nn_source_read(src, at - LOCATOR_SIZE, sizeof locator, locator));
    if (is_signed(locator, 6, 7))
        st = read_end64(src, at - LOCATOR_SIZE, out);
done:
    return st;
}

// The last record whose comment ends with the file.
static vkc_status find_end(const nn_source *src, table *out)
{
    const size_t len = src->size < END_SIZE + MAX_COMMENT ? (size_t) src->size : END_SIZE + MAX_COMMENT;
    unsigned char *tail = malloc(len + 1);
    vkc_status st = tail != NULL ? nn_source_read(src, src->size - len, len, tail)
                                 : VKC_FAIL(VKC_E_NOMEM, "no memory for the end of %s", src->path);
    if (st == VKC_OK)
        st = VKC_FAIL(VKC_E_FORMAT, "%s: is a zip archive without its end; cut off, perhaps while it was downloaded",
                      src->path);
    for (size_t at = len; tail != NULL && at >= END_SIZE; at--) {
        const unsigned char *p = tail + at - END_SIZE;
        if (!is_signed(p, 5, 6) || get_u16(p + 20) != len - at)
            continue;
        st = read_end(src, src->size - len + at - END_SIZE, out);
        break;
    }
    free(tail);
    return st;
}

// ---- the table

// Sizes and places that do not fit 32 bits are in a field behind the name.
static vkc_status read_extra(const nn_source *src, const unsigned char *p, size_t len, const bool wanted[3],
                             uint64_t *const to[3], const nn_zip_entry *e)
{
    if (!wanted[0] && !wanted[1] && !wanted[2])
        return VKC_OK;
    for (size_t at = 0; at + 4 <= len;) {
        const size_t size = get_u16(p + at + 2), next = at + 4 + size;
        size_t from = at + 4;
        if (next > len)
            break;
        if (get_u16(p + at) != 1) {
            at = next;
            continue;
        }
        for (int i = 0; i < 3; i++) {
            if (!wanted[i])
                continue;
            if (from + 8 > next)
                return ENTRY_FAIL(src, e, "lacks a size of 64 bits");
            *to[i] = get_u64(p + from);
            from += 8;
        }
        return VKC_OK;
    }
    return ENTRY_FAIL(src, e, "lacks its sizes of 64 bits");
}

// A row of `room` bytes at most; *len is how many it has.
static vkc_status read_row(const nn_source *src, const unsigned char *p, size_t room, size_t *len, nn_zip_entry *e)
{
    if (room < ROW_SIZE || !is_signed(p, 1, 2))
        return VKC_FAIL(VKC_E_FORMAT, "%s: the table of the zip archive is damaged", src->path);
    const size_t name = get_u16(p + 28), extra = get_u16(p + 30), comment = get_u16(p + 32);
    if (room - ROW_SIZE < name + extra + comment)
        return VKC_FAIL(VKC_E_FORMAT, "%s: the table of the zip archive is damaged", src->path);
    uint64_t packed = get_u32(p + 20);
    *e = (nn_zip_entry) { .name = (const char *) p + ROW_SIZE, .name_len = (uint32_t) name, .header = get_u32(p + 42),
                          .size = get_u32(p + 24) };
    const bool wanted[3] = { e->size == UINT32_MAX, packed == UINT32_MAX, e->header == UINT32_MAX };
    uint64_t *const to[3] = { &e->size, &packed, &e->header };
    vkc_status st = read_extra(src, p + ROW_SIZE + name, extra, wanted, to, e);
    if (st != VKC_OK)
        return st;
    e->is_encrypted = get_u16(p + 8) & 1;
    e->is_compressed = get_u16(p + 10) != 0;
    if (packed != e->size && !e->is_encrypted && !e->is_compressed)
        return ENTRY_FAIL(src, e, "is stored but has two sizes");
    e->size = packed;
    *len = ROW_SIZE + name + extra + comment;
    return VKC_OK;
}

// Its data follows a header of its own, with a name that must be the same.
static vkc_status find_data(const nn_source *src, uint64_t end, nn_zip_entry *e)
{
    unsigned char p[LOCAL_SIZE], name[256];
    if (e->header > end || end - e->header < LOCAL_SIZE)
        return ENTRY_FAIL(src, e, "begins after the end of the archive's data; the file is cut off");
    vkc_status st = nn_source_read(src, e->header, LOCAL_SIZE, p);
    if (st != VKC_OK)
        return st;
    if (!is_signed(p, 3, 4))
        return ENTRY_FAIL(src, e, "is not where the table says");
    const uint64_t skip = LOCAL_SIZE + get_u16(p + 26) + get_u16(p + 28);
    if (end - e->header < skip || e->size > end - e->header - skip)
        return ENTRY_FAIL(src, e, "ends after the archive's data; the file is cut off");
    e->begin = e->header + skip;
    bool is_same = get_u16(p + 26) == e->name_len;
    for (uint32_t at = 0; is_same && at < e->name_len && st == VKC_OK; at += sizeof name) {
        const size_t n = e->name_len - at < sizeof name ? e->name_len - at : sizeof name;
        st = nn_source_read(src, e->header + LOCAL_SIZE + at, n, name);
        is_same = st != VKC_OK || memcmp(name, e->name + at, n) == 0;
    }
    return is_same ? st : ENTRY_FAIL(src, e, "has another name in its place than in the table");
}

static int compare(const char *a, size_t len_a, const char *b, size_t len_b)
{
    const int order = memcmp(a, b, len_a < len_b ? len_a : len_b);
    return order != 0 ? order : (len_a > len_b) - (len_a < len_b);
}

static int by_name(const void *a, const void *b)
{
    const nn_zip_entry *x = a, *y = b;
    return compare(x->name, x->name_len, y->name, y->name_len);
}

static int by_place(const void *a, const void *b)
{
    const nn_zip_entry *x = a, *y = b;
    return (x->header > y->header) - (x->header < y->header);
}

static vkc_status read_rows(const nn_source *src, const table *t, nn_zip *z)
{
    size_t at = 0;
    vkc_status st = VKC_OK;
    for (; z->n < t->n && st == VKC_OK; z->n++) {
        size_t len = 0;
        st = read_row(src, z->table + at, (size_t) t->size - at, &len, &z->entry[z->n]);
        if (st == VKC_OK)
            st = find_data(src, t->begin, &z->entry[z->n]);
        at += len;
    }
    if (st != VKC_OK || z->n == 0)
        return st;
    qsort(z->entry, z->n, sizeof *z->entry, by_place);
    for (size_t i = 1; i < z->n; i++)
        if (z->entry[i].header < z->entry[i - 1].begin + z->entry[i - 1].size)
            return ENTRY_FAIL(src, &z->entry[i], "overlaps another");
    qsort(z->entry, z->n, sizeof *z->entry, by_name);
    for (size_t i = 1; i < z->n; i++)
        if (by_name(&z->entry[i - 1], &z->entry[i]) == 0)
            return ENTRY_FAIL(src, &z->entry[i], "is there twice");
    return VKC_OK;
}

vkc_status nn_zip_read(const nn_source *src, nn_zip *out)
{
    nn_zip z = { 0 };
    table t = { 0 };
    vkc_status st;
    VKC_TRY(find_end(src, &t));
    if (t.begin > t.end || t.size > t.end - t.begin || t.n > t.size / ROW_SIZE) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: the table of the zip archive does not fit the file; it is damaged or cut off",
                      src->path);
        goto done;
    }
    if (t.size > NN_ZIP_MAX_TABLE) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: the table of the zip archive has %llu bytes, more than the %llu that are read",
                      src->path, (ull) t.size, (ull) NN_ZIP_MAX_TABLE);
        goto done;
    }
    z.table = malloc((size_t) t.size + 1);
    z.entry = calloc((size_t) t.n + 1, sizeof *z.entry);
    if (z.table == NULL || z.entry == NULL) {
        st = VKC_FAIL(VKC_E_NOMEM, "no memory for the table of %s", src->path);
        goto done;
    }
    VKC_TRY(nn_source_read(src, t.begin, (size_t) t.size, z.table));
    VKC_TRY(read_rows(src, &t, &z));
    *out = z;
    z = (nn_zip) { 0 };
done:
    nn_zip_finish(&z);
    return st;
}

void nn_zip_finish(nn_zip *z)
{
    free(z->table);
    free(z->entry);
    *z = (nn_zip) { 0 };
}

vkc_status nn_zip_check(const nn_source *src, const nn_zip_entry *e)
{
    if (e->is_encrypted)
        return ENTRY_FAIL(src, e, "is encrypted");
    if (e->is_compressed)
        return ENTRY_FAIL(src, e, "is compressed; torch.save stores entries as they are, and only such are read");
    return VKC_OK;
}

static int is_of_name(const void *name, const void *entry)
{
    const nn_zip_entry *e = entry;
    return compare(name, strlen(name), e->name, e->name_len);
}

const nn_zip_entry *nn_zip_find(const nn_zip *z, const char *name)
{
    return z->n > 0 ? bsearch(name, z->entry, z->n, sizeof *z->entry, is_of_name) : NULL;
}
