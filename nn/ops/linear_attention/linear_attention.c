// linear_attention.c — linear attention inside each image, from features of q and k.
//   in:  phi_q (R, H F)   phi_k (R, H F)   v (R, W), its heads at columns v_col0 + h D
//   out: y (R, H D)       state (cap_images H, F, D + 4) = [sum phi_k v^T | sum phi_k, 0, 0, 0]
// Causal: state (cap_images chunks H, F, D + 4), of the rows before each chunk.
// Two forms (nn/graph/choose/choose.h): SIMD, and one invocation a row.
#include "nn/graph/rowwise.h"
#include "shaders/linear_attention/linear_attention.h"
#include "spv/shaders.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((uint32_t) LINEAR_ATTENTION_CHUNK)

// Scratch. Products of the rows of a chunk (R, H, CHUNK), causal; forward what they give (R, H, D + 4), backward their
// part of the denominators (R, H, 4).
enum { FWD_PAIRS, FWD_LOCAL };
enum { BWD_G, BWD_DSTATE, BWD_PAIRS, BWD_DEN };

static bool is_causal(const nn_call *c)
{
    return NN_ATTR(c, linear_attention)->causal != 0;
}

static uint32_t chunks_of(const nn_call *c)
{
    return is_causal(c) ? (c->in_rows[0]->cap_tokens - 1) / CHUNK + 1 : 1;
}

static struct linear_attention_args make_args(const nn_call *c)
{
    const struct linear_attention_attr *t = NN_ATTR(c, linear_attention);
    return (struct linear_attention_args) {
        .heads = t->heads,
        .features = c->in[0].dim[1] / t->heads,
        .ld_v = c->in[2].dim[1],
        .col_v = t->v_col0,
        .chunks = chunks_of(c),
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
    const uint64_t states = (uint64_t) rows->cap_images * chunks_of(c) * t->heads;
    if (states * (q->dim[1] / t->heads) * (D + 4) > UINT32_MAX)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "linear_attention: %llu states of %u x %u numbers are more than 2^32; a "
                        "smaller batch has fewer", (unsigned long long) states, q->dim[1] / t->heads, D + 4);
    c->out[0] = (nn_shape) { 2, { q->dim[0], t->heads * D } };
    c->out[1] = (nn_shape) { 3, { (uint32_t) states, q->dim[1] / t->heads, D + 4 } };
    c->out_rows[0] = c->in_rows[0];
    c->out_rows[1] = NULL;
    const size_t heads = (size_t) q->dim[0] * t->heads;
    c->scratch_bwd[BWD_G] = heads * (D + 4) * sizeof(float);
    c->scratch_bwd[BWD_DSTATE] = nn_shape_len(&c->out[1]) * sizeof(float);
    if (is_causal(c)) {
        c->scratch_fwd[FWD_PAIRS] = c->scratch_bwd[BWD_PAIRS] = heads * CHUNK * sizeof(float);
        c->scratch_fwd[FWD_LOCAL] = heads * (D + 4) * sizeof(float);
        c->scratch_bwd[BWD_DEN] = heads * 4 * sizeof(float);
    }
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
    most = c->scratch_bwd[BWD_G] / 4 > most ? c->scratch_bwd[BWD_G] / 4 : most;
    most = c->scratch_bwd[BWD_PAIRS] / 4 > most ? c->scratch_bwd[BWD_PAIRS] / 4 : most;
    return nn_choose(c, &(nn_problem) { .op = &nn_op_linear_attention, .odd = D | a.features | a.ld_v | a.col_v,
                                        .len = most, .dim = D, .tokens = c->in_rows[0]->cap_tokens });
}

// Plain form: groups for `n` things a head, o->own an invocation, invocations packed over heads.
static uint32_t groups_of(const nn_call *c, const nn_choice *o, uint32_t n)
{
    return ((n + o->own - 1) / o->own * NN_ATTR(c, linear_attention)->heads + o->wg - 1) / o->wg;
}

