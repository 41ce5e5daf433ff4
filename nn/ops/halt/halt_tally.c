// halt_tally.c — one block's row in the halting statistics.
//   in:  halting (R, HALT_COLS), packed   prev (R, HALT_COLS), the block before's, optional: all were running
//   out: (layers, TALLY_COLS), zero but for row `layer`
#include "nn/graph/rowwise.h"
#include "shaders/halt/halt.h"
#include "shaders/halt/halt_tally.h"
#include "spv/shaders.h"

#include <string.h>

static vkc_status infer(nn_call *c)
{
    const struct halt_tally_attr *t = NN_ATTR(c, halt_tally);
    vkc_status st;
    if (!t || t->layer >= t->layers || t->layers > UINT32_MAX / TALLY_COLS)
        return VKC_FAIL(VKC_E_ARG, "halt_tally: no such row in the table of layers");
    VKC_TRY(nn_want_shape("halt_tally", "halting", &c->in[0], 2, 0, HALT_COLS));
    if (c->in_rows[0] == NULL)
        return VKC_FAIL(VKC_E_ARG, "halt_tally: halting must be packed");
    if (c->in[1].rank) {
        VKC_TRY(nn_want_shape("halt_tally", "prev", &c->in[1], 2, c->in[0].dim[0], HALT_COLS));
        if (c->in_rows[1] != c->in_rows[0])
            return VKC_FAIL(VKC_E_ARG, "halt_tally: halting and prev are packed by different layouts");
    }
    c->out[0] = (nn_shape) { 2, { t->layers, TALLY_COLS } };
    c->scratch_fwd[0] = NN_MAX_PARTIALS * TALLY_COLS * sizeof(float);
done:
    return st;
}

static struct halt_tally_args make_args(const nn_call *c)
{
    const struct halt_tally_attr *t = NN_ATTR(c, halt_tally);
    const uint32_t cap = c->in_rows[0]->cap_tokens;
    return (struct halt_tally_args) {
        .has_prev = c->in[1].rank != 0, .layers = t->layers, .layer = t->layer, .kept = t->kept,
        .patches = cap > t->kept ? cap - t->kept : 1,
        .n_partials = nn_n_partials(c->in[0].dim[0], NN_ROW_WG),
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct halt_tally_args a = make_args(c);
    vkc_status st = NN_DISPATCH(r, halt_tally_fwd, &a, .groups = { a.n_partials }, .wg = NN_ROW_WG,
        .bind = { IN(0), IN(1), SCRATCH(0), ROWS_IN(0) });
    if (st != VKC_OK)
        return st;
    return NN_DISPATCH(r, halt_tally_sum, &a, .wg = NN_ROW_WG, .bind = { SCRATCH(0), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct halt_tally_args a = make_args(c);
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return NN_DISPATCH(r, halt_tally_bwd, &a, NN_BY_ROWS(c, NN_ROW_WG),
        .bind = { IN(0), IN(1), DOUT(0), DIN(0), ROWS_IN(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct halt_tally_attr *t = NN_ATTR(c, halt_tally);
    const nn_rows *rows = c->in_rows[0];
    const uint32_t patches = rows->cap_tokens > t->kept ? rows->cap_tokens - t->kept : 1;
    const double weight = 1.0 / ((double) (rows->n_images ? rows->n_images : 1) * patches);
    double *row = out[0] + t->layer * TALLY_COLS;
    memset(out[0], 0, t->layers * TALLY_COLS * sizeof(double));
    for (size_t i = 0; i < rows->n; i++) {
        const double *v = in[0] + i * HALT_COLS;
        if (rows->pos[i] < t->kept)
            continue;
        row[TALLY_ALIVE] += weight;
        if (in[1] && in[1][i * HALT_COLS + HALT_C] >= HALT_DONE)
            continue;
        row[TALLY_PONDER] += weight * (1 + (v[HALT_C] >= HALT_DONE ? v[HALT_P] : 0));
        row[TALLY_SCORE] += weight * v[HALT_H];
    }
}

const nn_op nn_op_halt_tally = {
    .name = "halt_tally", .n_in = 2, .n_out = 1, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)),
    .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
