// window_attention.c — softmax attention inside windows of each image and linear attention outside them, under one
// normalisation; the equations are in shaders/linear_attention/window_attention.h. Linear in tokens.
//   in:  phi_q (R, H F)   phi_k (R, H F)   qkv (R, 3C), C = H D   mix (H), logits of the softmax part's weight
//   out: y (R, C)   state (cap_images blocks H, F, D + 1) of all blocks but one   stats (R, 3H)
#include "nn/graph/rowwise.h"
#include "shaders/linear_attention/window_attention.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

enum { PHI_Q, PHI_K, QKV, MIX };

static uint32_t head_dim(const nn_call *c)
{
    return NN_ATTR(c, window_attention)->head_dim;
}

static struct window_attention_args make_args(const nn_call *c)
{
    const struct window_attention_attr *t = NN_ATTR(c, window_attention);
    const nn_rows *rows = c->in_rows[0];
    const uint32_t C = t->heads * t->head_dim;
    return (struct window_attention_args) {
        .heads = t->heads, .features = c->in[PHI_Q].dim[1] / t->heads, .window = t->window,
        .blocks = (rows->cap_tokens - 1) / t->window + 1, .images = rows->cap_images,
        .scale = (float) (1 / sqrt((double) t->head_dim)),
        .ld_b = 3 * C, .col_b = 2 * C, .head_b = t->head_dim,
    };
}

static vkc_status infer(nn_call *c)
{
    const struct window_attention_attr *t = NN_ATTR(c, window_attention);
    const nn_shape *q = &c->in[PHI_Q];
    const nn_rows *rows = c->in_rows[0];
    vkc_status st = VKC_OK;
    if (!t || !t->heads || !t->head_dim || !t->window)
        return VKC_FAIL(VKC_E_ARG, "window_attention: heads, head_dim or window is 0");
    if (t->head_dim > LINEAR_ATTENTION_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "window_attention: heads of %u channels, at most %d are supported", t->head_dim,
                        LINEAR_ATTENTION_MAX_DIM);
    if (q->rank != 2 || !rows || c->in_rows[PHI_K] != rows || c->in_rows[QKV] != rows)
        return VKC_FAIL(VKC_E_ARG, "window_attention: phi_q, phi_k and qkv are not packed by one layout");
    if (!q->dim[1] || q->dim[1] % t->heads)
        return VKC_FAIL(VKC_E_ARG, "window_attention: phi_q has %u columns, want a multiple of %u heads", q->dim[1],
                        t->heads);
    const uint32_t H = t->heads, D = t->head_dim;
    VKC_TRY(nn_want_shape("window_attention", "phi_k", &c->in[PHI_K], 2, q->dim[0], q->dim[1]));
    VKC_TRY(nn_want_shape("window_attention", "qkv", &c->in[QKV], 2, q->dim[0], 3 * H * D));
    VKC_TRY(nn_want_shape("window_attention", "mix", &c->in[MIX], 1, H, 0));
    const struct window_attention_args a = make_args(c);
    const uint32_t longest = t->window < rows->cap_tokens ? t->window : rows->cap_tokens;
    if (longest + a.features > NN_MAX_ROUNDS || 2 * (uint64_t) a.blocks > NN_MAX_ROUNDS)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "window_attention: %u tokens in windows of %u; fewer than %u a window, and "
                        "no more than %u windows, are supported", rows->cap_tokens, t->window,
                        NN_MAX_ROUNDS - a.features, NN_MAX_ROUNDS / 2);
    if ((uint64_t) a.images * a.blocks * H * a.features * (D + 1) > UINT32_MAX)
        return VKC_FAIL(VKC_E_ARG, "window_attention: %u blocks an image have states of more than 2^32 numbers; with a "
                        "larger window, or a smaller batch, there are fewer", a.blocks);
    c->out[0] = (nn_shape) { 2, { q->dim[0], H * D } };
    c->out[1] = (nn_shape) { 3, { a.images * a.blocks * H, a.features, D + 1 } };
    c->out[2] = (nn_shape) { 2, { q->dim[0], H * WINDOW_ATTENTION_STATS } };
    c->out_rows[0] = c->out_rows[2] = c->in_rows[0];
    c->out_rows[1] = NULL;
    c->scratch_fwd[0] = nn_shape_len(&c->out[1]) * sizeof(float);                   // states of the blocks
    c->scratch_bwd[0] = (size_t) q->dim[0] * H * (D + 1) * sizeof(float);           // g
    c->scratch_bwd[1] = (size_t) q->dim[0] * H * sizeof(float);                     // r
    c->scratch_bwd[2] = c->scratch_bwd[3] = c->scratch_fwd[0];
