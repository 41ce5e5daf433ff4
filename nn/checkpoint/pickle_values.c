// pickle_values.c — the values of a pickle: where they lie, and looking at them.
#include "nn/checkpoint/pickle_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t) 16 << 10)
#define ALIGN sizeof(void *)

typedef struct block {
    struct block *next;
    size_t used, size;
} block;

const nn_pk_value nn__pk_none = { .kind = NN_PK_NONE }, nn__pk_true = { .kind = NN_PK_BOOL, .as.i = 1 },
                  nn__pk_false = { .kind = NN_PK_BOOL }, nn__pk_empty = { .kind = NN_PK_TUPLE };

void *nn__pk_alloc(nn_pickle *p, size_t n, size_t size)
{
    block *b = p->blocks;
    const size_t want = (n * size + ALIGN - 1) / ALIGN * ALIGN;     // n is at most the pickle's bytes
    if (b == NULL || b->size - b->used < want) {
        const size_t room = want > BLOCK / 4 ? want : BLOCK;
        block *more = malloc(sizeof *more + room);
        if (more == NULL) {
            VKC_FAIL(VKC_E_NOMEM, "no memory for the values of %s", p->src->path);
            return NULL;
        }
        *more = (block) { .size = room };
        p->memory += sizeof *more + room;
        // A large one goes behind the first, which may have room left.
        const bool is_large = room == want && b != NULL;
        more->next = is_large ? b->next : b;
        if (is_large)
            b->next = more;
        else
            p->blocks = more;
        b = more;
    }
    void *out = (unsigned char *) (b + 1) + b->used;
    b->used += want;
    return memset(out, 0, want);
}

nn_pk_value *nn__pk_new(nn_pickle *p, nn_pk_kind kind)
{
    nn_pk_value *v = nn__pk_alloc(p, 1, sizeof *v);
    if (v != NULL)
        v->kind = kind;
    return v;
}

vkc_status nn__pk_append(nn_pickle *p, nn_pk_items *to, const nn_pk_value *key, const nn_pk_value *value)
{
    nn_pk_item *i = nn__pk_alloc(p, 1, sizeof *i);
    if (i == NULL)
        return VKC_E_NOMEM;
    *i = (nn_pk_item) { .key = key, .value = value };
    if (to->last != NULL)
        to->last->next = i;
    else
        to->first = i;
    to->last = i;
    return VKC_OK;
}

void nn_pickle_finish(nn_pickle *p)
{
    for (block *b = p->blocks, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    *p = (nn_pickle) { 0 };
}

bool nn_pk_is_text(const nn_pk_value *v)
{
    return v != NULL && v->kind == NN_PK_TEXT && v->as.text.at != NULL && strlen(v->as.text.at) == v->as.text.len;
}

bool nn_pk_is_global(const nn_pk_value *v, const char *module, const char *name)
{
    return v != NULL && v->kind == NN_PK_GLOBAL && strcmp(v->as.global.module, module) == 0 &&
           strcmp(v->as.global.name, name) == 0;
}

const nn_pk_value *nn_pk_get(const nn_pk_value *dict, const char *key)
{
    const nn_pk_value *found = NULL;    // of two the later, as when it is built
    if (dict == NULL || dict->kind != NN_PK_DICT)
        return NULL;
    for (const nn_pk_item *i = dict->as.items.first; i != NULL; i = i->next)
        if (nn_pk_is_text(i->key) && strcmp(i->key->as.text.at, key) == 0)
            found = i->value;
    return found;
}

const char *nn_pk_describe(const nn_pk_value *v, char *out, size_t size)
{
    static const char *const plain[] = { "None", "a bool", "a number", "a number", "a number", "a string", "bytes",
                                         "a list", "a tuple", "a set", "a dict", "the name", "an object", "a storage",
                                         "a tensor" };
    const nn_pk_value *named = v->kind == NN_PK_OBJECT ? v->as.object.type : v;
    if (named->kind == NN_PK_GLOBAL)
        snprintf(out, size, "%s.%s", named->as.global.module, named->as.global.name);
    else
        snprintf(out, size, "%s", plain[v->kind]);
    for (char *p = out; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    return out;
}
