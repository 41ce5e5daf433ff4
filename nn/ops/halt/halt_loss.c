// halt_loss.c — ponder cost and depth prior.
//   in:  tally (L, TALLY_COLS)   gate (GATE_LEN)
//   out: loss (1)   mean share of tokens that are there (1)
#include "nn/graph/rowwise.h"
#include "shaders/halt/halt.h"
#include "shaders/halt/halt_loss.h"
#include "shaders/halt/halt_tally.h"
#include "spv/shaders.h"

#include <math.h>

#define LOG_PEAK_MAX 80             // e^80 is still a float, and so are its products

// The block with the largest density.
static double peak(const struct halt_loss_attr *t, uint32_t layers)
{
    return fmin(fmax(round((double) t->mean), 0), layers - 1);
}

// By how much the logarithm of the density falls from there to block l: no large numbers cancel.
static double fall(const struct halt_loss_attr *t, uint32_t layers, uint32_t l)
{
    const double mean = (double) t->mean, std = (double) t->std, top = peak(t, layers);
    return 0.5 * (l - top) / std * ((l - mean + (top - mean)) / std);
}

// log of the target at the peak; infinite where no block lies before the mean, and the released target needs one.
static double log_peak(const struct halt_loss_attr *t, uint32_t layers)
{
    const bool released = t->target == HALT_TARGET_RELEASED;
    double least = INFINITY, sum = 0;
    for (uint32_t l = 0; l < layers; l++)
        if (!released || l < (double) t->mean)
            least = fmin(least, fall(t, layers, l));
    for (uint32_t l = 0; l < layers && isfinite(least); l++)
        if (!released || l < (double) t->mean)
            sum += exp(least - fall(t, layers, l));
    return log(released ? 0.98 : 1.0) - log(sum) + least;
}

static vkc_status infer(nn_call *c)
{
    const struct halt_loss_attr *t = NN_ATTR(c, halt_loss);
    vkc_status st;
    VKC_TRY(nn_want_shape("halt_loss", "tally", &c->in[0], 2, 0, TALLY_COLS));
    VKC_TRY(nn_want_shape("halt_loss", "gate", &c->in[1], 1, GATE_LEN, 0));
    if (c->in_rows[0] || c->in[0].dim[0] > HALT_MAX_LAYERS)
        return VKC_FAIL(VKC_E_ARG, "halt_loss: tally must be plain, of at most %d layers", HALT_MAX_LAYERS);
    if (!t || t->target > HALT_TARGET_NORMALISED || !isfinite(t->mean) || !isfinite(t->std) || !(t->std > 0))
        return VKC_FAIL(VKC_E_ARG, "halt_loss: the prior needs a target, a mean and a standard deviation above 0");
    const double top = log_peak(t, c->in[0].dim[0]);
    if (!isfinite(top))
        return VKC_FAIL(VKC_E_ARG, "halt_loss: the released prior needs a block before its mean, which is %g",
                        (double) t->mean);
    if (top > LOG_PEAK_MAX)
        return VKC_FAIL(VKC_E_ARG, "halt_loss: a prior with mean %g and standard deviation %g is too narrow for "
                        "this target: its largest entry is no float", (double) t->mean, (double) t->std);
    c->out[0] = c->out[1] = (nn_shape) { 1, { 1 } };
done:
    return st;
}

static struct halt_loss_args make_args(const nn_call *c)
{
    const struct halt_loss_attr *t = NN_ATTR(c, halt_loss);
    const double half_precision = 0.5 / (double) t->std / (double) t->std;
    const uint32_t L = c->in[0].dim[0];
    return (struct halt_loss_args) {
        .layers = L, .mean = t->mean, .half_precision = (float) fmin(half_precision, 1e30),
        .peak = (float) peak(t, L), .log_peak = (float) log_peak(t, L),
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct halt_loss_args a = make_args(c);
    return NN_DISPATCH(r, halt_loss_fwd, &a, .wg = NN_ROW_WG, .bind = { IN(0), IN(1), OUT(0), OUT(1) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct halt_loss_args a = make_args(c);
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return NN_DISPATCH(r, halt_loss_bwd, &a, .wg = NN_ROW_WG, .bind = { IN(0), IN(1), DOUT(0), DIN(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct halt_loss_attr *t = NN_ATTR(c, halt_loss);
    const uint32_t L = c->in[0].dim[0];
    const double top = log_peak(t, L);
    double sum = 0;
    for (uint32_t l = 0; l < L; l++)
        sum += in[0][l * TALLY_COLS + TALLY_SCORE];
    out[0][0] = out[1][0] = 0;
    for (uint32_t l = 0; l < L; l++) {
        const double *row = in[0] + l * TALLY_COLS;
        const double share = sum < HALT_SCORE_MIN ? 0 : row[TALLY_SCORE] / sum, log_t = top - fall(t, L, l);
        const double q = share < HALT_Q_MIN ? HALT_Q_MIN : share > HALT_Q_MAX ? HALT_Q_MAX : share;
        const double prior = exp(log_t) > 0 ? exp(log_t) * (log_t - log(q)) : 0;
        out[0][0] += in[1][GATE_PONDER] * row[TALLY_PONDER] + in[1][GATE_PRIOR] / L * prior;
        out[1][0] += row[TALLY_ALIVE] / L;
    }
}

const nn_op nn_op_halt_loss = {
    .name = "halt_loss", .n_in = 2, .n_out = 2,
    .keep = BIT(IN(0)) | BIT(IN(1)),
    .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
