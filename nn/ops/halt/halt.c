// halt.c — A-ViT's halting after a block.
//   in:  x (R, C), packed   gate (GATE_LEN)   prev (R, HALT_COLS), optional: before the first block
//   out: (R, HALT_COLS)   keep (R), uint32: 1 = kept
// Events have no gradient. Column C, while its token runs, is a sum like any other; none reads it but for events, so
// in a model its gradient is 0.
#include "nn/graph/rowwise.h"
#include "shaders/halt/halt.h"
#include "spv/shaders.h"

#include <math.h>

static vkc_status infer(nn_call *c)
{
    const struct halt_attr *t = NN_ATTR(c, halt);
    vkc_status st;
    if (!t || !(t->eps >= 0) || !(t->eps < 1))
        return VKC_FAIL(VKC_E_ARG, "halt: eps must be at least 0 and below 1");
    VKC_TRY(nn_want_shape("halt", "x", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("halt", "gate", &c->in[1], 1, GATE_LEN, 0));
    if (c->in_rows[0] == NULL)
        return VKC_FAIL(VKC_E_ARG, "halt: x must be packed");
    if (c->in[2].rank) {
        VKC_TRY(nn_want_shape("halt", "prev", &c->in[2], 2, c->in[0].dim[0], HALT_COLS));
        if (c->in_rows[2] != c->in_rows[0])
            return VKC_FAIL(VKC_E_ARG, "halt: x and prev are packed by different layouts");
    }
    c->out[0] = (nn_shape) { 2, { c->in[0].dim[0], HALT_COLS } };
    c->out[1] = (nn_shape) { 1, { c->in[0].dim[0] } };
    c->out_rows[0] = c->out_rows[1] = c->in_rows[0];
done:
    return st;
}

static struct halt_args make_args(const nn_call *c)
{
    const struct halt_attr *t = NN_ATTR(c, halt);
    return (struct halt_args) {
        .full = (float) (1 - (double) t->eps), .last = t->last, .kept = t->kept,
        .has_prev = c->in[2].rank != 0, .cols = c->in[0].dim[1],
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct halt_args a = make_args(c);
    return NN_DISPATCH(r, halt_fwd, &a, NN_BY_ROWS(c, NN_ROW_WG),
        .bind = { IN(0), IN(1), IN(2), OUT(0), OUT(1), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct halt_args a = make_args(c);
    if (!nn_is_wanted(r, DIN(0)) && !nn_is_wanted(r, DIN(2)))
        return VKC_OK;
    return NN_DISPATCH(r, halt_bwd, &a, NN_BY_ROWS(c, NN_ROW_WG),
        .bind = { IN(1), IN(2), OUT(0), DOUT(0), DIN(0), DIN(2), ROWS_IN(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct halt_attr *t = NN_ATTR(c, halt);
    const double full = 1 - (double) t->eps;
    for (size_t row = 0; row < c->in_rows[0]->n; row++) {
        const double *prev = in[2] ? in[2] + row * HALT_COLS : NULL;
        const double r = prev ? prev[HALT_R] : 1, before = prev ? prev[HALT_C] : 0;
        const bool stays = c->in_rows[0]->pos[row] < t->kept;
        const double gate = in[1][GATE_SCALE] * in[0][row * c->in[0].dim[1]] - in[1][GATE_CENTRE];
        const double h = stays && !isnan(gate) ? 0 : 1 / (1 + exp(-gate));
        const bool runs = before < HALT_DONE, goes_on = runs && before + h < full && !t->last;
        double *o = out[0] + row * HALT_COLS;
        o[HALT_P] = goes_on ? h : runs ? r : 0;
        o[HALT_C] = goes_on ? before + h : HALT_DONE;
        o[HALT_R] = goes_on ? r - h : runs ? 0 : r;
        o[HALT_H] = runs ? h : 0;
        out[1][row] = goes_on || stays;
    }
}

const nn_op nn_op_halt = {
    .name = "halt", .n_in = 3, .n_out = 2, .n_opt = 1,
    .keep = BIT(IN(1)) | BIT(IN(2)) | BIT(OUT(0)),
    .grad = BIT(IN(0)) | BIT(IN(2)), .u32 = BIT(OUT(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
