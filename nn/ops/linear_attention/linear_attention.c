// linear_attention.c — non-causal linear attention inside each image, from features of q and k.
//   in:  phi_q (R, H F)   phi_k (R, H F)   v (R, W), its heads at columns v_col0 + h D
//   out: y (R, H D)       state (cap_images H, F, D + 4) = [sum phi_k v^T | sum phi_k, 0, 0, 0]
// Two forms (nn/graph/choose/choose.h): SIMD, and one invocation a row.
#include "nn/graph/choose/choose.h"
#include "shaders/linear_attention/linear_attention.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

static struct linear_attention_args make_args(const nn_call *c)
{
    const struct linear_attention_attr *t = NN_ATTR(c, linear_attention);
    return (struct linear_attention_args) {
        .heads = t->heads,
        .features = c->in[0].dim[1] / t->heads,
        .ld_v = c->in[2].dim[1],
        .col_v = t->v_col0,
    };
}

static vkc_status infer(nn_call *c)
{
    const struct linear_attention_attr *t = NN_ATTR(c, linear_attention);
    const nn_shape *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const nn_rows *rows = c->in_rows[0];
    if (!t || !t->heads || !t->head_dim)
        return VKC_FAIL(VKC_E_ARG, "linear_attention: heads or head_dim is 0");
    if (t->head_dim > LINEAR_ATTENTION_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "linear_attention: heads of %u channels, at most %d are supported",
                        t->head_dim, LINEAR_ATTENTION_MAX_DIM);
    if (q->rank != 2 || !rows || c->in_rows[1] != rows || c->in_rows[2] != rows)
        return VKC_FAIL(VKC_E_ARG, "linear_attention: phi_q, phi_k and v are not packed by one layout");
    if (!q->dim[1] || q->dim[1] % t->heads)
        return VKC_FAIL(VKC_E_ARG, "linear_attention: phi_q has %u columns, want a multiple of %u heads",
                        q->dim[1], t->heads);
    if (!nn_shape_is(k, 2, q->dim))
        return VKC_FAIL(VKC_E_ARG, "linear_attention: phi_k is not (%u, %u) like phi_q", q->dim[0], q->dim[1]);
    if (v->rank != 2 || v->dim[0] != q->dim[0] ||
        (uint64_t) t->v_col0 + (uint64_t) t->heads * t->head_dim > v->dim[1])
        return VKC_FAIL(VKC_E_ARG, "linear_attention: v has no columns %u to %llu", t->v_col0,
                        (unsigned long long) t->v_col0 + (unsigned long long) t->heads * t->head_dim);
    uint32_t D = t->head_dim;
    c->out[0] = (nn_shape) { 2, { q->dim[0], t->heads * D } };
    c->out[1] = (nn_shape) { 3, { rows->cap_images * t->heads, q->dim[1] / t->heads, D + 4 } };
    c->out_rows[0] = c->in_rows[0];
    c->out_rows[1] = NULL;
    c->scratch_bwd[0] = (size_t) q->dim[0] * t->heads * (D + 4) * sizeof(float);   // g
    c->scratch_bwd[1] = nn_shape_len(&c->out[1]) * sizeof(float);                  // gradient of the state
    return VKC_OK;
}

static nn_choice choose(const nn_call *c)
{
    const struct linear_attention_args a = make_args(c);
    const uint32_t D = NN_ATTR(c, linear_attention)->head_dim;
    size_t most = nn_shape_len(&c->in[0]);
    for (int i = 1; i <= 2; i++)
        most = nn_shape_len(&c->in[i]) > most ? nn_shape_len(&c->in[i]) : most;
    most = nn_shape_len(&c->out[1]) > most ? nn_shape_len(&c->out[1]) : most;
    most = c->scratch_bwd[0] / 4 > most ? c->scratch_bwd[0] / 4 : most;
    return nn_choose(c, &(nn_problem) { .op = &nn_op_linear_attention, .odd = D | a.features | a.ld_v | a.col_v,
                                        .len = most, .dim = D, .tokens = c->in_rows[0]->cap_tokens });
}

// Plain form: groups for `n` things a head, o->own an invocation, invocations packed over heads.
static uint32_t groups_of(const nn_call *c, const nn_choice *o, uint32_t n)
{
    return ((n + o->own - 1) / o->own * NN_ATTR(c, linear_attention)->heads + o->wg - 1) / o->wg;
}

