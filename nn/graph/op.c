// op.c — the op table, from ops.def.
#include "nn/graph/op.h"

#include <string.h>

const nn_op *const nn_ops[] = {
#define NN_OP(name) &nn_op_##name,
#include "nn/ops/ops.def"
#undef NN_OP
};
const uint32_t nn_n_ops = sizeof nn_ops / sizeof nn_ops[0];

const nn_op *nn_op_get(const char *name)
{
    for (uint32_t i = 0; i < nn_n_ops; i++)
        if (strcmp(nn_ops[i]->name, name) == 0)
            return nn_ops[i];
    return NULL;
}