// state = sum over the rows of an image, or chunk, of a_row b_row^T; head_b columns of b a head, column D of it may be
// 1.
static vkc_status sum_rows(nn_run *r, const nn_call *c, int slot_a, int slot_b, int slot_state,
                           struct linear_attention_state_args a)
{
    const uint32_t D = NN_ATTR(c, linear_attention)->head_dim;
    const nn_choice o = choose(c);
    a.chunks = chunks_of(c);
    a.rows = is_causal(c) ? CHUNK : UINT32_MAX;
    if (o.form == NN_FORM_SIMD)
        return NN_DISPATCH(r, linear_attention_simd_state, &a, .wg = o.wg, .spec = { D, 0, o.wg },
            .groups = { (a.features / 4 + o.wg - 1) / o.wg * a.chunks, a.heads, c->in_rows[0]->cap_images },
            .bind = { ROWS_IN(0), (uint8_t) slot_a, (uint8_t) slot_b, (uint8_t) slot_state });
    const uint32_t blocks = (D + o.slice) / o.slice;        // of the D + 1 columns
    return NN_DISPATCH(r, linear_attention_state, &a, .wg = o.wg, .spec = { D, o.own, o.slice, blocks },
        .groups = { groups_of(c, &o, a.features) * blocks, a.chunks, c->in_rows[0]->cap_images },
        .bind = { ROWS_IN(0), (uint8_t) slot_a, (uint8_t) slot_b, (uint8_t) slot_state });
}

// The same; causal, of the chunks before, or with `later` behind, each chunk.
static vkc_status sum_state(nn_run *r, const nn_call *c, int slot_a, int slot_b, int slot_state, bool later,
                            struct linear_attention_state_args a)
{
    vkc_status st = sum_rows(r, c, slot_a, slot_b, slot_state, a);
    if (st != VKC_OK || !is_causal(c))
        return st;
    struct linear_attention_pass_args p = { .chunks = chunks_of(c), .later = later };
    p.len = a.heads * a.features * (NN_ATTR(c, linear_attention)->head_dim + 4);
    return NN_DISPATCH(r, linear_attention_pass, &p, .wg = NN_ROW_WG,
        .groups = { (p.len - 1) / NN_ROW_WG + 1, 1, c->in_rows[0]->cap_images }, .bind = { (uint8_t) slot_state });
}

// Columns of the heads in a tensor of tokens, and where it is.
typedef struct columns { uint8_t slot; uint32_t ld, col, head; } columns;

static columns features_in(const nn_call *c, int slot)
{
    const struct linear_attention_args a = make_args(c);
    return (columns) { (uint8_t) slot, a.heads * a.features, 0, a.features };
}

static columns values_in(const nn_call *c, int slot)
{
    const struct linear_attention_args a = make_args(c);
    return (columns) { (uint8_t) slot, a.ld_v, a.col_v, NN_ATTR(c, linear_attention)->head_dim };
}

// (R, H, width)
static columns own_columns(const nn_call *c, int slot, uint32_t width)
{
    return (columns) { (uint8_t) slot, NN_ATTR(c, linear_attention)->heads * width, 0, width };
}

static vkc_status by_chunk(nn_run *r, const nn_call *c, const vkc_shader *simd, const vkc_shader *plain,
                           nn_kernel_use use, uint32_t columns_each)
{
    const nn_choice o = choose(c);
    const nn_rows *rows = c->in_rows[0];
    const uint64_t plain_groups = ((uint64_t) rows->cap_tokens * columns_each - 1) / NN_ROW_WG + 1;
    use.groups[0] = plain_groups < c->dev->max_groups[0] ? (uint32_t) plain_groups : c->dev->max_groups[0];
    use.groups[1] = NN_ATTR(c, linear_attention)->heads;
    use.groups[2] = rows->cap_images;
    use.wg = NN_ROW_WG;
    use.shader = plain;
    if (o.form == NN_FORM_SIMD) {
        use.shader = simd;
        use.wg = o.wg;
        use.groups[0] = (rows->cap_tokens + o.tile - 1) / o.tile;
        use.spec[SPEC_LINEAR_ATTENTION_DIM - 1] = NN_ATTR(c, linear_attention)->head_dim;
        use.spec[SPEC_LINEAR_ATTENTION_OWN - 1] = o.own;
        use.spec[SPEC_LINEAR_ATTENTION_SIMD - 1] = o.wg;
    }
    return nn_dispatch(r, &use);
}

// P in `slot`; one: 1 = x has a column more, what a 1 of y is multiplied by, 2 = y has.
static vkc_status pairs(nn_run *r, const nn_call *c, int slot, columns x, columns y, uint32_t len, uint32_t one,
                        bool later)
{
    struct linear_attention_pairs_args a = { NN_ATTR(c, linear_attention)->heads, len, x.ld, x.col, x.head,
                                             y.ld, y.col, y.head, one, later };
    return by_chunk(r, c, &vkc_shader_linear_attention_simd_pairs, &vkc_shader_linear_attention_pairs, (nn_kernel_use) {
        .args = &a, .args_size = sizeof a, .bind = { ROWS_IN(0), x.slot, y.slot, (uint8_t) slot } }, CHUNK);
}

