// model_config_check.c — whether the values of a model agree with each other and with what this program can do.
#include "nn/models/model_kind.h"
#include "nn/models/retention.h"

vkc_status nn_model_config_check(const nn_model_config *c, vkc_status st, const char *where)
{
    if (c->heads == 0 || c->dim == 0 || c->dim % c->heads != 0)
        return VKC_FAIL(st, "%s: dim %u is not a multiple of heads %u", where, c->dim, c->heads);
    if (c->dim > NN_MAX_DIM || c->hidden == 0 || c->hidden > NN_MAX_HIDDEN)
        return VKC_FAIL(st, "%s: dim %u or the MLP's width %u is absurd", where, c->dim, c->hidden);
    if (c->depth == 0 || c->depth > NN_MAX_DEPTH)
        return VKC_FAIL(st, "%s: depth is %u, want 1 to %d", where, c->depth, NN_MAX_DEPTH);
    if (c->classes > NN_MAX_CLASSES || (c->labels != NULL && c->classes == 0))
        return VKC_FAIL(st, "%s: classes is %u, want 1 to %d", where, c->classes, NN_MAX_CLASSES);
    const vkc_status own = nn_model_kind_of(c)->check(c, st, where);
    return own == VKC_OK ? nn_retention_check(c, st, where) : own;
}
