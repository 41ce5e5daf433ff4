// rope.c — rotary positions of queries and keys, before attention.
//   in:  qkv (R, (H + 2 KV) D), packed, columns [q | k | v], each head-major: H heads of q, KV of k and of v
//        table (P, rotary): of each place rotary / 2 cosines, then as many sines; read only
//        places (R) uint32, optional: where each row is, in place of the layout's pos, as where a text goes on
//   out: y as qkv: the first `rotary` channels of q and k of a row at place p turned by row p - prefix of the table, if
//        there is one; all else as it is
// Two forms: an element at a time, and four columns at a time (quads) where the pairs of a vec4 are another's columns.
// Source: Su et al. 2021, RoFormer; in two dimensions Fang et al. 2023, EVA-02, and Simeoni et al. 2025, DINOv3.
#include "nn/graph/rowwise.h"
#include "shaders/attention/rope/rope.h"
#include "spv/shaders.h"

#define TILE_LEN 4096u              // elements a workgroup takes at a time, about

static struct rope_args make_args(const nn_call *c)
{
    const struct rope_attr *t = NN_ATTR(c, rope);
    const uint32_t ld = c->in[0].dim[1], kv = t->kv_heads ? t->kv_heads : t->heads, D = ld / (t->heads + 2 * kv);
    return (struct rope_args) {
        .ld = ld, .turned = (t->heads + kv) * D, .head_dim = D, .rotary = t->rotary ? t->rotary : D,
        .interleaved = t->interleaved, .prefix = c->in_rows[0]->prefix, .places = c->in[1].dim[0],
        .tile_rows = ld < TILE_LEN ? TILE_LEN / ld : 1,
    };
}

static vkc_status infer(nn_call *c)
{
    const struct rope_attr *t = NN_ATTR(c, rope);
    const nn_shape *x = &c->in[0];
    vkc_status st;
    if (!t || !t->heads || t->interleaved > 1)
        return VKC_FAIL(VKC_E_ARG, "rope: heads is 0, or interleaved neither 0 nor 1");
    if (x->rank != 2 || !c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "rope: qkv is not a packed (R, C)");
    const uint32_t kv = t->kv_heads ? t->kv_heads : t->heads;
    const uint64_t heads = t->heads + 2 * (uint64_t) kv;
    if (!x->dim[1] || x->dim[1] % heads)
        return VKC_FAIL(VKC_E_ARG, "rope: qkv has %u columns, want a multiple of its %u + 2 x %u heads", x->dim[1],
                        t->heads, kv);
    const struct rope_args a = make_args(c);
    if (a.rotary % 2 || a.rotary > a.head_dim)
        return VKC_FAIL(VKC_E_ARG, "rope: %u channels of a head of %u are to be turned, want an even number of them",
                        a.rotary, a.head_dim);
    VKC_TRY(nn_want_shape("rope", "table", &c->in[1], 2, 0, a.rotary));
    if (c->in[2].rank) {
        VKC_TRY(nn_want_shape("rope", "places", &c->in[2], 1, x->dim[0], 0));
        if (c->in_rows[2] != c->in_rows[0])
            return VKC_FAIL(VKC_E_ARG, "rope: qkv and places are packed by different layouts");
    } else if (c->in_rows[0]->cap_tokens > (uint64_t) a.prefix + a.places)
        return VKC_FAIL(VKC_E_ARG, "rope: a table of %u places for %u tokens, %u of them before the grid",
                        a.places, c->in_rows[0]->cap_tokens, a.prefix);
    c->out[0] = *x;
    c->out_rows[0] = c->in_rows[0];
done:
    return st;
}

static bool is_quads(const nn_call *c, const struct rope_args *a)
{
    const uint64_t x = nn_shape_len(&c->in[0]), table = nn_shape_len(&c->in[1]);
    return nn_choose(c, &(nn_problem) { .op = &nn_op_rope, .odd = a->ld | a->head_dim | a->rotary / 2 | a->interleaved,
                                        .cols = a->ld, .len = x > table ? x : table }).form == NN_FORM_QUADS;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct rope_args a = make_args(c);
    if (is_quads(c, &a))
        return NN_DISPATCH(r, rope_quads_fwd, &a, NN_BY_ROWS(c, a.tile_rows),
            .spec = { [SPEC_ROPE_PLACES - 1] = c->in[2].rank }, .bind = { IN(0), IN(1), OUT(0), IN(2), ROWS_IN(0) });
    return NN_DISPATCH(r, rope_fwd, &a, NN_BY_ROWS(c, a.tile_rows), .spec = { [SPEC_ROPE_PLACES - 1] = c->in[2].rank },
        .bind = { IN(0), IN(1), OUT(0), IN(2), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const struct rope_args a = make_args(c);
    if (is_quads(c, &a))
        return NN_DISPATCH(r, rope_quads_bwd, &a, NN_BY_ROWS(c, a.tile_rows),
            .spec = { [SPEC_ROPE_PLACES - 1] = c->in[2].rank },
            .bind = { DOUT(0), IN(1), DIN(0), DIN(0), IN(2), ROWS_IN(0) });
    return NN_DISPATCH(r, rope_bwd, &a, NN_BY_ROWS(c, a.tile_rows), .spec = { [SPEC_ROPE_PLACES - 1] = c->in[2].rank },
        .bind = { DOUT(0), IN(1), DIN(0), IN(2), ROWS_IN(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct rope_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const size_t ld = a.ld, D = a.head_dim, half = a.rotary / 2;
    for (size_t r = 0; r < rows->n; r++) {
        const double *x = in[0] + r * ld;
        const double place = in[2] ? in[2][r] : rows->pos[r];
        double *y = out[0] + r * ld;
        for (size_t j = 0; j < ld; j++)
            y[j] = x[j];
        if (place < a.prefix || place >= (double) a.prefix + a.places)
            continue;
        const double *cosine = in[1] + ((size_t) place - a.prefix) * a.rotary, *sine = cosine + half;
        for (size_t head = 0; head < a.turned; head += D)
            for (size_t j = 0; j < half; j++) {
                const size_t first = head + (a.interleaved ? 2 * j : j), second = first + (a.interleaved ? 1 : half);
                y[first] = x[first] * cosine[j] - x[second] * sine[j];
                y[second] = x[second] * cosine[j] + x[first] * sine[j];
            }
    }
}

const nn_op nn_op_rope = {
    .name = "rope", .n_in = 3, .n_out = 1, .n_opt = 1,
    .keep = BIT(IN(1)) | BIT(IN(2)),
    .grad = BIT(IN(0)), .u32 = BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