done:
    return st;
}

static uint32_t at_most(const nn_call *c, int axis, uint32_t n)
{
    return n < c->dev->max_groups[axis] ? n : c->dev->max_groups[axis];
}

// An invocation a row and head.
#define BY_ROW(r, c, name, a, ...) NN_DISPATCH(r, window_attention_##name, a, .wg = NN_ROW_WG, \
    .spec = { head_dim(c) }, \
    .groups = { ((c)->in_rows[0]->cap_tokens * (a)->heads - 1) / NN_ROW_WG + 1, 1, at_most(c, 2, (a)->images) }, \
    .bind = { ROWS_IN(0), __VA_ARGS__ })

// The sums of each block's a [b | 1]^T, in slot `own`, and of all other blocks', in slot `others`.
static vkc_status sum_states(nn_run *r, const nn_call *c, const struct window_attention_args *a, int slot_a, int slot_b,
                             int own, int others)
{
    const uint32_t each = a->features * (head_dim(c) + 1);
    vkc_status st;
    VKC_TRY(NN_DISPATCH(r, window_attention_state, a, .wg = NN_ROW_WG, .spec = { head_dim(c) },
        .groups = { (each - 1) / NN_ROW_WG + 1, a->heads, at_most(c, 2, a->images * a->blocks) },
        .bind = { ROWS_IN(0), (uint8_t) slot_a, (uint8_t) slot_b, (uint8_t) own }));
    VKC_TRY(NN_DISPATCH(r, window_attention_others, a, .wg = NN_ROW_WG, .spec = { head_dim(c) },
        .groups = { (a->heads * each - 1) / NN_ROW_WG + 1, 1, at_most(c, 2, a->images) },
        .bind = { (uint8_t) own, (uint8_t) others }));
done:
    return st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct window_attention_args a = make_args(c);
    vkc_status st = sum_states(r, c, &a, IN(PHI_K), IN(QKV), SCRATCH(0), OUT(1));
    if (st != VKC_OK)
        return st;
    return BY_ROW(r, c, fwd, &a, IN(PHI_Q), IN(QKV), IN(MIX), OUT(1), OUT(0), OUT(2));
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct window_attention_args a = make_args(c);
    vkc_status st;
    VKC_TRY(BY_ROW(r, c, bwd_q, &a, IN(QKV), IN(MIX), OUT(1), OUT(0), OUT(2), DOUT(0), DIN(PHI_Q), DIN(QKV),
                   SCRATCH(0), SCRATCH(1), IN(PHI_Q)));
    if (nn_is_wanted(r, DIN(MIX)))
        VKC_TRY(NN_DISPATCH(r, window_attention_bwd_mix, &a, .wg = NN_ROW_WG, .groups = { a.heads },
            .bind = { ROWS_IN(0), IN(MIX), SCRATCH(1), DIN(MIX) }));
    if (!nn_is_wanted(r, DIN(PHI_K)) && !nn_is_wanted(r, DIN(QKV)))
        return VKC_OK;
    a.head_b = head_dim(c) + 1;
    a.ld_b = a.heads * a.head_b;
    a.col_b = 0;
    VKC_TRY(sum_states(r, c, &a, IN(PHI_Q), SCRATCH(0), SCRATCH(2), SCRATCH(3)));
    VKC_TRY(BY_ROW(r, c, bwd_kv, &a, IN(PHI_K), IN(QKV), IN(MIX), SCRATCH(3), OUT(2), SCRATCH(0), SCRATCH(1),
                   DIN(PHI_K), DIN(QKV)));
done:
    return st;
}

// ---- the definition, in double

typedef struct operands {
    const double *phi_q, *phi_k, *qkv;
    size_t H, F, D;
    double scale;
} operands;

static double dot(const double *x, const double *y, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++)
        s += x[i] * y[i];
    return s;
}

