// hard_concrete_l0.c — the expected share of open hard-concrete gates, the L0 penalty of op hard_concrete a gate.
//   in:  log_alpha, a tensor of any shape, packed if (R, C)
//   out: loss (1), the mean over all gates (live rows) of P(z != 0); no rows give 0
#include "nn/graph/rowwise.h"
#include "shaders/loss/hard_concrete_l0.h"
#include "shaders/loss/loss_mean.h"
#include "spv/shaders.h"

#include <math.h>

#define TILE_LEN 1024u              // elements that are worth a workgroup

static double shift_of(const nn_call *c)
{
    const float beta = NN_ATTR(c, hard_concrete_l0)->beta;
    return (double) (beta > 0 ? beta : HARD_CONCRETE_BETA) *
           log((double) -HARD_CONCRETE_GAMMA / (double) HARD_CONCRETE_ZETA);
}

static struct hard_concrete_l0_args make_args(const nn_call *c)
{
    const bool is_packed = c->in_rows[0] != NULL;
    return (struct hard_concrete_l0_args) {
        .rows = is_packed ? 0 : (uint32_t) nn_shape_len(&c->in[0]), .cols = is_packed ? c->in[0].dim[1] : 1,
        .shift = (float) shift_of(c),
    };
}

static vkc_status infer(nn_call *c)
{
    const struct hard_concrete_l0_attr *t = NN_ATTR(c, hard_concrete_l0);
    const nn_shape *la = &c->in[0];
    if (!t || !isfinite(t->beta) || t->beta < 0)
        return VKC_FAIL(VKC_E_ARG, "hard_concrete_l0: a temperature above 0 must be given, or 0 for 2/3");
    if (!nn_shape_len(la) || nn_shape_len(la) > UINT32_MAX || (c->in_rows[0] && la->rank != 2))
        return VKC_FAIL(VKC_E_ARG, "hard_concrete_l0: log_alpha is empty, or packed and no matrix");
    c->out[0] = (nn_shape) { 1, { 1 } };
    c->out_rows[0] = NULL;
    c->scratch_fwd[0] = NN_MAX_PARTIALS * sizeof(float);
    return VKC_OK;
}

static uint32_t n_groups(const nn_call *c)
{
    const size_t len = nn_shape_len(&c->in[0]);
    return nn_n_partials((uint32_t) len, TILE_LEN);
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct hard_concrete_l0_args a = make_args(c);
    struct loss_mean_args m = { .rows = a.rows, .n_partials = n_groups(c), .scale = 1.0f / (float) a.cols };
    vkc_status st = NN_DISPATCH(r, hard_concrete_l0_fwd, &a, .groups = { m.n_partials }, .wg = NN_ROW_WG,
        .bind = { IN(0), SCRATCH(0), ROWS_IN(0) });
    if (st != VKC_OK)
        return st;
    return NN_DISPATCH(r, loss_mean, &m, .wg = NN_ROW_WG, .bind = { SCRATCH(0), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct hard_concrete_l0_args a = make_args(c);
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return NN_DISPATCH(r, hard_concrete_l0_bwd, &a, .groups = { n_groups(c) }, .wg = NN_ROW_WG,
        .bind = { IN(0), DOUT(0), DIN(0), ROWS_IN(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct hard_concrete_l0_args a = make_args(c);
    const size_t n = (a.rows ? a.rows : c->in_rows[0]->n) * (size_t) a.cols;
    out[0][0] = 0;
    for (size_t e = 0; e < n; e++)
        out[0][0] += 1 / (1 + exp(shift_of(c) - in[0][e])) / (double) n;
}

const nn_op nn_op_hard_concrete_l0 = {
    .name = "hard_concrete_l0", .n_in = 1, .n_out = 1,
    .keep = BIT(IN(0)), .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
