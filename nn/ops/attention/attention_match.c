// attention_match.c — cross-entropy between a teacher's attention weights and those of a student's features, inside
// each image; no N x N matrix is ever stored. See shaders/attention/attention_match.h.
//   in:  phi_q (R, H F)   phi_k (R, H F)   qkv (R, 3C) of the teacher and its lse (R, H), without gradients, and where
//        its attention has one the table (N, H) of relative positions
//   out: loss (1)   entropy (1) of the teacher's weights   norm (R, H), the row sums of kappa
// Two forms, as attention: SIMD and tiled.
#include "nn/graph/rowwise.h"
#include "nn/ops/attention/attention_bias.h"
#include "shaders/attention/attention_match.h"
#include "shaders/loss/loss_mean.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

static uint32_t head_dim(const nn_call *c)
{
    return c->in[2].dim[1] / 3 / NN_ATTR(c, attention_match)->heads;
}

static uint32_t n_features(const nn_call *c)
{
    return c->in[0].dim[1] / NN_ATTR(c, attention_match)->heads;
}

static struct attention_match_args make_args(const nn_call *c)
{
    const struct attention_match_attr *t = NN_ATTR(c, attention_match);
    return (struct attention_match_args) {
        .heads = t->heads,
        .scale = t->scale != 0 ? t->scale : (float) (1 / sqrt((double) head_dim(c))),
        .bias = nn_bias_args(c, 4, 2, t->grid_w),
    };
}

static vkc_status infer(nn_call *c)
{
    const struct attention_match_attr *t = NN_ATTR(c, attention_match);
    const nn_shape *q = &c->in[0];
    vkc_status st;
    if (!t || !t->heads || !isfinite(t->scale))
        return VKC_FAIL(VKC_E_ARG, "attention_match: heads is 0, or scale is not finite");
    VKC_TRY(nn_want_shape("attention_match", "phi_q", q, 2, 0, 0));
    VKC_TRY(nn_want_shape("attention_match", "phi_k", &c->in[1], 2, q->dim[0], q->dim[1]));
    VKC_TRY(nn_want_shape("attention_match", "qkv", &c->in[2], 2, q->dim[0], 0));
    VKC_TRY(nn_want_shape("attention_match", "lse", &c->in[3], 2, q->dim[0], t->heads));
    for (int i = 0; i < 4; i++)
        if (!c->in_rows[i] || c->in_rows[i] != c->in_rows[0])
            return VKC_FAIL(VKC_E_ARG, "attention_match: phi_q, phi_k, qkv and lse are not packed by one layout");
    if (q->dim[1] % t->heads || q->dim[1] / t->heads > ATTENTION_MATCH_MAX_FEATURES)
        return VKC_FAIL(VKC_E_ARG, "attention_match: phi_q has %u columns, want a multiple of %u heads, at most %d "
                        "each", q->dim[1], t->heads, ATTENTION_MATCH_MAX_FEATURES);
    if (c->in[2].dim[1] % (3 * t->heads) || head_dim(c) > ATTENTION_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "attention_match: qkv has %u columns, want 3 times a multiple of %u heads, at most "
                        "%d each", c->in[2].dim[1], t->heads, ATTENTION_MAX_DIM);
    VKC_TRY(nn_bias_check("attention_match", c, 4, 2, t->heads, t->grid_w));
    c->out[0] = c->out[1] = (nn_shape) { 1, { 1 } };
    c->out[2] = c->in[3];
    c->out_rows[0] = c->out_rows[1] = NULL;
    c->out_rows[2] = c->in_rows[0];
    c->scratch_fwd[0] = 2 * nn_shape_len(&c->in[3]) * sizeof(float);               // loss and entropy of each row
    c->scratch_fwd[1] = c->scratch_fwd[2] = NN_MAX_PARTIALS * sizeof(float);       // sums of them
done:
    return st;
}

static nn_choice choose(const nn_call *c)
{
    const uint32_t widest = c->in[2].dim[1] > c->in[0].dim[1] ? c->in[2].dim[1] : c->in[0].dim[1];
    return nn_choose(c, &(nn_problem) { .op = &nn_op_attention_match, .odd = head_dim(c) | n_features(c),
                                        .dim = head_dim(c), .features = n_features(c),
                                        .len = (uint64_t) c->in[0].dim[0] * widest });
}

