// pickle.h — a reader of Python's pickles that runs nothing: tensors by their descriptions, plain values, and objects
// of every other class as what they are called and were made of. Internal to the library.
//
// A pickle is a program that builds values on a stack. Protocols 2 to 5 are read. A class or function that it names is
// kept as a name; what a pickle wants called or changed becomes data, with few exceptions, which this reader does by
// itself: tensors, parameters and storages of PyTorch, dicts, sets and sizes. Nothing is looked up, imported or run.
// Memory: less than NN_PK_MAX_COST times the bytes that were read, whatever they are. Nothing recurs, so depth is free;
// time is proportional to the bytes.
// Thread-safety: safe on different readers.
// Errors: E_IO, E_FORMAT (with the file and the byte of it), E_NOMEM.
#ifndef NN_PICKLE_H
#define NN_PICKLE_H

#include <stdbool.h>

#include "nn/base/source.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_PK_MAX_COST 160
#define NN_PK_MAX_BYTES ((uint64_t) 64 << 20)
#define NN_PK_MAX_TEXT 512u         // bytes of a string that is kept

typedef enum {
    NN_PK_NONE, NN_PK_BOOL, NN_PK_INT, NN_PK_LONG, NN_PK_FLOAT, NN_PK_TEXT, NN_PK_BYTES, NN_PK_LIST, NN_PK_TUPLE,
    NN_PK_SET, NN_PK_DICT, NN_PK_GLOBAL, NN_PK_OBJECT, NN_PK_STORAGE, NN_PK_TENSOR
} nn_pk_kind;

typedef struct nn_pk_value nn_pk_value;

typedef struct nn_pk_item {         // of a list, a set, a dict
    const nn_pk_value *key, *value; // key: of a dict
    struct nn_pk_item *next;
} nn_pk_item;

typedef struct nn_pk_items { nn_pk_item *first, *last; } nn_pk_items;

struct nn_pk_value {
    nn_pk_kind kind;
    union {
        int64_t i;                                                      // BOOL, INT
        double  f;
        struct { const char *at; size_t len; } text;                    // TEXT, ended; LONG, little-endian;
                                                                        // at == NULL: longer than what is kept
        nn_pk_items items;                                              // LIST, SET, DICT
        struct { const nn_pk_value *const *at; size_t n; } tuple;
        struct { const char *module, *name; } global;
        struct { const nn_pk_value *type, *args, *state; nn_pk_items items; } object;      // args, state: NULL = none
        struct { const nn_pk_value *type; const char *key; uint64_t len; nn_pk_value *next; } storage;    // elements;
                                                                        // next: the one made before it
        struct { const nn_pk_value *storage, *offset, *size, *stride, *type; } tensor;  // type: NULL = its storage's
    } as;
};

typedef struct nn_pickle {
    const nn_source *src;
    uint64_t at, end;               // bytes of the file: from the next on to the last
    const nn_pk_value *root;        // of the pickle that was read last
    const nn_pk_value *storages;    // the newest of all that were named
    size_t   memory;                // bytes that values take
    void    *blocks;                // they lie in
} nn_pickle;

// Read the pickle that begins at byte p->at, with src, at and end set and, at the first, all else zero; then p->at is
// the byte after it. Its values live until nn_pickle_finish, as do those of pickles before it.
vkc_status nn_pickle_read(nn_pickle *p);
void       nn_pickle_finish(nn_pickle *p);

const nn_pk_value *nn_pk_get(const nn_pk_value *dict, const char *key);        // NULL: no dict, or no such key
bool       nn_pk_is_text(const nn_pk_value *v);                                 // one that was kept
bool       nn_pk_is_global(const nn_pk_value *v, const char *module, const char *name);
// "argparse.Namespace" of an object, "a list" of what has no class. At most `size` bytes, fit for a terminal.
const char *nn_pk_describe(const nn_pk_value *v, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
