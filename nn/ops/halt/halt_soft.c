// halt_soft.c — a student's own halting scores while its teacher decides.
//   in:  x (R, C), packed   gate (GATE_LEN)   prev (R, SOFT_COLS), optional: before the first block
//   out: (R, SOFT_COLS)
#include "nn/graph/rowwise.h"
#include "shaders/halt/halt.h"
#include "shaders/halt/halt_soft.h"
#include "spv/shaders.h"

#include <math.h>

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    if (!NN_ATTR(c, halt_soft))
        return VKC_FAIL(VKC_E_ARG, "halt_soft: how many places never halt is missing");
    VKC_TRY(nn_want_shape("halt_soft", "x", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("halt_soft", "gate", &c->in[1], 1, GATE_LEN, 0));
    if (c->in_rows[0] == NULL)
        return VKC_FAIL(VKC_E_ARG, "halt_soft: x must be packed");
    if (c->in[2].rank) {
        VKC_TRY(nn_want_shape("halt_soft", "prev", &c->in[2], 2, c->in[0].dim[0], SOFT_COLS));
        if (c->in_rows[2] != c->in_rows[0])
            return VKC_FAIL(VKC_E_ARG, "halt_soft: x and prev are packed by different layouts");
    }
    c->out[0] = (nn_shape) { 2, { c->in[0].dim[0], SOFT_COLS } };
    c->out_rows[0] = c->in_rows[0];
done:
    return st;
}

static struct halt_soft_args make_args(const nn_call *c)
{
    return (struct halt_soft_args) {
        .kept = NN_ATTR(c, halt_soft)->kept, .has_prev = c->in[2].rank != 0, .cols = c->in[0].dim[1],
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct halt_soft_args a = make_args(c);
    return NN_DISPATCH(r, halt_soft_fwd, &a, NN_BY_ROWS(c, NN_ROW_WG),
        .bind = { IN(0), IN(1), IN(2), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct halt_soft_args a = make_args(c);
    if (!nn_is_wanted(r, DIN(0)) && !nn_is_wanted(r, DIN(2)))
        return VKC_OK;
    return NN_DISPATCH(r, halt_soft_bwd, &a, NN_BY_ROWS(c, NN_ROW_WG),
        .bind = { IN(1), OUT(0), DOUT(0), DIN(0), DIN(2), ROWS_IN(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    for (size_t row = 0; row < c->in_rows[0]->n; row++) {
        const bool stays = c->in_rows[0]->pos[row] < NN_ATTR(c, halt_soft)->kept;
        const double u = in[1][GATE_SCALE] * in[0][row * c->in[0].dim[1]] - in[1][GATE_CENTRE];
        const double before = in[2] ? in[2][row * SOFT_COLS + SOFT_C] : 0;
        out[0][row * SOFT_COLS + SOFT_U] = stays ? 0 : u;
        out[0][row * SOFT_COLS + SOFT_C] = stays ? 0 : before + 1 / (1 + exp(-u));
    }
}

const nn_op nn_op_halt_soft = {
    .name = "halt_soft", .n_in = 3, .n_out = 1, .n_opt = 1,
    .keep = BIT(IN(1)) | BIT(OUT(0)),
    .grad = BIT(IN(0)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
