// rope.c — rotary positions of queries and keys, before attention.
//   in:  qkv (R, 3C), packed, columns [q | k | v], each head-major: H heads of D = C / H channels, D even
//        table (P, D): of each place in the grid D / 2 cosines, then D / 2 sines; read only
//   out: y (R, 3C): q and k of the token at place p turned by row p - prefix of the table, if p >= prefix; all else as
//        it is
// Source: Su et al. 2021, RoFormer; in two dimensions Fang et al. 2023, EVA-02, and Simeoni et al. 2025, DINOv3.
#include "nn/graph/rowwise.h"
#include "shaders/attention/rope.h"
#include "spv/shaders.h"

#define TILE_LEN 4096u              // elements a workgroup takes at a time, about

static vkc_status infer(nn_call *c)
{
    const struct rope_attr *t = NN_ATTR(c, rope);
    const nn_shape *x = &c->in[0];
    vkc_status st;
    if (!t || !t->heads || t->interleaved > 1)
        return VKC_FAIL(VKC_E_ARG, "rope: heads is 0, or interleaved neither 0 nor 1");
    if (x->rank != 2 || !c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "rope: qkv is not a packed (R, 3C)");
    if (!x->dim[1] || x->dim[1] % (6 * t->heads))
        return VKC_FAIL(VKC_E_ARG, "rope: qkv has %u columns, want 3 times a multiple of %u heads of even width",
                        x->dim[1], t->heads);
    VKC_TRY(nn_want_shape("rope", "table", &c->in[1], 2, 0, x->dim[1] / 3 / t->heads));
    if (c->in_rows[0]->cap_tokens > c->in_rows[0]->prefix + c->in[1].dim[0])
        return VKC_FAIL(VKC_E_ARG, "rope: a table of %u places for %u tokens, %u of them before the grid",
                        c->in[1].dim[0], c->in_rows[0]->cap_tokens, c->in_rows[0]->prefix);
    c->out[0] = *x;
    c->out_rows[0] = c->in_rows[0];
done:
    return st;
}

static struct rope_args make_args(const nn_call *c)
{
    const uint32_t ld = c->in[0].dim[1];
    return (struct rope_args) {
        .cols = ld / 3, .head_dim = c->in[1].dim[1], .interleaved = NN_ATTR(c, rope)->interleaved,
        .prefix = c->in_rows[0]->prefix, .tile_rows = ld < TILE_LEN ? TILE_LEN / ld : 1,
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct rope_args a = make_args(c);
    return NN_DISPATCH(r, rope_fwd, &a, NN_BY_ROWS(c, a.tile_rows), .bind = { IN(0), IN(1), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const struct rope_args a = make_args(c);
    return NN_DISPATCH(r, rope_bwd, &a, NN_BY_ROWS(c, a.tile_rows), .bind = { DOUT(0), IN(1), DIN(0), ROWS_IN(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct rope_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const size_t ld = 3 * (size_t) a.cols, D = a.head_dim, half = D / 2;
    for (size_t r = 0; r < rows->n; r++) {
        const double *x = in[0] + r * ld;
        double *y = out[0] + r * ld;
        for (size_t j = 0; j < ld; j++)
            y[j] = x[j];
        if (rows->pos[r] < a.prefix)
            continue;
        const double *cosine = in[1] + (rows->pos[r] - a.prefix) * D, *sine = cosine + half;
        for (size_t head = 0; head < 2 * (size_t) a.cols; head += D)
            for (size_t j = 0; j < half; j++) {
                const size_t first = head + (a.interleaved ? 2 * j : j), second = first + (a.interleaved ? 1 : half);
                y[first] = x[first] * cosine[j] - x[second] * sine[j];
                y[second] = x[second] * cosine[j] + x[first] * sine[j];
            }
    }
}

const nn_op nn_op_rope = {
    .name = "rope", .n_in = 2, .n_out = 1,
    .keep = BIT(IN(1)),
    .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
