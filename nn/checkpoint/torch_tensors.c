// torch_tensors.c — the tensors of a state dict as rows of a table: types, shapes, strides and bytes, all checked.
#include "nn/checkpoint/torch_impl.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"

typedef unsigned long long ull;

static const struct { const char *storage, *tensor; nn_st_dtype dtype; } types[] = {
    { "FloatStorage", "float32", NN_ST_F32 },       { "HalfStorage", "float16", NN_ST_F16 },
    { "BFloat16Storage", "bfloat16", NN_ST_BF16 },  { "DoubleStorage", "float64", NN_ST_F64 },
    { "LongStorage", "int64", NN_ST_I64 },          { "IntStorage", "int32", NN_ST_I32 },
    { "ShortStorage", "int16", NN_ST_I16 },         { "CharStorage", "int8", NN_ST_I8 },
    { "ByteStorage", "uint8", NN_ST_U8 },           { "BoolStorage", "bool", NN_ST_BOOL },
    { "", "uint64", NN_ST_U64 },                    { "", "uint32", NN_ST_U32 },
    { "", "uint16", NN_ST_U16 },                    { "", "float8_e4m3fn", NN_ST_F8_E4M3 },
    { "", "float8_e5m2", NN_ST_F8_E5M2 },
};

bool nn__torch_dtype(const nn_pk_value *type, nn_st_dtype *out, bool *is_untyped)
{
    *is_untyped = false;
    if (type->kind != NN_PK_GLOBAL)
        return false;
    const char *module = type->as.global.module, *name = type->as.global.name;
    *is_untyped = strcmp(name, "UntypedStorage") == 0 &&
                  (strcmp(module, "torch.storage") == 0 || strcmp(module, "torch") == 0);
    *out = NN_ST_U8;
    if (*is_untyped)
        return true;
    // torch.cuda's have the same names; where their numbers were does not matter.
    if (strcmp(module, "torch") != 0 && strcmp(module, "torch.cuda") != 0)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if ((!*types[i].storage || strcmp(name, types[i].storage) != 0) && strcmp(name, types[i].tensor) != 0)
            continue;
        *out = types[i].dtype;
        return true;
    }
    return false;
}

typedef struct tabling {
    nn_safetensors *f;
    const nn_torch_places *places;
    char     *text;                 // next place of f->header
    uint64_t *stride;               // next place of f->strides
} tabling;

#define TENSOR_FAIL(g, name, ...) fail((g), __LINE__, (name), __VA_ARGS__)
static vkc_status fail(const tabling *g, int line, const char *name, const char *what)
{
    return vkc_fail(VKC_E_FORMAT, __FILE__, line, "%s: tensor %s: %s", g->f->path, name, what);
}

static bool get_size(const nn_pk_value *v, uint64_t *out)
{
    if (v->kind != NN_PK_INT || v->as.i < 0)
        return false;
    *out = (uint64_t) v->as.i;
    return true;
}