// y = [P x | P 1] with `store`, else y += P x.
static vkc_status local(nn_run *r, const nn_call *c, int slot, columns x, uint32_t width, columns y, bool store,
                        bool later)
{
    struct linear_attention_local_args a = { NN_ATTR(c, linear_attention)->heads, width, x.ld, x.col, x.head,
                                             y.ld, y.col, y.head, store, later };
    return by_chunk(r, c, &vkc_shader_linear_attention_simd_local, &vkc_shader_linear_attention_local, (nn_kernel_use) {
        .args = &a, .args_size = sizeof a, .bind = { ROWS_IN(0), (uint8_t) slot, x.slot, y.slot } }, width + store);
}

// A kernel over rows in the form that fits.
static vkc_status by_row(nn_run *r, const nn_call *c, const vkc_shader *simd, const vkc_shader *plain,
                         const uint8_t bind[8])
{
    struct linear_attention_args a = make_args(c);
    const nn_choice o = choose(c);
    const bool is_simd = o.form == NN_FORM_SIMD;
    const uint32_t tokens = c->in_rows[0]->cap_tokens;
    nn_kernel_use use = {
        .shader = is_simd ? simd : plain, .args = &a, .args_size = sizeof a, .wg = o.wg,
        .spec = { NN_ATTR(c, linear_attention)->head_dim, o.own, is_simd ? o.wg : 0,
                  [SPEC_LINEAR_ATTENTION_CAUSAL - 1] = is_causal(c) },
        .groups = { is_simd ? (tokens + o.tile - 1) / o.tile : groups_of(c, &o, tokens), is_simd ? a.heads : 1,
                    c->in_rows[0]->cap_images },
    };
    memcpy(use.bind, bind, 8);
    return nn_dispatch(r, &use);
}
#define BY_ROW(r, c, name, ...) by_row((r), (c), &vkc_shader_linear_attention_simd_##name, \
    &vkc_shader_linear_attention_##name, (const uint8_t[8]) { __VA_ARGS__ })

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct linear_attention_args a = make_args(c);
    const uint32_t D = NN_ATTR(c, linear_attention)->head_dim;
    vkc_status st;
    VKC_TRY(sum_state(r, c, IN(1), IN(2), OUT(1), false, (struct linear_attention_state_args) {
        .heads = a.heads, .features = a.features, .ld_b = a.ld_v, .col_b = a.col_v, .head_b = D }));
    if (is_causal(c)) {
        VKC_TRY(pairs(r, c, SCRATCH(FWD_PAIRS), features_in(c, IN(0)), features_in(c, IN(1)), a.features, 0, false));
        VKC_TRY(local(r, c, SCRATCH(FWD_PAIRS), values_in(c, IN(2)), D, own_columns(c, SCRATCH(FWD_LOCAL), D + 4), true,
                      false));
    }
    VKC_TRY(BY_ROW(r, c, fwd, ROWS_IN(0), IN(0), OUT(1), OUT(0), is_causal(c) ? SCRATCH(FWD_LOCAL) : IN(0)));
done:
    return st;
}

// What the rows of a chunk give each other's gradients of phi_k and v.
static vkc_status bwd_local_kv(nn_run *r, const nn_call *c)
{
    const struct linear_attention_args a = make_args(c);
    const uint32_t D = NN_ATTR(c, linear_attention)->head_dim;
    const columns g = own_columns(c, SCRATCH(BWD_G), D + 4);
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(1))) {
        VKC_TRY(pairs(r, c, SCRATCH(BWD_PAIRS), values_in(c, IN(2)), g, D, 2, true));
        VKC_TRY(local(r, c, SCRATCH(BWD_PAIRS), features_in(c, IN(0)), a.features, features_in(c, DIN(1)), false,
                      true));
    }
    if (nn_is_wanted(r, DIN(2))) {
        VKC_TRY(pairs(r, c, SCRATCH(BWD_PAIRS), features_in(c, IN(1)), features_in(c, IN(0)), a.features, 0, true));
        VKC_TRY(local(r, c, SCRATCH(BWD_PAIRS), g, D, values_in(c, DIN(2)), false, true));
    }
