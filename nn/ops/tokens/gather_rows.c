// gather_rows.c — rows by their source.
//   in:  x (R, C), packed   src (R') uint32, packed: a row of x, no two the same
//   out: y (R', C), packed as src: y[r] = x[src[r]]; zeros where x has no room for such a row
#include "nn/graph/rowwise.h"
#include "shaders/tokens/gather_rows.h"
#include "spv/shaders.h"

#include <string.h>

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("gather_rows", "x", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("gather_rows", "src", &c->in[1], 1, 0, 0));
    if (!c->in_rows[0] || !c->in_rows[1])
        return VKC_FAIL(VKC_E_ARG, "gather_rows: x and src must be packed");
    c->out[0] = (nn_shape) { 2, { c->in[1].dim[0], c->in[0].dim[1] } };
    c->out_rows[0] = c->in_rows[1];
    VKC_TRY(nn_want_shape("gather_rows", "y", &c->out[0], 2, 0, 0));
done:
    return st;
}

// A kernel over the rows of y in the form that fits, one column or four at a time.
static vkc_status by_rows(nn_run *r, const nn_call *c, const vkc_shader *quads, const vkc_shader *plain,
                          const uint8_t bind[4])
{
    const struct gather_rows_args a = { c->in[0].dim[0] };
    const size_t x = nn_shape_len(&c->in[0]), y = nn_shape_len(&c->out[0]);
    const nn_choice o = nn_choose(c, &(nn_problem) { .op = &nn_op_gather_rows, .odd = c->in[0].dim[1],
                                                     .len = x > y ? x : y, .cols = c->in[0].dim[1] });
    nn_kernel_use use = { .shader = o.form == NN_FORM_QUADS ? quads : plain, .args = &a, .args_size = sizeof a,
        .wg = o.wg, .tile_rows = o.tile, .rows = ROWS_OUT(0),
        .spec = { [SPEC_LANES - 1] = o.lanes, [SPEC_COLS - 1] = c->in[0].dim[1] / o.own,
                  [SPEC_ONCE - 1] = nn_row_once(c, c->out[0].dim[0], o.tile) } };
    memcpy(use.bind, bind, 4);
    return nn_dispatch(r, &use);
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    return by_rows(r, c, &vkc_shader_gather_rows_quads_fwd, &vkc_shader_gather_rows_fwd,
                   (const uint8_t[4]) { IN(0), IN(1), OUT(0), ROWS_OUT(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return by_rows(r, c, &vkc_shader_gather_rows_quads_bwd, &vkc_shader_gather_rows_bwd,
                   (const uint8_t[4]) { DOUT(0), IN(1), DIN(0), ROWS_OUT(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const size_t C = c->in[0].dim[1];
    for (uint32_t row = 0; row < c->out_rows[0]->n; row++)
        for (size_t j = 0; j < C; j++)
            out[0][row * C + j] = in[1][row] < c->in[0].dim[0] ? in[0][(size_t) in[1][row] * C + j] : 0;
}

const nn_op nn_op_gather_rows = {
    .name = "gather_rows", .n_in = 2, .n_out = 1,
    .keep = BIT(IN(1)),
    .grad = BIT(IN(0)),
    .u32 = BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