// a * b and a + b, or UINT64_MAX, which no file has.
static uint64_t mul(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static vkc_status read_shape(const tabling *g, const nn_pk_value *v, nn_st_tensor *t, uint64_t *stride)
{
    const nn_pk_value *size = v->as.tensor.size, *strides = v->as.tensor.stride;
    if (size->kind != NN_PK_TUPLE || strides->kind != NN_PK_TUPLE || size->as.tuple.n != strides->as.tuple.n)
        return TENSOR_FAIL(g, t->name, "its size and strides are not two tuples of one length");
    if (size->as.tuple.n > NN_ST_MAX_RANK)
        return TENSOR_FAIL(g, t->name, "has more than 8 dimensions");
    t->rank = (uint32_t) size->as.tuple.n;
    t->len = 1;
    bool is_empty = false;
    uint64_t all = 1;
    for (uint32_t i = 0; i < t->rank; i++) {
        if (!get_size(size->as.tuple.at[i], &t->shape[i]) || !get_size(strides->as.tuple.at[i], &stride[i]))
            return TENSOR_FAIL(g, t->name, "a size or a stride is no whole number of 0 or more");
        is_empty = is_empty || t->shape[i] == 0;
        all = mul(all, t->shape[i] > 0 ? t->shape[i] : 1);
    }
    if (all > INT64_MAX)
        return TENSOR_FAIL(g, t->name, "the product of its sizes overflows");
    t->len = is_empty ? 0 : all;
    return VKC_OK;
}

static bool is_packed(const nn_st_tensor *t, const uint64_t *stride)
{
    uint64_t want = 1;
    for (uint32_t i = t->rank; i-- > 0; want *= t->shape[i])
        if (t->shape[i] != 1 && stride[i] != want)
            return t->len <= 1;
    return true;
}

// Within what its storage says, and that within what the file has.
static vkc_status read_place(tabling *g, const nn_pk_value *v, const uint64_t *stride, nn_st_tensor *t)
{
    const nn_pk_value *s = v->as.tensor.storage, *type = v->as.tensor.type ? v->as.tensor.type : s->as.storage.type;
    nn_st_dtype stored;
    bool is_untyped, tensor_untyped;
    char what[120], text[200];
    if (!nn__torch_dtype(s->as.storage.type, &stored, &is_untyped) ||
        !nn__torch_dtype(type, &t->dtype, &tensor_untyped) || tensor_untyped) {
        snprintf(text, sizeof text, "is of the type %s, which is not read", nn_pk_describe(type, what, sizeof what));
        return TENSOR_FAIL(g, t->name, text);
    }
    uint64_t begin, size, offset, last = 0;
    vkc_status st = g->places->find(g->places->user, s->as.storage.key, &begin, &size);
    if (st != VKC_OK)
        return VKC_WRAP(st, "%s: tensor %s: %s", g->f->path, t->name, vkc_last_error());
    const uint64_t one = nn_st_dtype_size(t->dtype), claimed = mul(s->as.storage.len, nn_st_dtype_size(stored));
    if (claimed > size)
        return TENSOR_FAIL(g, t->name, "its storage is larger than what the file has of it; the file is cut off");
    if (!get_size(v->as.tensor.offset, &offset))
        return TENSOR_FAIL(g, t->name, "its offset is no whole number of 0 or more");
    for (uint32_t i = 0; i < t->rank && t->len > 0; i++)
        last = add(last, mul(t->shape[i] - 1, stride[i]));
    const uint64_t end = t->len > 0 ? mul(add(add(offset, last), 1), one) : mul(offset, one);
    if (end > claimed)
        return TENSOR_FAIL(g, t->name, "reaches out of its storage");
    t->size = mul(t->len, one);
    t->begin = begin + offset * one;
    t->file = g->f;
    if (is_packed(t, stride))
        return VKC_OK;
    if (t->size > claimed)
        return TENSOR_FAIL(g, t->name, "its strides repeat elements: it has more of them than its storage");
    memcpy(g->stride, stride, t->rank * sizeof *stride);
    t->stride = g->stride;
    g->stride += NN_ST_MAX_RANK;
    return VKC_OK;
}

static bool is_utf8(const char *name)
{
    json_t *text = json_string(name);
    json_decref(text);
    return text != NULL;
}

static vkc_status add_tensor(tabling *g, const nn_pk_item *i)
{
    nn_st_tensor *t = &g->f->tensors[g->f->n];
    const char *name = nn_pk_is_text(i->key) ? i->key->as.text.at : "";
    uint64_t stride[NN_ST_MAX_RANK] = { 0 };
    if (!*name || !nn_is_printable(name) || !is_utf8(name))
        return VKC_FAIL(VKC_E_FORMAT, "%s: a tensor's name is empty, longer than %d bytes, no string or has odd "
                        "characters", g->f->path, NN_ST_MAX_NAME);
    const size_t len = strlen(name) + 1;
    *t = (nn_st_tensor) { .name = memcpy(g->text, name, len) };
    g->text += len;
    vkc_status st = read_shape(g, i->value, t, stride);
    if (st == VKC_OK)
        st = read_place(g, i->value, stride, t);
    g->f->n += st == VKC_OK;
    return st;
}

static const char *keep(tabling *g, const char *text)
{
    const size_t len = strlen(text) + 1;
    char *out = memcpy(g->text, text, len);
    g->text += len;
    return out;
}

// How many tensors there are, and room for names. What is no tensor is passed over, but not an object in the place of
// a tensor, whose name has a dot.
static vkc_status count(const nn_safetensors *f, const nn_torch_choice *c, size_t *n, size_t *room)
{
    char what[200];
    *n = 0, *room = strlen(c->key) + strlen(c->others) + strlen(c->ignored) + strlen(c->arch) + 4;
    for (const nn_pk_item *i = c->dict->as.items.first; i != NULL; i = i->next) {
        const nn_pk_kind kind = i->value->kind;
        const char *key = nn_pk_is_text(i->key) && nn_is_printable(i->key->as.text.at) ? i->key->as.text.at : NULL;
        if (kind == NN_PK_TENSOR)
            ++*n, *room += nn_pk_is_text(i->key) ? i->key->as.text.len + 1 : 1;
        else if (kind == NN_PK_OBJECT && key != NULL && strchr(key, '.') != NULL)
            return VKC_FAIL(VKC_E_FORMAT, "%s: %s is an object of the class %s, where a tensor is wanted; objects are "
                            "not made here", f->path, key, nn_pk_describe(i->value, what, sizeof what));
    }
    if (*n > NN_ST_MAX_TENSORS)
        return VKC_FAIL(VKC_E_FORMAT, "%s: more than %d tensors", f->path, NN_ST_MAX_TENSORS);
    // Names that differ stand in the file, each by itself.
    if (*room > f->src.size + sizeof *c)
        return VKC_FAIL(VKC_E_FORMAT, "%s: the name of a tensor is there twice", f->path);
    return VKC_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const nn_st_tensor *) a)->name, ((const nn_st_tensor *) b)->name);
}

vkc_status nn__torch_tabulate(nn_safetensors *f, const nn_torch_choice *c, const nn_torch_places *places)
{
    size_t n, room;
    vkc_status st = count(f, c, &n, &room);
    if (st != VKC_OK)
        return st;
    f->header = malloc(room);
    f->tensors = calloc(n + 1, sizeof *f->tensors);
    f->strides = malloc((n + 1) * NN_ST_MAX_RANK * sizeof *f->strides);
    f->notes = calloc(1, sizeof *f->notes);
    if (f->header == NULL || f->tensors == NULL || f->strides == NULL || f->notes == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the tensors of %s", f->path);
    f->header_len = room, f->cap = n + 1;
    tabling g = { f, places, f->header, f->strides };
    for (const nn_pk_item *i = c->dict->as.items.first; i != NULL && st == VKC_OK; i = i->next)
        if (i->value->kind == NN_PK_TENSOR)
            st = add_tensor(&g, i);
    if (st != VKC_OK)
        return st;
    *f->notes = (nn_torch_notes) { keep(&g, c->key), keep(&g, c->others), keep(&g, c->ignored), keep(&g, c->arch) };
    qsort(f->tensors, f->n, sizeof *f->tensors, by_name);
    for (size_t i = 1; i < f->n; i++)
        if (by_name(&f->tensors[i - 1], &f->tensors[i]) == 0)
            return TENSOR_FAIL(&g, f->tensors[i].name, "the name is there twice");
    return VKC_OK;
}
