// kl.c — distillation loss: T^2 * mean over rows of KL(softmax(teacher / T) || softmax(student / T)).
//   in:  student (R, K)   teacher (R, K), the same layout, no gradient
//   out: loss (1)   lse of student / T (R)   lse of teacher / T (R)
#include "nn/graph/rowwise.h"
#include "shaders/loss/kl.h"
#include "shaders/loss/loss_mean.h"
#include "spv/shaders.h"

#include <math.h>

static struct kl_args make_args(const nn_call *c)
{
    return (struct kl_args) {
        .rows = nn_plain_rows(c),
        .classes = c->in[0].dim[1],
        .temperature = NN_ATTR(c, kl)->temperature,
    };
}

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("kl", "student", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("kl", "teacher", &c->in[1], 2, c->in[0].dim[0], c->in[0].dim[1]));
    if (c->in_rows[0] != c->in_rows[1])
        return VKC_FAIL(VKC_E_ARG, "kl: student and teacher are packed by different layouts");
    if (c->attr == NULL || !(NN_ATTR(c, kl)->temperature > 0))
        return VKC_FAIL(VKC_E_ARG, "kl: a temperature above 0 must be given");
    c->out[0] = (nn_shape) { 1, { 1 } };
    c->out[1] = c->out[2] = (nn_shape) { 1, { c->in[0].dim[0] } };
    c->out_rows[0] = NULL;
    c->out_rows[1] = c->out_rows[2] = c->in_rows[0];
    c->scratch_fwd[0] = NN_MAX_PARTIALS * sizeof(float);
done:
    return st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct kl_args a = make_args(c);
    uint32_t lanes = nn_many_lanes(a.classes);
    struct loss_mean_args m = {
        .rows = a.rows, .n_partials = nn_n_partials(c->in[0].dim[0], NN_ROW_WG / lanes),
        .scale = a.temperature * a.temperature,
    };
    vkc_status st = NN_DISPATCH(r, kl_fwd, &a, .groups = { m.n_partials }, .wg = NN_ROW_WG,
        .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.classes },
        .bind = { IN(0), IN(1), OUT(1), OUT(2), SCRATCH(0), ROWS_IN(0) });
    if (st != VKC_OK)
        return st;
    return NN_DISPATCH(r, loss_mean, &m, .wg = NN_ROW_WG, .bind = { SCRATCH(0), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct kl_args a = make_args(c);
    uint32_t lanes = nn_many_lanes(a.classes);
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return NN_DISPATCH(r, kl_bwd, &a, NN_BY_ROWS(c, NN_ROW_WG / lanes),
        .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.classes },
        .bind = { IN(0), IN(1), OUT(1), OUT(2), DOUT(0), DIN(0), ROWS_IN(0) });
}

static double log_sum(const double *z, uint32_t n, double temperature)
{
    double top = z[0], sum = 0;
    for (uint32_t k = 1; k < n; k++)
        top = fmax(top, z[k]);
    for (uint32_t k = 0; k < n; k++)
        sum += exp((z[k] - top) / temperature);
    return top / temperature + log(sum);
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const uint32_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], K = c->in[0].dim[1];
    const double T = (double) NN_ATTR(c, kl)->temperature;
    out[0][0] = 0;
    for (uint32_t i = 0; i < R; i++) {
        const double *s = in[0] + (size_t) i * K, *t = in[1] + (size_t) i * K;
        double ls = out[1][i] = log_sum(s, K, T), lt = out[2][i] = log_sum(t, K, T);
        for (uint32_t k = 0; k < K; k++)
            out[0][0] += T * T / R * exp(t[k] / T - lt) * ((t[k] / T - lt) - (s[k] / T - ls));
    }
}

const nn_op nn_op_kl = {
    .name = "kl", .n_in = 2, .n_out = 3,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(1)) | BIT(OUT(2)),
    .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
