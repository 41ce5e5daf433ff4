// attention.c — softmax attention inside each image; no N x N matrix is ever stored.
//   in:  qkv (R, (H + 2 KV) D) columns [q | k | v], each head-major: H heads of D channels of q, KV of k and of v
//        table (N, H) of relative positions, optional: shaders/attention/attention_bias.h
//   out: o (R, H D)   lse (R, H) natural logarithm of the softmax's denominator
// KV is H unless the attribute kv_heads says less; with the attribute causal, row i of an image sees its rows 0 .. i.
// Two forms (nn/graph/choose/choose.h): SIMD, without shared memory, and tiled.
#include "nn/graph/rowwise.h"
#include "nn/ops/attention/attention_bias.h"
#include "nn/ops/attention/attention_heads.h"
#include "shaders/attention/attention.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

#define MAX_PARTS (8u << 20)        // bytes of partial sums of the table's gradient

static uint32_t kv_heads(const nn_call *c)
{
    const struct attention_attr *t = NN_ATTR(c, attention);
    return nn_kv_heads(t->heads, t->kv_heads);
}

static struct attention_args make_args(const nn_call *c)
{
    const struct attention_attr *t = NN_ATTR(c, attention);
    uint32_t dim = c->in[0].dim[1] / (t->heads + 2 * kv_heads(c));
    return (struct attention_args) {
        .heads = t->heads,
        .scale = t->scale != 0 ? t->scale : (float) (1 / sqrt((double) dim)),
        .bias = nn_bias_args(c, 1, 0, t->grid_w),
    };
}

// Parts of the table's gradient that are made side by side, fixed by capacity: the same sums on every run.
static uint32_t n_parts(const nn_call *c)
{
    const uint64_t most = MAX_PARTS / nn_shape_bytes(&c->in[1], NN_DTYPE_GRAD);
    return c->in_rows[0]->cap_images <= most ? c->in_rows[0]->cap_images : most ? (uint32_t) most : 1;
}

static uint32_t head_dim(const nn_call *c)
{
    return c->out[0].dim[1] / NN_ATTR(c, attention)->heads;
}

static nn_choice choose(const nn_call *c)
{
    return nn_choose(c, &(nn_problem) { .op = &nn_op_attention, .odd = head_dim(c), .dim = head_dim(c),
                                        .len = (uint64_t) c->in[0].dim[0] * c->in[0].dim[1] });
}

static vkc_status infer(nn_call *c)
{
    const nn_shape *x = &c->in[0];
    const struct attention_attr *t = NN_ATTR(c, attention);
    if (!t || !t->heads)
        return VKC_FAIL(VKC_E_ARG, "attention: heads is 0");
    if (x->rank != 2 || !c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "attention: qkv is not a packed (R, 3C)");
    vkc_status st = nn_kv_check("attention", x->dim[1], t->heads, t->kv_heads);
    if (st != VKC_OK)
        return st;
    const uint32_t C = t->heads * (x->dim[1] / (t->heads + 2 * kv_heads(c)));
    if (C / t->heads > ATTENTION_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "attention: heads of %u channels, at most %d are supported",
                        C / t->heads, ATTENTION_MAX_DIM);
    if (!isfinite(t->scale))
        return VKC_FAIL(VKC_E_ARG, "attention: scale is not finite");
    if (t->causal && c->in[1].rank)
        return VKC_FAIL(VKC_E_ARG, "attention: causal, with a table of relative positions; want one of the two");
    st = nn_bias_check("attention", c, 1, 0, t->heads, t->grid_w);
    if (st != VKC_OK)
        return st;
    c->out[0] = (nn_shape) { 2, { x->dim[0], C } };
    c->out[1] = (nn_shape) { 2, { x->dim[0], t->heads } };
    c->out_rows[0] = c->out_rows[1] = c->in_rows[0];
    c->scratch_bwd[0] = (size_t) x->dim[0] * t->heads * sizeof(float);     // delta
    if (c->in[1].rank)
        c->scratch_bwd[1] = nn_shape_bytes(&c->in[1], NN_DTYPE_GRAD) * n_parts(c);
    return VKC_OK;
}

// The kernels of a form and how they launch.
typedef struct attention_form {
    const vkc_shader *fwd, *bwd_q, *bwd_kv, *bwd_bias;
    bool     makes_delta;          // bwd_q does, else a kernel of its own
    uint32_t tile, wg;             // rows a workgroup takes, its size
    uint32_t spec[3];
} attention_form;
#define KERNELS(name) &vkc_shader_attention_##name##_fwd, &vkc_shader_attention_##name##_bwd_q, \
    &vkc_shader_attention_##name##_bwd_kv, &vkc_shader_attention_##name##_bwd_bias

static attention_form get_form(const nn_call *c)
{
    const uint32_t D = head_dim(c);
    const nn_choice o = choose(c);
    if (o.form == NN_FORM_SIMD)
        return (attention_form) { KERNELS(simd), true, o.tile, o.wg, { D, o.wg, o.own } };
    return (attention_form) { KERNELS(tiled), false, o.tile, o.wg, { D, o.slice, (D + o.slice - 1) / o.slice } };
}