done:
    return st;
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct linear_attention_args a = make_args(c);
    const uint32_t D = NN_ATTR(c, linear_attention)->head_dim, head_b = D + 4;
    vkc_status st;
    if (is_causal(c)) {
        VKC_TRY(pairs(r, c, SCRATCH(BWD_PAIRS), features_in(c, IN(0)), features_in(c, IN(1)), a.features, 0, false));
        VKC_TRY(local(r, c, SCRATCH(BWD_PAIRS), values_in(c, IN(2)), 0, own_columns(c, SCRATCH(BWD_DEN), 4), true,
                      false));
    }
    VKC_TRY(BY_ROW(r, c, bwd_q, ROWS_IN(0), IN(0), OUT(1), OUT(0), DOUT(0), DIN(0), SCRATCH(BWD_G),
                   is_causal(c) ? SCRATCH(BWD_DEN) : IN(0)));
    if (is_causal(c) && nn_is_wanted(r, DIN(0))) {
        VKC_TRY(pairs(r, c, SCRATCH(BWD_PAIRS), own_columns(c, SCRATCH(BWD_G), D + 4), values_in(c, IN(2)), D, 1,
                      false));
        VKC_TRY(local(r, c, SCRATCH(BWD_PAIRS), features_in(c, IN(1)), a.features, features_in(c, DIN(0)), false,
                      false));
    }
    if (!nn_is_wanted(r, DIN(1)) && !nn_is_wanted(r, DIN(2)))
        return VKC_OK;
    VKC_TRY(sum_state(r, c, IN(0), SCRATCH(BWD_G), SCRATCH(BWD_DSTATE), true, (struct linear_attention_state_args) {
        .heads = a.heads, .features = a.features, .ld_b = a.heads * head_b, .head_b = head_b }));
    VKC_TRY(BY_ROW(r, c, bwd_kv, ROWS_IN(0), IN(1), IN(2), SCRATCH(BWD_DSTATE), DIN(1), DIN(2)));
    if (is_causal(c))
        VKC_TRY(bwd_local_kv(r, c));
done:
    return st;
}

// S += phi_k [v | 1]^T of a row and head.
static void ref_add(const nn_call *c, const double *const *in, size_t r, size_t h, double *S)
{
    const struct linear_attention_args a = make_args(c);
    const size_t F = a.features, D = NN_ATTR(c, linear_attention)->head_dim;
    for (size_t f = 0; f < F; f++)
        for (size_t d = 0; d <= D; d++)
            S[f * (D + 4) + d] += in[1][(r * a.heads + h) * F + f] *
                                  (d < D ? in[2][r * a.ld_v + a.col_v + h * D + d] : 1);
}

// y (D) = numerator over denominator of features p (F) and state S.
static void ref_query(const nn_call *c, const double *p, const double *S, double *y)
{
    const size_t F = make_args(c).features, D = NN_ATTR(c, linear_attention)->head_dim, W = D + 4;
    double den = 0;
    for (size_t f = 0; f < F; f++)
        den += p[f] * S[f * W + D];
    for (size_t d = 0; d < D; d++) {
        y[d] = 0;
        for (size_t f = 0; f < F; f++)
            y[d] += p[f] * S[f * W + d];
        y[d] /= fmax(den, (double) LINEAR_ATTENTION_EPS);
    }
}

// Causal: S (F, D + 4) grows row by row; what it is before each chunk stays in state.
static void ref_causal(const nn_call *c, const double *const *in, uint32_t b, size_t h, double *S, double *const *out)
{
    const struct linear_attention_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const size_t H = a.heads, F = a.features, D = NN_ATTR(c, linear_attention)->head_dim, len = F * (D + 4);
    const size_t first = rows->offsets[b], n = rows->offsets[b + 1] - first;
    memset(S, 0, len * sizeof *S);
    for (size_t i = 0; i < (size_t) a.chunks * CHUNK; i++) {
        const size_t r = first + i;
        if (i % CHUNK == 0)
            memcpy(out[1] + ((b * a.chunks + i / CHUNK) * H + h) * len, S, len * sizeof *S);
        if (i < n) {
            ref_add(c, in, r, h, S);
            ref_query(c, in[0] + (r * H + h) * F, S, out[0] + (r * H + h) * D);
        }
    }
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct linear_attention_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const size_t H = a.heads, F = a.features, D = NN_ATTR(c, linear_attention)->head_dim, W = D + 4;
    double *own = is_causal(c) ? (double *) malloc(F * W * sizeof *own) : NULL;
    memset(out[1], 0, nn_shape_len(&c->out[1]) * sizeof(double));
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (size_t h = 0; h < H; h++) {
            double *S = out[1] + (b * H + h) * F * W;
            if (own)
                ref_causal(c, in, b, h, own, out);
            for (size_t r = rows->offsets[b]; r < rows->offsets[b + 1] && !is_causal(c); r++)
                ref_add(c, in, r, h, S);
            for (size_t r = rows->offsets[b]; r < rows->offsets[b + 1] && !is_causal(c); r++)
                ref_query(c, in[0] + (r * H + h) * F, S, out[0] + (r * H + h) * D);
        }
    free(own);
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
