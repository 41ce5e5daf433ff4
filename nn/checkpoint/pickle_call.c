// pickle_call.c — what the calls of a pickle give. Nothing is called: few names are known for what their results are
// made of, and of every other name there is an object that says so.
#include "nn/checkpoint/pickle_impl.h"

#include <string.h>

typedef struct call {
    nn_pickle *p;
    const nn_pk_value *callee, *const *arg;
    size_t     n;
    uint64_t  *budget;
} call;

// Each sets *out, or leaves NULL where its arguments are not what that function takes: then it is an object.
typedef vkc_status make_fn(const call *c, nn_pk_value **out);

static vkc_status make(const call *c, nn_pk_kind kind, nn_pk_value **out)
{
    *out = nn__pk_new(c->p, kind);
    return *out != NULL ? VKC_OK : VKC_E_NOMEM;
}

// (storage, offset, size, stride, ...); the third version ends in (..., type, metadata) at most.
static vkc_status make_tensor(const call *c, nn_pk_value **out)
{
    if (c->n < 4 || c->arg[0]->kind != NN_PK_STORAGE)
        return VKC_OK;
    vkc_status st = make(c, NN_PK_TENSOR, out);
    if (st == VKC_OK) {
        (*out)->as.tensor.storage = c->arg[0], (*out)->as.tensor.offset = c->arg[1];
        (*out)->as.tensor.size = c->arg[2], (*out)->as.tensor.stride = c->arg[3];
    }
    return st;
}

static vkc_status make_typed_tensor(const call *c, nn_pk_value **out)
{
    if (c->n < 7)
        return VKC_OK;
    vkc_status st = make_tensor(c, out);
    if (st == VKC_OK && *out != NULL)
        (*out)->as.tensor.type = c->arg[6];
    return st;
}

// (tensor, requires_grad, hooks): the tensor.
static vkc_status make_parameter(const call *c, nn_pk_value **out)
{
    if (c->n > 0 && c->arg[0]->kind == NN_PK_TENSOR) {
        vkc_status st = make(c, NN_PK_TENSOR, out);
        if (st != VKC_OK)
            return st;
        **out = *c->arg[0];
    }
    return VKC_OK;
}

// (function, type, its arguments, state): a tensor with attributes.
static vkc_status make_subclass(const call *c, nn_pk_value **out)
{
    if (c->n < 3 || c->arg[2]->kind != NN_PK_TUPLE)
        return VKC_OK;
    const call inner = { c->p, c->arg[0], c->arg[2]->as.tuple.at, c->arg[2]->as.tuple.n, c->budget };
    if (nn_pk_is_global(inner.callee, "torch._utils", "_rebuild_tensor_v2"))
        return make_tensor(&inner, out);
    if (nn_pk_is_global(inner.callee, "torch._utils", "_rebuild_tensor_v3"))
        return make_typed_tensor(&inner, out);
    if (nn_pk_is_global(inner.callee, "torch._utils", "_rebuild_parameter"))
        return make_parameter(&inner, out);
    return VKC_OK;
}

static const nn_pk_value *get_part(const nn_pk_value *pair, int i)
{
    if (pair->kind == NN_PK_TUPLE)
        return pair->as.tuple.n == 2 ? pair->as.tuple.at[i] : NULL;
    const nn_pk_item *first = pair->kind == NN_PK_LIST ? pair->as.items.first : NULL;
    if (first == NULL || first->next == NULL || first->next->next != NULL)
        return NULL;
    return i == 0 ? first->value : first->next->value;
}

// (), or Python 2's ([[key, value], ...],); such a list may be shared by many dicts, hence the budget.
static vkc_status make_dict(const call *c, nn_pk_value **out)
{
    const nn_pk_value *from = c->n > 0 && c->arg[0]->kind == NN_PK_LIST ? c->arg[0] : NULL;
    vkc_status st = make(c, NN_PK_DICT, out);
    for (const nn_pk_item *i = from != NULL ? from->as.items.first : NULL; i != NULL && st == VKC_OK; i = i->next) {
        const nn_pk_value *key = get_part(i->value, 0), *value = get_part(i->value, 1);
        if (key == NULL || *c->budget == 0)
            return VKC_FAIL(VKC_E_FORMAT, "%s: a dict is made of a list that %s", c->p->src->path,
                            key == NULL ? "is none of pairs" : "many dicts share");
        --*c->budget;
        st = nn__pk_append(c->p, &(*out)->as.items, key, value);
    }
    return st;
}

