// cross_entropy.c — mean cross-entropy against smoothed labels, as PyTorch's label_smoothing.
//   in:  logits (R, K)   labels (R) uint32, the same layout; one that is no class counts as no loss
//        labels_b (R) uint32 and lambda (R), the weight of labels; labels_b has 1 - lambda. Both or neither
//   out: loss (1)        lse (R), log of the sum of the exponentials of each row
#include "nn/graph/rowwise.h"
#include "shaders/loss/cross_entropy.h"
#include "shaders/loss/loss_mean.h"
#include "spv/shaders.h"

#include <math.h>

static struct cross_entropy_args make_args(const nn_call *c)
{
    return (struct cross_entropy_args) {
        .rows = nn_plain_rows(c),
        .classes = c->in[0].dim[1],
        .smoothing = NN_ATTR(c, cross_entropy)->smoothing,
    };
}

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("cross_entropy", "logits", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("cross_entropy", "labels", &c->in[1], 1, c->in[0].dim[0], 0));
    if (c->in_rows[0] != c->in_rows[1])
        return VKC_FAIL(VKC_E_ARG, "cross_entropy: logits and labels are packed by different layouts");
    if ((c->in[2].rank == 0) != (c->in[3].rank == 0))
        return VKC_FAIL(VKC_E_ARG, "cross_entropy: labels_b and lambda go together");
    for (int i = 2; i < 4 && c->in[i].rank; i++) {
        VKC_TRY(nn_want_shape("cross_entropy", i == 2 ? "labels_b" : "lambda", &c->in[i], 1, c->in[0].dim[0], 0));
        if (c->in_rows[i] != c->in_rows[0])
            return VKC_FAIL(VKC_E_ARG, "cross_entropy: labels_b or lambda are packed by another layout");
    }
    if (c->attr == NULL || !(NN_ATTR(c, cross_entropy)->smoothing >= 0 &&
                             NN_ATTR(c, cross_entropy)->smoothing <= 1))
        return VKC_FAIL(VKC_E_ARG, "cross_entropy: smoothing must be given, from 0 to 1");
    c->out[0] = (nn_shape) { 1, { 1 } };
    c->out[1] = (nn_shape) { 1, { c->in[0].dim[0] } };
    c->out_rows[0] = NULL;
    c->out_rows[1] = c->in_rows[0];
    c->scratch_fwd[0] = NN_MAX_PARTIALS * sizeof(float);
done:
    return st;
}

static uint32_t lanes_of(const nn_call *c)
{
    const uint32_t classes = c->in[0].dim[1];
    return c->in[2].rank ? nn_many_lanes(classes) : nn_row_lanes(c, classes);
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct cross_entropy_args a = make_args(c);
    const uint32_t lanes = lanes_of(c);
    struct loss_mean_args m = {
        .rows = a.rows, .n_partials = nn_n_partials(c->in[0].dim[0], NN_ROW_WG / lanes), .scale = 1,
    };
    vkc_status st = NN_DISPATCH(r, cross_entropy_fwd, &a, .groups = { m.n_partials }, .wg = NN_ROW_WG,
        .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.classes,
                  [SPEC_CROSS_ENTROPY_MIXED - 1] = c->in[2].rank },
        .bind = { IN(0), IN(1), OUT(1), SCRATCH(0), ROWS_IN(0), IN(2), IN(3) });
    if (st != VKC_OK)
        return st;
    return NN_DISPATCH(r, loss_mean, &m, .wg = NN_ROW_WG, .bind = { SCRATCH(0), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct cross_entropy_args a = make_args(c);
    const uint32_t lanes = lanes_of(c);
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return NN_DISPATCH(r, cross_entropy_bwd, &a, NN_BY_ROWS(c, NN_ROW_WG / lanes),
        .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.classes,
                  [SPEC_CROSS_ENTROPY_MIXED - 1] = c->in[2].rank },
        .bind = { IN(0), IN(1), OUT(1), DOUT(0), DIN(0), ROWS_IN(0), IN(2), IN(3) });
}

// Of one row z (K) with the log of its sum of exponentials.
static double label_loss(const double *z, uint32_t K, double label, double lse, double smoothing)
{
    double loss = 0;
    for (uint32_t k = 0; k < K && label < K; k++)
        loss += (smoothing / K + (k == (uint32_t) label ? 1 - smoothing : 0)) * (lse - z[k]);
    return loss;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const uint32_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], K = c->in[0].dim[1];
    const double smoothing = (double) NN_ATTR(c, cross_entropy)->smoothing;
    out[0][0] = 0;
    for (uint32_t i = 0; i < R; i++) {
        const double *z = in[0] + (size_t) i * K;
        double top = z[0], sum = 0;
        for (uint32_t k = 1; k < K; k++)
            top = fmax(top, z[k]);
        for (uint32_t k = 0; k < K; k++)
            sum += exp(z[k] - top);
        double lse = top + log(sum);
        out[1][i] = lse;
        const double lambda = in[2] ? in[3][i] : 1;
        out[0][0] += lambda * label_loss(z, K, in[1][i], lse, smoothing) / R;
        if (in[2])
            out[0][0] += (1 - lambda) * label_loss(z, K, in[2][i], lse, smoothing) / R;
    }
}

const nn_op nn_op_cross_entropy = {
    .name = "cross_entropy", .n_in = 4, .n_out = 2, .n_opt = 2,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)) | BIT(IN(3)) | BIT(OUT(1)),
    .grad = BIT(IN(0)), .u32 = BIT(IN(1)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
