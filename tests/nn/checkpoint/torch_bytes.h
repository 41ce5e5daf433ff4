// torch_bytes.h — checkpoints of PyTorch made byte by byte: a zip archive of stored entries, and pieces of pickles.
#ifndef TESTS_TORCH_BYTES_H
#define TESTS_TORCH_BYTES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct torch_entry { const char *name; const void *data; size_t size; } torch_entry;

static inline size_t torch_put(unsigned char *to, uint64_t x, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char) (x >> 8 * i);
    return bytes;
}

// free() it. Of each entry: 30 bytes, its name, its data; then of each 46 bytes and its name; then 22 bytes.
static inline unsigned char *torch_zip(const torch_entry *e, size_t n, size_t *size)
{
    size_t room = 22, at = 0, count = 0;
    for (size_t i = 0; i < n; i++)
        room += 76 + 2 * strlen(e[i].name) + e[i].size;
    unsigned char *out = calloc(room, 1);
    uint32_t *begin = calloc(n + 1, sizeof *begin);
    if (out == NULL || begin == NULL)
        abort();
    for (size_t i = 0; i < n; i++) {
        const size_t len = strlen(e[i].name);
        begin[i] = (uint32_t) at;
        torch_put(out + at, 0x04034b50, 4), torch_put(out + at + 26, len, 2);
        torch_put(out + at + 18, e[i].size, 4), torch_put(out + at + 22, e[i].size, 4);
        memcpy(out + at + 30, e[i].name, len);
        if (e[i].size > 0)
            memcpy(out + at + 30 + len, e[i].data, e[i].size);
        at += 30 + len + e[i].size;
    }
    const size_t table = at;
    for (size_t i = 0; i < n; i++, count++) {
        const size_t len = strlen(e[i].name);
        torch_put(out + at, 0x02014b50, 4), torch_put(out + at + 28, len, 2), torch_put(out + at + 42, begin[i], 4);
        torch_put(out + at + 20, e[i].size, 4), torch_put(out + at + 24, e[i].size, 4);
        memcpy(out + at + 46, e[i].name, len);
        at += 46 + len;
    }
    torch_put(out + at, 0x06054b50, 4), torch_put(out + at + 8, count, 2), torch_put(out + at + 10, count, 2);
    torch_put(out + at + 12, at - table, 4), torch_put(out + at + 16, table, 4);
    free(begin);
    *size = at + 22;
    return out;
}

// Pieces of pickles, all in one string each; numbers are opcodes as strings: "K\3".
#define TORCH_PROTO "\x80\2"
#define TORCH_KEY(one) "X\1\0\0\0" one
#define TORCH_STORAGE(type, key, len) \
    "(X\7\0\0\0" "storage" "ctorch\n" type "\n" TORCH_KEY(key) "X\3\0\0\0" "cpu" len "tQ"
#define TORCH_TENSOR(storage, offset, size, stride) \
    "ctorch._utils\n_rebuild_tensor_v2\n(" storage offset size stride "\x89" "ccollections\nOrderedDict\n)RtR"
#define TORCH_FLOATS TORCH_STORAGE("FloatStorage", "0", "K\6")      // of six
#define TORCH_DICT(items) TORCH_PROTO "}(" items "u."

// An archive of such a pickle and one storage of 24 bytes, 1 to 24.
static inline unsigned char *torch_file(const void *pickle, size_t pickle_size, size_t *size)
{
    unsigned char data[24];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char) (i + 1);
    const torch_entry e[] = { { "a/data.pkl", pickle, pickle_size }, { "a/byteorder", "little", 6 },
                              { "a/data/0", data, sizeof data }, { "a/version", "3\n", 2 } };
    return torch_zip(e, sizeof e / sizeof *e, size);
}

#endif
