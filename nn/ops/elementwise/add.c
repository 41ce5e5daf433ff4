// add.c — the residual connection.
//   in:  a (R, C)   b (R, C), the same layout
//   out: y (R, C) = a + b
// Two forms of each kernel: four columns at a time (quads), and one.
#include "nn/graph/rowwise.h"
#include "shaders/elementwise/add.h"
#include "spv/shaders.h"

#include <string.h>

static struct add_args make_args(const nn_call *c)
{
    return (struct add_args) { .rows = nn_plain_rows(c), .cols = c->in[0].dim[1] };
}

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("add", "a", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("add", "b", &c->in[1], 2, c->in[0].dim[0], c->in[0].dim[1]));
    if (c->in_rows[0] != c->in_rows[1])
        return VKC_FAIL(VKC_E_ARG, "add: a and b are packed by different layouts");
    c->out[0] = c->in[0];
    c->out_rows[0] = c->in_rows[0];
done:
    return st;
}

// Either form of a kernel, over the rows.
static vkc_status by_rows(nn_run *r, const nn_call *c, const vkc_shader *quads, const vkc_shader *plain,
                          const uint8_t bind[4])
{
    const struct add_args a = make_args(c);
    const nn_choice o = nn_choose(c, &(nn_problem) { .op = &nn_op_add, .odd = a.cols, .cols = a.cols,
                                                     .len = nn_shape_len(&c->in[0]) });
    nn_kernel_use use = { .shader = o.form == NN_FORM_QUADS ? quads : plain, .args = &a, .args_size = sizeof a,
                          NN_BY_ROWS(c, ADD_TILE) };
    memcpy(use.bind, bind, 4);
    return nn_dispatch(r, &use);
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    return by_rows(r, c, &vkc_shader_add_quads_fwd, &vkc_shader_add_fwd,
                   (const uint8_t[4]) { IN(0), IN(1), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    vkc_status st = VKC_OK;
    for (uint8_t i = 0; i < 2 && st == VKC_OK; i++)
        if (nn_is_wanted(r, DIN(i)))
            st = by_rows(r, c, &vkc_shader_add_quads_bwd, &vkc_shader_add_bwd,
                         (const uint8_t[4]) { DOUT(0), (uint8_t) DIN(i), ROWS_IN(0) });
    return st;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const uint32_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0];
    const size_t n = (size_t) R * c->in[0].dim[1];
    for (size_t i = 0; i < n; i++)
        out[0][i] = in[0][i] + in[1][i];
}

const nn_op nn_op_add = {
    .name = "add", .n_in = 2, .n_out = 1,
    .grad = BIT(IN(0)) | BIT(IN(1)), .pass = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