// O_c of block c of the rows r0 .. r1.
static void ref_state(const operands *o, size_t h, size_t r0, size_t r1, size_t c, size_t window, double *O)
{
    const size_t H = o->H, F = o->F, D = o->D, C = H * D;
    memset(O, 0, F * (D + 1) * sizeof *O);
    for (size_t j = r0; j < r1; j++)
        for (size_t f = 0; f < F && (j - r0) / window != c; f++)
            for (size_t d = 0; d <= D; d++)
                O[f * (D + 1) + d] += o->phi_k[(j * H + h) * F + f] *
                                      (d < D ? o->qkv[j * 3 * C + 2 * C + h * D + d] : 1);
}

// One query: y (D) and stats (3); its block has the rows first .. end.
static void ref_query(const operands *o, size_t h, size_t i, size_t first, size_t end, double w, const double *O,
                      double *y, double *stats)
{
    const size_t H = o->H, F = o->F, D = o->D, C = H * D;
    double top = -HUGE_VAL, den = 0;
    memset(y, 0, D * sizeof *y);
    for (size_t j = first; j < end; j++) {
        const double s = o->scale * dot(o->qkv + i * 3 * C + h * D, o->qkv + j * 3 * C + C + h * D, D);
        if (s > top) {
            top = s;
            stats[2] = (double) (j - first);
        }
    }
    for (size_t j = first; j < end; j++) {
        const double s = o->scale * dot(o->qkv + i * 3 * C + h * D, o->qkv + j * 3 * C + C + h * D, D);
        const double e = w * exp(s - top);
        den += e;
        for (size_t d = 0; d < D; d++)
            y[d] += e * o->qkv[j * 3 * C + 2 * C + h * D + d];
    }
    for (size_t f = 0; f < F; f++) {
        den += o->phi_q[(i * H + h) * F + f] * O[f * (D + 1) + D];
        for (size_t d = 0; d < D; d++)
            y[d] += o->phi_q[(i * H + h) * F + f] * O[f * (D + 1) + d];
    }
    stats[0] = top;
    stats[1] = fmax(den, (double) LINEAR_ATTENTION_EPS);
    for (size_t d = 0; d < D; d++)
        y[d] /= stats[1];
}

static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct window_attention_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const operands o = { in[PHI_Q], in[PHI_K], in[QKV], a.heads, a.features, head_dim(c), (double) a.scale };
    for (size_t b = 0; b < a.images; b++)
        for (size_t k = 0; k < a.blocks; k++)
            for (size_t h = 0; h < o.H; h++) {
                const size_t r0 = b < rows->n_images ? rows->offsets[b] : 0;
                const size_t r1 = b < rows->n_images ? rows->offsets[b + 1] : 0;
                double *O = out[1] + ((b * a.blocks + k) * o.H + h) * o.F * (o.D + 1);
                const size_t first = r0 + k * a.window, end = first + a.window < r1 ? first + a.window : r1;
                ref_state(&o, h, r0, r1, k, a.window, O);
                for (size_t i = first; i < end; i++)
                    ref_query(&o, h, i, first, end, 1 / (1 + exp(-in[MIX][h])), O, out[0] + (i * o.H + h) * o.D,
                              out[2] + (i * o.H + h) * WINDOW_ATTENTION_STATS);
            }
}

static uint64_t macs(const nn_call *c)
{
    const struct window_attention_args a = make_args(c);
    const uint64_t rows = c->in[PHI_Q].dim[0], D = head_dim(c);
    const uint32_t window = a.window < c->in_rows[0]->cap_tokens ? a.window : c->in_rows[0]->cap_tokens;
    return 2 * rows * a.heads * (a.features * (D + 1) + window * D);
}

const nn_op nn_op_window_attention = {
    .name = "window_attention", .n_in = 4, .n_out = 3,
    .keep = BIT(IN(PHI_Q)) | BIT(IN(PHI_K)) | BIT(IN(QKV)) | BIT(IN(MIX)) | BIT(OUT(0)) | BIT(OUT(1)) | BIT(OUT(2)),
    .grad = BIT(IN(PHI_Q)) | BIT(IN(PHI_K)) | BIT(IN(QKV)) | BIT(IN(MIX)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