// Rows that a form takes at a time of those that it walks, and rounds of all its loops for them, or fewer.
static uint32_t step_rows(const attention_form *f)
{
    return f->makes_delta ? f->wg : f->tile;
}

static uint32_t step_rounds(const attention_form *f)
{
    if (f->makes_delta)
        return 1;
    const uint32_t slice = f->spec[1], slices = f->spec[2], load = ATTENTION_TILE * slice / 4 / ATTENTION_TILE_WG;
    const uint32_t multiply = slice / 4;
    return 2 * slices * (1 + 3 * load + 2 * multiply) + ATTENTION_TILE;
}

// The constants of a form's kernels.
static void set_spec(const nn_call *c, const attention_form *f, uint32_t spec[VKC_MAX_SPEC])
{
    const uint32_t group = NN_ATTR(c, attention)->heads / kv_heads(c);
    memcpy(spec, f->spec, sizeof f->spec);
    spec[SPEC_ATTENTION_BIAS - 1] = nn_bias_spec(c, 1);
    spec[SPEC_ATTENTION_CAUSAL - 1] = NN_ATTR(c, attention)->causal != 0;
    spec[SPEC_ATTENTION_GROUP - 1] = group > 1 ? group : 0;
}

// Rows of an image that one launch walks, so that its loops end where they should: whole tiles.
static uint32_t rows_each(const nn_call *c, const attention_form *f)
{
    const uint32_t tokens = c->in_rows[0]->cap_tokens, most = NN_SAFE_ROUNDS / step_rounds(f) * step_rows(f);
    return most < tokens ? most : tokens;
}

static vkc_status dispatch(nn_run *r, const nn_call *c, const vkc_shader *shader, const attention_form *f,
                           const uint8_t *bind, size_t n_bind)
{
    struct attention_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    nn_kernel_use use = {
        .shader = shader, .args = &a, .args_size = sizeof a, .wg = f->wg,
        .groups = { (rows->cap_tokens + f->tile - 1) / f->tile, a.heads, rows->cap_images },
    };
    set_spec(c, f, use.spec);
    memcpy(use.bind, bind, n_bind);
    vkc_status st = VKC_OK;
    for (a.first = 0; a.first < rows->cap_tokens && st == VKC_OK; a.first = a.last) {
        a.last = a.first + rows_each(c, f);
        st = nn_dispatch(r, &use);
    }
    return st;
}
#define DISPATCH(r, c, f, kernel, ...) dispatch((r), (c), (f)->kernel, (f), \
    (const uint8_t[]) { __VA_ARGS__ }, sizeof((const uint8_t[]) { __VA_ARGS__ }))

#define TILE_ROUNDS 128u            // of the loops over a tile of queries and one of keys, in the tiled form, or fewer

// Query heads of a group that one launch of bwd_kv takes, likewise.
static uint32_t heads_each(const nn_call *c, const attention_form *f, uint32_t group)
{
    const uint32_t steps = (rows_each(c, f) - 1) / step_rows(f) + 1, most = NN_SAFE_ROUNDS / (steps * step_rounds(f));
    return most > group ? group : most ? most : 1;
}

// dk and dv: the query heads of a group are added up in their order, whatever the launches.
static vkc_status bwd_kv(nn_run *r, const nn_call *c, const attention_form *f)
{
    const struct attention_args all = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const uint32_t group = all.heads / kv_heads(c), each = heads_each(c, f, group);
    struct attention_bwd_kv_args a = { all.heads, all.scale, all.bias, 0, 0, 0, 0 };
    vkc_status st = VKC_OK;
    nn_kernel_use use = {
        .shader = f->bwd_kv, .args = &a, .args_size = sizeof a, .wg = f->wg,
        .groups = { (rows->cap_tokens + f->tile - 1) / f->tile, kv_heads(c), rows->cap_images },
        .bind = { ROWS_IN(0), IN(0), OUT(1), DOUT(0), SCRATCH(0), DIN(0), IN(1) },
    };
    set_spec(c, f, use.spec);
    for (a.first_head = 0; a.first_head < group; a.first_head = a.last_head) {
        a.last_head = group - a.first_head < each ? group : a.first_head + each;
        for (a.first = 0; a.first < rows->cap_tokens && st == VKC_OK; a.first = a.last) {
            a.last = a.first + rows_each(c, f);
            st = nn_dispatch(r, &use);
        }
    }
    return st;
}

// Queries of an image that one launch of bwd_bias takes, so that its loops end where they should: whole tiles.
static uint32_t queries_each(const nn_call *c, const attention_form *f)
{
    const nn_rows *rows = c->in_rows[0];
    const uint32_t tiles = (rows->cap_tokens - 1) / f->tile + 1, images = (rows->cap_images - 1) / n_parts(c) + 1;
    const uint64_t rounds = (uint64_t) images * tiles * (f->makes_delta ? 1 : TILE_ROUNDS);
    const uint32_t step = f->makes_delta ? 1 : f->tile;
    const uint64_t most = NN_SAFE_ROUNDS / rounds;
    return most > rows->cap_tokens ? tiles * f->tile : most ? (uint32_t) most * step : step;
}

