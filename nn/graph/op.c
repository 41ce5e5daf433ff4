// op.c — the op table, from ops.def; what the tensors of a call may hold.
#include "nn/graph/op.h"

#include <string.h>

const nn_op *const nn_ops[] = {
#define NN_OP(name) &nn_op_##name,
#include "nn/ops/ops.def"
#undef NN_OP
};
const uint32_t nn_n_ops = sizeof nn_ops / sizeof nn_ops[0];

// What a tensor of a call holds where those that can be fp16 hold `real`.
static nn_dtype dtype_of(const nn_op *op, uint32_t bit, nn_dtype real)
{
    return op->u32 & bit ? NN_DTYPE_U32 : op->f16 & bit ? real : NN_DTYPE_F32;
}

vkc_status nn_op_infer(const nn_op *op, nn_call *c)
{
    uint32_t first = 0;             // of the inputs that can be fp16: what it holds, all hold
    while (first < op->n_in && !(c->in[first].rank && (op->f16 & BIT(IN(first)))))
        first++;
    const nn_dtype real = first < op->n_in && c->in_dtype[first] == NN_DTYPE_F16 ? NN_DTYPE_F16 : NN_DTYPE_F32;
    for (uint32_t i = 0; i < op->n_in; i++) {
        const nn_dtype is = c->in_dtype[i], want = dtype_of(op, BIT(IN(i)), real);
        if (!c->in[i].rank || is == want)
            continue;
        if (i != first && (op->f16 & BIT(IN(i))))
            return VKC_FAIL(VKC_E_UNSUPPORTED, "%s: in[%u] holds %s and in[%u] %s: there are no kernels for both "
                            "together", op->name, i, nn_dtype_name(is), first, nn_dtype_name(real));
        return VKC_FAIL(VKC_E_UNSUPPORTED, "%s: in[%u] holds %s, there are kernels for %s%s only", op->name, i,
                        nn_dtype_name(is), nn_dtype_name(want), op->f16 & BIT(IN(i)) ? " and fp16" : "");
    }
    for (uint32_t i = 0; i < op->n_out; i++)
        c->out_dtype[i] = dtype_of(op, BIT(OUT(i)), real);
    return op->infer(c);
}

const nn_op *nn_op_get(const char *name)
{
    for (uint32_t i = 0; i < nn_n_ops; i++)
        if (strcmp(nn_ops[i]->name, name) == 0)
            return nn_ops[i];
    return NULL;
}
