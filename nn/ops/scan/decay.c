// decay.c — the gates of a recurrence (log-decays, steps, write strengths) from the columns of a projection.
//   in:  x (R, W)     bias (N) or absent, N = heads dirs width     a_log (N), kind step alone
//   out: y (R, N), or (R, 2 N) for kind step: the log-decays, then the steps
// Two forms of each kernel: four gates an invocation (quads), and one.
#include "nn/graph/rowwise.h"
#include "shaders/scan/gated/decay.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

#define MAX_PARTS 256u             // parts of dbias and da_log

static nn_choice choose(const nn_call *c, bool is_backward)
{
    const struct decay_attr *t = NN_ATTR(c, decay);
    const size_t x = nn_shape_len(&c->in[0]), y = nn_shape_len(&c->out[0]);
    return nn_choose(c, &(nn_problem) { .op = &nn_op_decay, .is_backward = is_backward, .len = x > y ? x : y,
                                        .odd = t->width | c->in[0].dim[1] | t->col0 | t->head | t->dir_stride });
}

// As many rows an invocation as is chosen, backward more where that would make more than MAX_PARTS parts.
static struct decay_args make_args(const nn_call *c, bool is_backward)
{
    const struct decay_attr *t = NN_ATTR(c, decay);
    const uint32_t rows = c->in[0].dim[0], each = is_backward ? (rows - 1) / MAX_PARTS + 1 : 1;
    const uint32_t least = choose(c, is_backward).tile;
    struct decay_args a = {
        .heads = t->heads, .dirs = t->dirs, .width = t->width,
        .ld = c->in[0].dim[1], .col0 = t->col0, .head = t->head, .dir_stride = t->dir_stride,
        .scale = t->scale != 0 ? t->scale : 1,
        .has_bias = c->in[1].rank ? 1 : 0,
        .tile = each > least ? each : least,
    };
    a.tiles = (rows - 1) / a.tile + 1;
    return a;
}

// Columns of x that stream s begins at.
static uint64_t column_of(const struct decay_attr *t, uint32_t s)
{
    return t->col0 + (uint64_t) (s / t->dirs) * t->head + (uint64_t) (s % t->dirs) * t->dir_stride;
}

// Streams may not share columns, except the two directions of a head with a stride of 0: gradients are then added by
// one invocation, in order.
static vkc_status check_columns(const struct decay_attr *t, uint32_t cols)
{
    const uint32_t streams = t->heads * t->dirs;
    for (uint32_t s = 0; s < streams; s++) {
        if (column_of(t, s) + t->width > cols)
            return VKC_FAIL(VKC_E_ARG, "decay: x has %u columns, but stream %u needs those from %llu", cols, s,
                            (unsigned long long) column_of(t, s));
        for (uint32_t o = 0; o < s; o++) {
            const uint64_t p = column_of(t, s), q = column_of(t, o);
            if (p < q + t->width && q < p + t->width && !(t->dir_stride == 0 && s / t->dirs == o / t->dirs))
                return VKC_FAIL(VKC_E_ARG, "decay: streams %u and %u share columns of x", o, s);
        }
    }
    return VKC_OK;
}

static vkc_status infer(nn_call *c)
{
    const struct decay_attr *t = NN_ATTR(c, decay);
    const nn_shape *x = &c->in[0];
    if (!t || !t->heads || !t->width || (t->dirs != 1 && t->dirs != 2))
        return VKC_FAIL(VKC_E_ARG, "decay: heads or width is 0, or dirs is not 1 or 2");
    if (t->kind > DECAY_STEP)
        return VKC_FAIL(VKC_E_ARG, "decay: kind %u is unknown", t->kind);
    if (x->rank != 2 || !c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "decay: x is not a packed (R, W)");
    if ((uint64_t) t->heads * t->dirs > x->dim[1])
        return VKC_FAIL(VKC_E_ARG, "decay: %u heads from %u columns", t->heads, x->dim[1]);
    vkc_status st = check_columns(t, x->dim[1]);
    if (st != VKC_OK)
        return st;
    const uint32_t N = t->heads * t->dirs * t->width;
    if (c->in[1].rank && !nn_shape_is(&c->in[1], 1, &N))
        return VKC_FAIL(VKC_E_ARG, "decay: bias is not (%u)", N);
    if (t->kind == DECAY_STEP ? !nn_shape_is(&c->in[2], 1, &N) : c->in[2].rank != 0)
        return VKC_FAIL(VKC_E_ARG, "decay: a_log is not (%u), or not of kind step", N);
    c->out[0] = (nn_shape) { 2, { x->dim[0], t->kind == DECAY_STEP ? 2 * N : N } };
    c->out_rows[0] = c->in_rows[0];
    c->scratch_bwd[0] = (size_t) make_args(c, true).tiles * N * sizeof(float);
    c->scratch_bwd[1] = t->kind == DECAY_STEP ? c->scratch_bwd[0] : 16;
    return VKC_OK;
}