// The gradient of the table: a kernel of the form makes parts of it, which are added up in order.
static vkc_status bwd_bias(nn_run *r, const nn_call *c, const attention_form *f)
{
    const struct attention_args all = make_args(c);
    const uint32_t each = queries_each(c, f), tokens = c->in_rows[0]->cap_tokens;
    struct attention_bwd_bias_args a = { all.heads, all.scale, all.bias, n_parts(c), 0, 0 };
    vkc_status st = VKC_OK;
    nn_kernel_use use = {
        .shader = f->bwd_bias, .args = &a, .args_size = sizeof a, .wg = f->wg, .groups = { 1, a.heads, a.parts },
        .bind = { ROWS_IN(0), IN(0), OUT(1), DOUT(0), SCRATCH(0), IN(1), SCRATCH(1) },
    };
    set_spec(c, f, use.spec);
    for (a.first = 0; a.first < tokens && st == VKC_OK; a.first = a.last) {
        a.last = a.first + each;
        st = nn_dispatch(r, &use);
    }
    return st == VKC_OK ? nn_add_parts(r, c, SCRATCH(1), DIN(1), (uint32_t) nn_shape_len(&c->in[1]), a.parts) : st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    attention_form f = get_form(c);
    return DISPATCH(r, c, &f, fwd, ROWS_IN(0), IN(0), OUT(0), OUT(1), IN(1));
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    vkc_status st;
    attention_form f = get_form(c);
    const bool is_wanted = nn_is_wanted(r, DIN(0)), is_table_wanted = c->in[1].rank && nn_is_wanted(r, DIN(1));
    if (!is_wanted && !is_table_wanted)
        return VKC_OK;
    if (f.makes_delta) {
        VKC_TRY(DISPATCH(r, c, &f, bwd_q, ROWS_IN(0), IN(0), OUT(0), OUT(1), DOUT(0), DIN(0), SCRATCH(0), IN(1)));
    } else {
        struct attention_args a = make_args(c);
        VKC_TRY(NN_DISPATCH(r, attention_delta, &a, .tile_rows = a.heads < 64 ? 64 / a.heads : 1,
            .rows = ROWS_IN(0), .wg = 64, .spec = { head_dim(c) },
            .bind = { ROWS_IN(0), OUT(0), DOUT(0), SCRATCH(0) }));
        if (is_wanted)
            VKC_TRY(DISPATCH(r, c, &f, bwd_q, ROWS_IN(0), IN(0), OUT(1), DOUT(0), SCRATCH(0), DIN(0), IN(1)));
    }
    if (is_wanted)
        VKC_TRY(bwd_kv(r, c, &f));
    if (is_table_wanted)
        VKC_TRY(bwd_bias(r, c, &f));
done:
    return st;
}

// One query of the definition, row i that sees the rows r0 .. r1, of head h.
static void ref_row(const nn_call *c, const double *const *in, uint32_t r0, uint32_t r1, uint32_t i, uint32_t h,
                    double *o, double *lse)
{
    const struct attention_args a = make_args(c);
    const uint32_t D = head_dim(c), KV = kv_heads(c), ld = (a.heads + 2 * KV) * D, *pos = c->in_rows[0]->pos;
    const double *q = in[0] + (size_t) i * ld + h * D;
    double top = -HUGE_VAL, sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t j = r0; j < r1; j++) {
            const double *k = in[0] + (size_t) j * ld + (a.heads + h / (a.heads / KV)) * D, *v = k + KV * D;
            double s = nn_bias_ref(&a.bias, in[1], a.heads, pos[i], pos[j], h);
            for (uint32_t d = 0; d < D; d++)
                s += q[d] * k[d] * (double) a.scale;
            if (pass == 0) {
                top = fmax(top, s);
                continue;
            }
            double p = exp(s - top);
            sum += p;
            for (uint32_t d = 0; d < D; d++)
                o[d] += p * v[d];
        }
    for (uint32_t d = 0; d < D; d++)
        o[d] /= sum;
    *lse = top + log(sum);
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct attention_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const uint32_t D = head_dim(c), C = a.heads * D;
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (uint32_t i = rows->offsets[b]; i < rows->offsets[b + 1]; i++)
            for (uint32_t h = 0; h < a.heads; h++) {
                double *o = out[0] + (size_t) i * C + h * D;
                const uint32_t end = NN_ATTR(c, attention)->causal ? i + 1 : rows->offsets[b + 1];
                memset(o, 0, D * sizeof *o);
                ref_row(c, in, rows->offsets[b], end, i, h, o, &out[1][(size_t) i * a.heads + h]);
            }
}

static uint64_t macs(const nn_call *c)
{
    const nn_rows *rows = c->in_rows[0];
    const uint64_t T = rows->cap_tokens, pairs = NN_ATTR(c, attention)->causal ? T * (T + 1) / 2 : T * T;
    return 2 * rows->cap_images * pairs * c->out[0].dim[1];
}

const nn_op nn_op_attention = {
    .name = "attention", .n_in = 2, .n_out = 2, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(0)) | BIT(OUT(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
