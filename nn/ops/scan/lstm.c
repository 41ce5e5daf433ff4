// lstm.c — long short-term memory with separate heads, in one or two directions inside each image.
//   in:  x (R, S 4 D) = W_x x_t + b, S = heads dirs   w_h (S, 4 D, D)   start (cap_images, S, 2 D), optional
//   out: h (R, S D)   gates (R, S 5 D) when training   last (cap_images, S, 2 D) with carry
// One workgroup takes a stream of an image from end to end. Backward: the reverse pass leaves da and the h before
// each token in scratch 0; dw_h is then a product over all rows, split, its partial sums in scratch 1.
// Two forms: SIMD (a workgroup is one subgroup, without barriers) where D is whole vec4, and parts (a barrier a token).
#include "nn/graph/rowwise.h"
#include "shaders/linear/linear.h"
#include "shaders/scan/recurrent/lstm.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

#define MAX_PARTIAL (32u << 20)     // bytes of partial sums

static uint32_t ceil_div(uint32_t n, uint32_t d)
{
    return (n + d - 1) / d;
}

static nn_choice choose(const nn_call *c)
{
    const uint64_t gates = (uint64_t) c->in[0].dim[0] * c->in[0].dim[1] / 4 * 5, w = nn_shape_len(&c->in[1]);
    const uint32_t D = NN_ATTR(c, lstm)->dim;
    return nn_choose(c, &(nn_problem) { .op = &nn_op_lstm, .odd = D, .dim = D, .len = gates > w ? gates : w });
}

// Workgroups that share the rows of a tile of dw_h, fixed by capacity: the same sums on every run.
static uint32_t n_splits(const nn_call *c)
{
    const uint64_t size = 4u * (uint64_t) nn_shape_len(&c->in[1]);
    uint32_t splits = nn_n_partials(c->in[0].dim[0], choose(c).rows_each);
    while (splits > 1 && splits * size > MAX_PARTIAL)
        splits--;
    return splits;
}

// Rounds of loops a token, of the invocation that has most.
static uint32_t rounds_each(const nn_call *c)
{
    const nn_choice o = choose(c);
    const uint32_t D = NN_ATTR(c, lstm)->dim;
    if (o.is_held)
        return 1;
    return o.form == NN_FORM_SIMD ? 1 + ceil_div(D / 4, o.wg) * (1 + ceil_div(o.wg, o.at_once))
                                  : 1 + ceil_div(ceil_div(D, o.parts), o.at_once);
}

static struct lstm_args make_args(const nn_call *c)
{
    const struct lstm_attr *t = NN_ATTR(c, lstm);
    return (struct lstm_args) {
        .streams = t->heads * t->dirs,
        .dirs = t->dirs,
        .has_start = c->in[2].rank != 0,
        .keep = c->train,
        .carry = t->carry != 0,
        .splits = n_splits(c),
    };
}

static vkc_status infer(nn_call *c)
{
    const struct lstm_attr *t = NN_ATTR(c, lstm);
    const nn_shape *x = &c->in[0];
    nn_rows *rows = c->in_rows[0];
    if (!t || !t->heads || t->dirs < 1 || t->dirs > 2)
        return VKC_FAIL(VKC_E_ARG, "lstm: %u heads in %u directions, want 1 or more in 1 or 2",
                        t ? t->heads : 0, t ? t->dirs : 0);
    if (!t->dim || t->dim > LSTM_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "lstm: heads of %u hidden channels, 1 to %d are supported", t->dim, LSTM_MAX_DIM);
    const uint64_t S = (uint64_t) t->heads * t->dirs, D = t->dim;
    if (S * 5 * D > UINT32_MAX || S > c->dev->max_groups[0])
        return VKC_FAIL(VKC_E_ARG, "lstm: %u heads in %u directions are too many", t->heads, t->dirs);
    if (x->rank != 2 || !rows || x->dim[1] != S * 4 * D)
        return VKC_FAIL(VKC_E_ARG, "lstm: x is not a packed (R, %llu)", (unsigned long long) (S * 4 * D));
    if (S * 5 * D * x->dim[0] > UINT32_MAX)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "lstm: %u rows of %llu gates are more than a kernel can count", x->dim[0],
                        (unsigned long long) (S * 5 * D));
    if (!nn_shape_is(&c->in[1], 3, (uint32_t[]) { (uint32_t) S, 4 * t->dim, t->dim }))
        return VKC_FAIL(VKC_E_ARG, "lstm: w_h is not (%u, %u, %u)", (uint32_t) S, 4 * t->dim, t->dim);
    const uint32_t most = choose(c).most_rounds;
    if (most && (uint64_t) rounds_each(c) * rows->cap_tokens > most)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "lstm: samples of %u tokens; with heads of %u channels at most %u are "
                        "supported on this device", rows->cap_tokens, t->dim, most / rounds_each(c));
    c->out[0] = (nn_shape) { 2, { x->dim[0], (uint32_t) (S * D) } };
    c->out[1] = c->train ? (nn_shape) { 2, { x->dim[0], (uint32_t) (S * 5 * D) } } : (nn_shape) { 0 };
    const nn_shape state = { 3, { rows->cap_images, (uint32_t) S, 2 * t->dim } };
    if (c->in[2].rank && !nn_shape_is(&c->in[2], 3, state.dim))
        return VKC_FAIL(VKC_E_ARG, "lstm: start is not (%u, %u, %u)", state.dim[0], state.dim[1], state.dim[2]);
    c->out[2] = t->carry ? state : (nn_shape) { 0 };
    c->out_rows[0] = rows;
    c->out_rows[1] = c->train ? rows : NULL;
    c->scratch_bwd[0] = (size_t) x->dim[0] * S * 5 * D * sizeof(float);
    c->scratch_bwd[1] = nn_shape_len(&c->in[1]) * n_splits(c) * sizeof(float);
    return VKC_OK;
}

