// l2_normalize.c — rows scaled to length 1.
//   in:  x (R, C)
//   out: y (R, C) = x / |x|   r (R) = 1 / |x|
#include "nn/graph/rowwise.h"
#include "shaders/norm/l2_normalize.h"
#include "spv/shaders.h"

#include <math.h>

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("l2_normalize", "x", &c->in[0], 2, 0, 0));
    c->out[0] = c->in[0];
    c->out[1] = (nn_shape) { 1, { c->in[0].dim[0] } };
    c->out_rows[0] = c->out_rows[1] = c->in_rows[0];
done:
    return st;
}

static struct l2_normalize_args make_args(const nn_call *c)
{
    return (struct l2_normalize_args) { .rows = nn_plain_rows(c), .cols = c->in[0].dim[1] };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct l2_normalize_args a = make_args(c);
    const uint32_t lanes = nn_many_lanes(a.cols);
    return NN_DISPATCH(r, l2_normalize_fwd, &a, NN_BY_ROWS(c, NN_ROW_WG / lanes), NN_ROW_SPEC(c, lanes, a.cols),
        .bind = { IN(0), OUT(0), OUT(1), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct l2_normalize_args a = make_args(c);
    const uint32_t lanes = nn_many_lanes(a.cols);
    return NN_DISPATCH(r, l2_normalize_bwd, &a, NN_BY_ROWS(c, NN_ROW_WG / lanes), NN_ROW_SPEC(c, lanes, a.cols),
        .bind = { OUT(0), OUT(1), DOUT(0), DIN(0), ROWS_IN(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const size_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], C = c->in[0].dim[1];
    for (size_t row = 0; row < R; row++) {
        double sum = 0;
        for (size_t j = 0; j < C; j++)
            sum += in[0][row * C + j] * in[0][row * C + j];
        const double r = 1 / fmax(sqrt(sum), UNIT_LEAST);
        for (size_t j = 0; j < C; j++)
            out[0][row * C + j] = r * in[0][row * C + j];
        if (out[1])
            out[1][row] = r;
    }
}

static uint64_t macs(const nn_call *c)
{
    return 2 * nn_shape_len(&c->in[0]);
}

const nn_op nn_op_l2_normalize = {
    .name = "l2_normalize", .n_in = 1, .n_out = 2,
    .keep = BIT(OUT(0)) | BIT(OUT(1)), .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