// A kernel over columns and tiles of rows in the form that fits.
static vkc_status by_column(nn_run *r, const nn_call *c, const struct decay_args *a, uint32_t columns,
                            const vkc_shader *quads, const vkc_shader *plain, const uint8_t bind[8])
{
    const nn_choice o = choose(c, false);       // but for the tile as backward
    const uint64_t groups = ((uint64_t) (columns / o.own) * a->tiles - 1) / o.wg + 1;
    nn_kernel_use use = {
        .shader = o.form == NN_FORM_QUADS ? quads : plain, .args = a, .args_size = sizeof *a, .wg = o.wg,
        .spec = { NN_ATTR(c, decay)->kind },
        .groups = { groups < c->dev->max_groups[0] ? (uint32_t) groups : c->dev->max_groups[0] },
    };
    memcpy(use.bind, bind, 8);
    return nn_dispatch(r, &use);
}
#define BY_COLUMN(r, c, a, columns, name, ...) by_column((r), (c), (a), (columns), &vkc_shader_decay_quads_##name, \
    &vkc_shader_decay_##name, (const uint8_t[8]) { __VA_ARGS__ })

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct decay_args a = make_args(c, false);
    return BY_COLUMN(r, c, &a, a.heads * a.dirs * a.width, fwd, ROWS_IN(0), IN(0), IN(1), IN(2), OUT(0));
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const struct decay_args a = make_args(c, true);
    const uint32_t N = a.heads * a.dirs * a.width;
    vkc_status st;
    VKC_TRY(BY_COLUMN(r, c, &a, a.dir_stride ? N : N / a.dirs, bwd, ROWS_IN(0), IN(0), IN(1), IN(2), DOUT(0), DIN(0),
                      SCRATCH(0), SCRATCH(1)));
    if (nn_is_wanted(r, DIN(1)))
        VKC_TRY(nn_add_parts(r, c, SCRATCH(0), DIN(1), N, a.tiles));
    if (nn_is_wanted(r, DIN(2)))
        VKC_TRY(nn_add_parts(r, c, SCRATCH(1), DIN(2), N, a.tiles));
done:
    return st;
}

static double softplus(double u)
{
    return fmax(u, 0) + log1p(exp(-fabs(u)));
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct decay_attr *t = NN_ATTR(c, decay);
    const size_t N = (size_t) t->heads * t->dirs * t->width;
    const double scale = t->scale != 0 ? (double) t->scale : 1;
    for (size_t r = 0; r < c->in_rows[0]->n; r++)
        for (size_t n = 0; n < N; n++) {
            const size_t s = n / t->width, col = column_of(t, (uint32_t) s) + n % t->width;
            const double u = in[0][r * c->in[0].dim[1] + col] + (in[1] ? in[1][n] : 0);
            if (t->kind == DECAY_LOGSIGMOID) {
                out[0][r * N + n] = -scale * softplus(-u);
            } else if (t->kind == DECAY_SIGMOID) {
                out[0][r * N + n] = 1 / (1 + exp(-u));
            } else {
                out[0][r * 2 * N + n] = -exp(in[2][n]) * softplus(u);
                out[0][r * 2 * N + N + n] = softplus(u);
            }
        }
}

const nn_op nn_op_decay = {
    .name = "decay", .n_in = 3, .n_out = 1, .n_opt = 2,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