// state = sum over an image's rows of a_row b_row^T; head_b columns of b a head, column D of it may be 1.
static vkc_status sum_state(nn_run *r, const nn_call *c, int slot_a, int slot_b, int slot_state,
                            struct linear_attention_state_args a)
{
    const uint32_t D = NN_ATTR(c, linear_attention)->head_dim;
    const nn_choice o = choose(c);
    if (o.form == NN_FORM_SIMD)
        return NN_DISPATCH(r, linear_attention_simd_state, &a, .wg = o.wg, .spec = { D, 0, o.wg },
            .groups = { (a.features / 4 + o.wg - 1) / o.wg, a.heads, c->in_rows[0]->cap_images },
            .bind = { ROWS_IN(0), (uint8_t) slot_a, (uint8_t) slot_b, (uint8_t) slot_state });
    const uint32_t blocks = (D + o.slice) / o.slice;        // of the D + 1 columns
    return NN_DISPATCH(r, linear_attention_state, &a, .wg = o.wg, .spec = { D, o.own, o.slice, blocks },
        .groups = { groups_of(c, &o, a.features) * blocks, 1, c->in_rows[0]->cap_images },
        .bind = { ROWS_IN(0), (uint8_t) slot_a, (uint8_t) slot_b, (uint8_t) slot_state });
}

// A kernel over rows in the form that fits.
static vkc_status by_row(nn_run *r, const nn_call *c, const vkc_shader *simd, const vkc_shader *plain,
                         const uint8_t bind[7])
{
    struct linear_attention_args a = make_args(c);
    const nn_choice o = choose(c);
    const bool is_simd = o.form == NN_FORM_SIMD;
    const uint32_t tokens = c->in_rows[0]->cap_tokens;
    nn_kernel_use use = {
        .shader = is_simd ? simd : plain, .args = &a, .args_size = sizeof a, .wg = o.wg,
        .spec = { NN_ATTR(c, linear_attention)->head_dim, o.own, is_simd ? o.wg : 0 },
        .groups = { is_simd ? (tokens + o.tile - 1) / o.tile : groups_of(c, &o, tokens), is_simd ? a.heads : 1,
                    c->in_rows[0]->cap_images },
    };
    memcpy(use.bind, bind, 7);
    return nn_dispatch(r, &use);
}
#define BY_ROW(r, c, name, ...) by_row((r), (c), &vkc_shader_linear_attention_simd_##name, \
    &vkc_shader_linear_attention_##name, (const uint8_t[7]) { __VA_ARGS__ })

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct linear_attention_args a = make_args(c);
    vkc_status st = sum_state(r, c, IN(1), IN(2), OUT(1), (struct linear_attention_state_args) {
        .heads = a.heads, .features = a.features, .ld_b = a.ld_v, .col_b = a.col_v,
        .head_b = NN_ATTR(c, linear_attention)->head_dim });
    if (st != VKC_OK)
        return st;
    return BY_ROW(r, c, fwd, ROWS_IN(0), IN(0), OUT(1), OUT(0));
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct linear_attention_args a = make_args(c);
    uint32_t head_b = NN_ATTR(c, linear_attention)->head_dim + 4;
    vkc_status st;
    VKC_TRY(BY_ROW(r, c, bwd_q, ROWS_IN(0), IN(0), OUT(1), OUT(0), DOUT(0), DIN(0), SCRATCH(0)));
    if (!nn_is_wanted(r, DIN(1)) && !nn_is_wanted(r, DIN(2)))
        return VKC_OK;
    VKC_TRY(sum_state(r, c, IN(0), SCRATCH(0), SCRATCH(1), (struct linear_attention_state_args) {
        .heads = a.heads, .features = a.features, .ld_b = a.heads * head_b, .head_b = head_b }));
    VKC_TRY(BY_ROW(r, c, bwd_kv, ROWS_IN(0), IN(1), IN(2), SCRATCH(1), DIN(1), DIN(2)));
done:
    return st;
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct linear_attention_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const size_t H = a.heads, F = a.features, D = NN_ATTR(c, linear_attention)->head_dim, W = D + 4;
    memset(out[1], 0, nn_shape_len(&c->out[1]) * sizeof(double));
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (size_t h = 0; h < H; h++) {
            double *S = out[1] + (b * H + h) * F * W;
            for (size_t r = rows->offsets[b]; r < rows->offsets[b + 1]; r++)
                for (size_t f = 0; f < F; f++)
                    for (size_t d = 0; d <= D; d++)
                        S[f * W + d] += in[1][(r * H + h) * F + f] *
                                        (d < D ? in[2][r * a.ld_v + a.col_v + h * D + d] : 1);
            for (size_t r = rows->offsets[b]; r < rows->offsets[b + 1]; r++) {
                const double *p = in[0] + (r * H + h) * F;
                double *y = out[0] + (r * H + h) * D, den = 0;
                for (size_t f = 0; f < F; f++)
                    den += p[f] * S[f * W + D];
                for (size_t d = 0; d < D; d++) {
                    y[d] = 0;
                    for (size_t f = 0; f < F; f++)
                        y[d] += p[f] * S[f * W + d];
                    y[d] /= fmax(den, (double) LINEAR_ATTENTION_EPS);
                }
            }
        }
}

static uint64_t macs(const nn_call *c)
{
    return 2 * (uint64_t) c->in[0].dim[0] * c->in[0].dim[1] * (NN_ATTR(c, linear_attention)->head_dim + 1);
}

const nn_op nn_op_linear_attention = {
    .name = "linear_attention", .n_in = 3, .n_out = 2,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)) | BIT(OUT(0)) | BIT(OUT(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
