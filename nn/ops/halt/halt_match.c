// halt_match.c — loss between the halting of a student and of its teacher in a block.
//   in:  soft (R, SOFT_COLS), packed   halting (R, HALT_COLS), the teacher's after the block
//        prev (R, HALT_COLS), the teacher's before it, optional: all were running. One layout for all
//   out: loss (1)   KL (1)   difference of the soft shares that go on, student - teacher (1)   n (1)
#include "nn/graph/rowwise.h"
#include "shaders/halt/halt.h"
#include "shaders/halt/halt_match.h"
#include "shaders/halt/halt_soft.h"
#include "spv/shaders.h"

#include <math.h>

static vkc_status infer(nn_call *c)
{
    const struct halt_match_attr *t = NN_ATTR(c, halt_match);
    vkc_status st;
    if (!t || !(t->eps >= 0) || !(t->eps < 1) || !(t->tau >= 1e-6f) || !isfinite(t->tau) || !isfinite(t->weight))
        return VKC_FAIL(VKC_E_ARG, "halt_match: eps must be at least 0 and below 1, tau at least 1e-6, the weight "
                        "finite");
    VKC_TRY(nn_want_shape("halt_match", "soft", &c->in[0], 2, 0, SOFT_COLS));
    VKC_TRY(nn_want_shape("halt_match", "halting", &c->in[1], 2, c->in[0].dim[0], HALT_COLS));
    if (c->in_rows[0] == NULL)
        return VKC_FAIL(VKC_E_ARG, "halt_match: soft must be packed");
    if (c->in[2].rank)
        VKC_TRY(nn_want_shape("halt_match", "prev", &c->in[2], 2, c->in[0].dim[0], HALT_COLS));
    if (c->in_rows[1] != c->in_rows[0] || (c->in[2].rank && c->in_rows[2] != c->in_rows[0]))
        return VKC_FAIL(VKC_E_ARG, "halt_match: student and teacher are packed by different layouts");
    for (int i = 0; i < 4; i++)
        c->out[i] = (nn_shape) { 1, { 1 } };
    c->scratch_fwd[0] = NN_MAX_PARTIALS * MATCH_COLS * sizeof(float);
done:
    return st;
}

static struct halt_match_args make_args(const nn_call *c)
{
    const struct halt_match_attr *t = NN_ATTR(c, halt_match);
    return (struct halt_match_args) {
        .full = (float) (1 - (double) t->eps), .inv_tau = 1 / t->tau, .weight = t->weight, .kept = t->kept,
        .has_prev = c->in[2].rank != 0, .n_partials = nn_n_partials(c->in[0].dim[0], NN_ROW_WG),
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct halt_match_args a = make_args(c);
    vkc_status st = NN_DISPATCH(r, halt_match_fwd, &a, .groups = { a.n_partials }, .wg = NN_ROW_WG,
        .bind = { IN(0), IN(1), IN(2), SCRATCH(0), ROWS_IN(0) });
    if (st != VKC_OK)
        return st;
    return NN_DISPATCH(r, halt_match_sum, &a, .wg = 1,
        .bind = { SCRATCH(0), OUT(0), OUT(1), OUT(2), OUT(3) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct halt_match_args a = make_args(c);
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return NN_DISPATCH(r, halt_match_bwd, &a, NN_BY_ROWS(c, NN_ROW_WG),
        .bind = { IN(0), IN(1), IN(2), OUT(2), OUT(3), DOUT(0), DIN(0), ROWS_IN(0) });
}

static double clamp(double h)
{
    return h < MATCH_H_MIN ? MATCH_H_MIN : h > 1 - MATCH_H_MIN ? 1 - MATCH_H_MIN : h;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct halt_match_attr *t = NN_ATTR(c, halt_match);
    const double full = 1 - (double) t->eps, tau = (double) t->tau;
    double kl = 0, keep = 0, n = 0;
    for (size_t row = 0; row < c->in_rows[0]->n; row++) {
        const double before = in[2] ? in[2][row * HALT_COLS + HALT_C] : 0;
        if (c->in_rows[0]->pos[row] < t->kept || before >= HALT_DONE)
            continue;
        const double raw = in[1][row * HALT_COLS + HALT_H], want = clamp(raw);
        const double h = clamp(1 / (1 + exp(-in[0][row * SOFT_COLS + SOFT_U]))),
                     score = in[0][row * SOFT_COLS + SOFT_C];
        kl += want * log(want / h) + (1 - want) * log((1 - want) / (1 - h));
        keep += 1 / (1 + exp((score - full) / tau)) - 1 / (1 + exp((before + raw - full) / tau));
        n++;
    }
    out[1][0] = n > 0 ? kl / n : 0;
    out[2][0] = n > 0 ? keep / n : 0;
    out[3][0] = n;
    out[0][0] = out[1][0] + (double) t->weight * out[2][0] * out[2][0];
}

const nn_op nn_op_halt_match = {
    .name = "halt_match", .n_in = 3, .n_out = 4, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)) | BIT(OUT(2)) | BIT(OUT(3)),
    .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