// One kernel of the form that fits; `is_keys` says that its own rows are keys.
static vkc_status dispatch(nn_run *r, const nn_call *c, const vkc_shader *simd, const vkc_shader *tiled,
                           uint32_t is_keys, const uint8_t *bind, size_t n_bind)
{
    struct attention_match_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const nn_choice o = choose(c);
    const bool is_simd = o.form == NN_FORM_SIMD;
    const uint32_t D = head_dim(c), F = n_features(c);
    nn_kernel_use use = {
        .shader = is_simd ? simd : tiled, .args = &a, .args_size = sizeof a, .wg = o.wg,
        .groups = { (rows->cap_tokens + o.tile - 1) / o.tile, a.heads, rows->cap_images },
    };
    if (is_simd)
        memcpy(use.spec, (const uint32_t[]) { D, o.wg, o.own, F, is_keys }, 5 * sizeof use.spec[0]);
    else
        memcpy(use.spec, (const uint32_t[]) { F, o.slice, (F + o.slice - 1) / o.slice, D, is_keys },
               5 * sizeof use.spec[0]);
    use.spec[SPEC_ATTENTION_BIAS - 1] = nn_bias_spec(c, 4);
    memcpy(use.bind, bind, n_bind);
    return nn_dispatch(r, &use);
}
#define DISPATCH(r, c, pass, is_keys, ...) dispatch((r), (c), &vkc_shader_attention_match_simd_##pass, \
    &vkc_shader_attention_match_tiled_##pass, (is_keys), (const uint8_t[]) { __VA_ARGS__ }, \
    sizeof((const uint8_t[]) { __VA_ARGS__ }))

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct attention_match_args a = make_args(c);
    struct loss_mean_args m = { .n_partials = nn_n_partials(c->in[0].dim[0], ATTENTION_MATCH_TILE),
                                .scale = 1.0f / (float) a.heads };
    vkc_status st;
    VKC_TRY(DISPATCH(r, c, fwd, 0, ROWS_IN(0), IN(2), IN(0), IN(1), IN(3), OUT(2), SCRATCH(0), IN(4)));
    VKC_TRY(NN_DISPATCH(r, attention_match_sum, &a, .groups = { m.n_partials }, .wg = NN_ROW_WG,
        .bind = { ROWS_IN(0), SCRATCH(0), SCRATCH(1), SCRATCH(2) }));
    for (int i = 0; i < 2; i++)
        VKC_TRY(NN_DISPATCH(r, loss_mean, &m, .wg = NN_ROW_WG,
            .bind = { (uint8_t) SCRATCH(1 + i), (uint8_t) OUT(i), ROWS_IN(0) }));
done:
    return st;
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(0)))
        VKC_TRY(DISPATCH(r, c, bwd, 0, ROWS_IN(0), IN(2), IN(0), IN(1), IN(3), OUT(2), DOUT(0), DIN(0), IN(4)));
    if (nn_is_wanted(r, DIN(1)))
        VKC_TRY(DISPATCH(r, c, bwd, 1, ROWS_IN(0), IN(2), IN(1), IN(0), IN(3), OUT(2), DOUT(0), DIN(1), IN(4)));
done:
    return st;
}

static double dot(const double *x, const double *y, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++)
        s += x[i] * y[i];
    return s;
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct attention_match_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const size_t H = a.heads, D = head_dim(c), F = n_features(c), ld = 3 * H * D;
    out[0][0] = out[1][0] = 0;
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (size_t i = rows->offsets[b]; i < rows->offsets[b + 1]; i++)
            for (size_t h = 0; h < H; h++) {
                double norm = 0, cross = 0, entropy = 0;
                for (size_t j = rows->offsets[b]; j < rows->offsets[b + 1]; j++) {
                    double s = (double) a.scale * dot(in[2] + i * ld + h * D, in[2] + j * ld + (H + h) * D, D);
                    s += nn_bias_ref(&a.bias, in[4], H, rows->pos[i], rows->pos[j], h);
                    double kappa = dot(in[0] + (i * H + h) * F, in[1] + (j * H + h) * F, F);
                    double log_a = s - in[3][i * H + h];
                    kappa = fmax(kappa, (double) ATTENTION_MATCH_EPS);
                    norm += kappa;
                    cross -= exp(log_a) * log(kappa);
                    entropy -= exp(log_a) * log_a;
                }
                out[0][0] += (cross + log(norm)) / (double) (rows->n * H);
                out[1][0] += entropy / (double) (rows->n * H);
                out[2][i * H + h] = norm;
            }
}

static uint64_t macs(const nn_call *c)
{
    const nn_rows *rows = c->in_rows[0];
    return (uint64_t) rows->cap_images * rows->cap_tokens * rows->cap_tokens *
           (c->in[0].dim[1] + c->in[2].dim[1] / 3);
}

const nn_op nn_op_attention_match = {
    .name = "attention_match", .n_in = 5, .n_out = 3, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)) | BIT(IN(3)) | BIT(IN(4)) | BIT(OUT(2)),
    .grad = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