// One workgroup for each stream of each image, in the form that fits.
static vkc_status by_stream(nn_run *r, const nn_call *c, const vkc_shader *simd, const vkc_shader *parts,
                            const uint8_t bind[7])
{
    const struct lstm_args a = make_args(c);
    const nn_choice o = choose(c);
    const bool is_simd = o.form == NN_FORM_SIMD;
    nn_kernel_use use = {
        .shader = is_simd ? simd : parts, .args = &a, .args_size = sizeof a, .wg = o.wg,
        .groups = { a.streams, 1, c->in_rows[0]->cap_images },
        .spec = { [SPEC_LSTM_DIM - 1] = NN_ATTR(c, lstm)->dim, [SPEC_LSTM_HELD - 1] = o.is_held,
                  [SPEC_LSTM_AT_ONCE - 1] = o.is_held ? 1 : o.at_once },
    };
    use.spec[(is_simd ? SPEC_LSTM_SIMD : SPEC_LSTM_PARTS) - 1] = is_simd ? o.wg : o.parts;
    memcpy(use.bind, bind, 7);
    return nn_dispatch(r, &use);
}
#define BY_STREAM(r, c, name, ...) by_stream((r), (c), &vkc_shader_lstm_simd_##name, &vkc_shader_lstm_##name, \
    (const uint8_t[7]) { __VA_ARGS__ })

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    return BY_STREAM(r, c, fwd, ROWS_IN(0), IN(0), IN(1), IN(2), OUT(0), OUT(1), OUT(2));
}

// dw_h of every stream: partial sums by tiles, then added up in order.
static vkc_status bwd_w(nn_run *r, const nn_call *c)
{
    const struct lstm_args a = make_args(c);
    const nn_choice o = choose(c);
    const uint32_t D = NN_ATTR(c, lstm)->dim, side = o.tile;
    nn_kernel_use use = { .shader = &vkc_shader_lstm_dw, .args = &a, .args_size = sizeof a, .wg = 128,
        .spec = { 32, 32, 16, 4, 2 }, .groups = { ceil_div(4 * D, side), ceil_div(D, side), a.streams * a.splits },
        .bind = { SCRATCH(0), SCRATCH(1), ROWS_IN(0) } };
    if (o.form == NN_FORM_SIMD) {
        use.shader = &vkc_shader_lstm_simd_dw;
        memset(use.spec, 0, sizeof use.spec);
        use.wg = use.spec[SPEC_TILE_SIMD - 1] = o.wg;
    }
    use.spec[SPEC_LSTM_TILE_DIM - 1] = D;
    vkc_status st = nn_dispatch(r, &use);
    return st ? st : nn_add_parts(r, c, SCRATCH(1), DIN(1), (uint32_t) nn_shape_len(&c->in[1]), a.splits);
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    vkc_status st = BY_STREAM(r, c, bwd, ROWS_IN(0), IN(1), IN(2), OUT(1), DOUT(0), DIN(0), SCRATCH(0));
    return st == VKC_OK && nn_is_wanted(r, DIN(1)) ? bwd_w(r, c) : st;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

// One step of one stream in double: state = h, c; gate (5 D) = i, f, g, o, c.
static void ref_step(size_t D, const double *x, const double *w, double *state, double *gate)
{
    double *h = state, *c = state + D;
    for (size_t m = 0; m < 4 * D; m++) {
        gate[m] = x[m];
        for (size_t k = 0; k < D; k++)
            gate[m] += w[m * D + k] * h[k];
        gate[m] = m / D == 2 ? tanh(gate[m]) : sigmoid(gate[m]);
    }
    for (size_t u = 0; u < D; u++) {
        gate[4 * D + u] = c[u] = gate[D + u] * c[u] + gate[u] * gate[2 * D + u];
        h[u] = gate[3 * D + u] * tanh(c[u]);
    }
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct lstm_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const size_t S = a.streams, D = NN_ATTR(c, lstm)->dim;
    if (out[2])
        memset(out[2], 0, nn_shape_len(&c->out[2]) * sizeof(double));
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (size_t s = 0; s < S; s++) {
            double state[2 * LSTM_MAX_DIM] = { 0 }, gate[5 * LSTM_MAX_DIM];
            const size_t at = (b * S + s) * 2 * D, first = rows->offsets[b], n = rows->offsets[b + 1] - first;
            if (in[2])
                memcpy(state, in[2] + at, 2 * D * sizeof(double));
            for (size_t i = 0; i < n; i++) {
                const size_t row = (first + (s % a.dirs ? n - 1 - i : i)) * S + s;
                ref_step(D, in[0] + row * 4 * D, in[1] + s * 4 * D * D, state, gate);
                memcpy(out[0] + row * D, state, D * sizeof(double));
                if (out[1])
                    memcpy(out[1] + row * 5 * D, gate, 5 * D * sizeof(double));
            }
            if (out[2])
                memcpy(out[2] + at, state, 2 * D * sizeof(double));
        }
}

static uint64_t macs(const nn_call *c)
{
    return (uint64_t) c->in[0].dim[0] * nn_shape_len(&c->in[1]);
}

const nn_op nn_op_lstm = {
    .name = "lstm", .n_in = 3, .n_out = 3, .n_opt = 1,
    .keep = BIT(IN(1)) | BIT(IN(2)) | BIT(OUT(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