// What is in a set is of no use to anyone here.
static vkc_status make_set(const call *c, nn_pk_value **out)
{
    return make(c, NN_PK_SET, out);
}

static vkc_status make_size(const call *c, nn_pk_value **out)
{
    if (c->n != 1 || c->arg[0]->kind != NN_PK_TUPLE)
        return VKC_OK;
    vkc_status st = make(c, NN_PK_TUPLE, out);
    if (st == VKC_OK)
        (*out)->as.tuple = c->arg[0]->as.tuple;
    return st;
}

static const struct { const char *module, *name; make_fn *make; } known[] = {
    { "torch._utils", "_rebuild_tensor", make_tensor },
    { "torch._utils", "_rebuild_tensor_v2", make_tensor },
    { "torch._utils", "_rebuild_tensor_v3", make_typed_tensor },
    { "torch._utils", "_rebuild_parameter", make_parameter },
    { "torch._utils", "_rebuild_parameter_with_state", make_parameter },
    { "torch._tensor", "_rebuild_from_type_v2", make_subclass },
    { "torch", "Size", make_size },
    { "collections", "OrderedDict", make_dict },
    { "collections", "defaultdict", make_dict },
    { "builtins", "dict", make_dict },        { "__builtin__", "dict", make_dict },
    { "builtins", "set", make_set },          { "__builtin__", "set", make_set },
    { "builtins", "frozenset", make_set },    { "__builtin__", "frozenset", make_set },
};

vkc_status nn__pk_call(nn_pickle *p, const nn_pk_value *callee, const nn_pk_value *args, uint64_t *budget,
                       nn_pk_value **out)
{
    vkc_status st = VKC_OK;
    *out = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known && args->kind == NN_PK_TUPLE; i++) {
        if (!nn_pk_is_global(callee, known[i].module, known[i].name))
            continue;
        const call c = { p, callee, args->as.tuple.at, args->as.tuple.n, budget };
        st = known[i].make(&c, out);
        break;
    }
    if (st != VKC_OK || *out != NULL)
        return st;
    *out = nn__pk_new(p, NN_PK_OBJECT);
    if (*out == NULL)
        return VKC_E_NOMEM;
    (*out)->as.object.type = callee;
    (*out)->as.object.args = args;
    return VKC_OK;
}

// ('storage', its type, key, device, elements) and in files of old a view, which is None.
vkc_status nn__pk_find_storage(nn_pickle *p, const nn_pk_value *id, nn_pk_value **out)
{
    const nn_pk_value *const *at = id->kind == NN_PK_TUPLE ? id->as.tuple.at : NULL;
    const size_t n = at != NULL ? id->as.tuple.n : 0;
    *out = NULL;
    if (n < 5 || n > 6 || !nn_pk_is_text(at[0]) || strcmp(at[0]->as.text.at, "storage") != 0 ||
        at[1]->kind != NN_PK_GLOBAL || !nn_pk_is_text(at[2]) || at[4]->kind != NN_PK_INT || at[4]->as.i < 0 ||
        (n == 6 && at[5]->kind != NN_PK_NONE))
        return VKC_OK;
    *out = nn__pk_new(p, NN_PK_STORAGE);
    if (*out == NULL)
        return VKC_E_NOMEM;
    (*out)->as.storage.type = at[1];
    (*out)->as.storage.key = at[2]->as.text.at;
    (*out)->as.storage.len = (uint64_t) at[4]->as.i;
    (*out)->as.storage.next = (nn_pk_value *) (uintptr_t) p->storages;
    p->storages = *out;
    return VKC_OK;
}
