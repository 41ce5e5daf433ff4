// attention_pool.c — attention of one learned query to the patches of each image: attention pooling.
//   in:  kv (R, 2C), packed, columns [k | v], each head-major   q (1, C): the query, the same for all images
//   out: o (B, C), packed by `to`, which has one token an image   p (R, H): the weights
#include "nn/graph/rowwise.h"
#include "shaders/attention/attention_pool.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

static struct attention_pool_args make_args(const nn_call *c)
{
    const struct attention_pool_attr *t = NN_ATTR(c, attention_pool);
    const uint32_t dim = c->in[0].dim[1] / 2 / t->heads;
    return (struct attention_pool_args) {
        .heads = t->heads, .head_dim = dim, .scale = t->scale != 0 ? t->scale : (float) (1 / sqrt((double) dim)),
        .prefix = c->in_rows[0]->prefix,
    };
}

static vkc_status infer(nn_call *c)
{
    const struct attention_pool_attr *t = NN_ATTR(c, attention_pool);
    const nn_shape *x = &c->in[0];
    vkc_status st;
    if (!t || !t->heads || !isfinite(t->scale))
        return VKC_FAIL(VKC_E_ARG, "attention_pool: heads is 0, or scale is not finite");
    VKC_TRY(nn_want_shape("attention_pool", "kv", x, 2, 0, 0));
    if (c->in_rows[0] == NULL || c->to == NULL || c->to->cap_images != c->in_rows[0]->cap_images)
        return VKC_FAIL(VKC_E_ARG, "attention_pool: kv must be packed, and a layout of as many images given");
    if (!x->dim[1] || x->dim[1] % 2 || x->dim[1] / 2 % t->heads)
        return VKC_FAIL(VKC_E_ARG, "attention_pool: kv has %u columns, want twice a multiple of %u heads", x->dim[1],
                        t->heads);
    VKC_TRY(nn_want_shape("attention_pool", "q", &c->in[1], 2, 1, x->dim[1] / 2));
    c->out[0] = (nn_shape) { 2, { nn_rows_cap(c->to), x->dim[1] / 2 } };
    c->out_rows[0] = c->to;
    c->out[1] = (nn_shape) { 2, { x->dim[0], t->heads } };
    c->out_rows[1] = c->in_rows[0];
    c->scratch_bwd[0] = (size_t) x->dim[0] * t->heads * sizeof(float);      // of the scores
done:
    return st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct attention_pool_args a = make_args(c);
    const uint32_t tiles = (a.heads * a.head_dim - 1) / NN_ROW_WG + 1;
    const vkc_status st = NN_DISPATCH(r, attention_pool_weights, &a, .tile_rows = 1, .rows = ROWS_OUT(0),
        .wg = ATTENTION_POOL_WG, .groups = { 0, a.heads },
        .bind = { IN(0), IN(1), OUT(1), ROWS_IN(0), ROWS_OUT(0) });
    if (st != VKC_OK)
        return st;
    return NN_DISPATCH(r, attention_pool_fwd, &a, .tile_rows = 1, .rows = ROWS_OUT(0), .wg = NN_ROW_WG,
        .groups = { 0, tiles }, .bind = { IN(0), OUT(1), OUT(0), ROWS_IN(0), ROWS_OUT(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const struct attention_pool_args a = make_args(c);
    const bool has_kv = nn_is_wanted(r, DIN(0));
    vkc_status st = VKC_OK;
    if (!has_kv && !nn_is_wanted(r, DIN(1)))
        return VKC_OK;
    VKC_TRY(NN_DISPATCH(r, attention_pool_bwd_kv, &a, .tile_rows = 1, .rows = ROWS_OUT(0), .wg = ATTENTION_POOL_WG,
        .groups = { 0, a.heads }, .spec = { has_kv },
        .bind = { IN(0), IN(1), OUT(1), OUT(0), DOUT(0), DIN(0), SCRATCH(0), ROWS_IN(0), ROWS_OUT(0) }));
    for (uint32_t row = 0; row < c->in[0].dim[0] && nn_is_wanted(r, DIN(1)); row += NN_MAX_ROUNDS) {
        const struct attention_pool_bwd_q_args q = { a.heads, a.head_dim, row, row + NN_MAX_ROUNDS };
        VKC_TRY(NN_DISPATCH(r, attention_pool_bwd_q, &q, .wg = NN_ROW_WG,
            .groups = { (a.heads * a.head_dim - 1) / NN_ROW_WG + 1 },
            .bind = { IN(0), SCRATCH(0), DIN(1), ROWS_IN(0) }));
    }
done:
    return st;
}

// One head of one image of the definition.
static void ref_head(const double *kv, const double *q, uint32_t first, uint32_t n, size_t C, size_t D, double scale,
                     double *o, double *p, size_t H)
{
    double top = -HUGE_VAL, sum = 0;
    for (uint32_t j = 0; j < first; j++)
        p[j * H] = 0;
    for (uint32_t j = first; j < n; j++) {
        double s = 0;
        for (size_t d = 0; d < D; d++)
            s += q[d] * kv[j * 2 * C + d] * scale;
        p[j * H] = s;
        top = fmax(top, s);
    }
    for (uint32_t j = first; j < n; j++)
        sum += p[j * H] = exp(p[j * H] - top);
    for (uint32_t j = first; j < n; j++) {
        p[j * H] /= sum;
        for (size_t d = 0; d < D; d++)
            o[d] += p[j * H] * kv[j * 2 * C + C + d];
    }
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct attention_pool_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const size_t D = a.head_dim, H = a.heads, C = H * D;
    for (uint32_t b = 0; b < c->out_rows[0]->n; b++) {
        const size_t first = rows->offsets[b], n = rows->offsets[b + 1] - first;
        uint32_t before = 0;
        while (before < n && rows->pos[first + before] < a.prefix)
            before++;
        memset(out[0] + b * C, 0, C * sizeof(double));
        for (size_t h = 0; h < H; h++)
            ref_head(in[0] + first * 2 * C + h * D, in[1] + h * D, before, (uint32_t) n, C, D, (double) a.scale,
                     out[0] + b * C + h * D, out[1] + first * H + h, H);
    }
}

static uint64_t macs(const nn_call *c)
{
    return nn_shape_len(&c->in[0]);
}

const nn_op nn_op_attention_pool = {
    .name = "attention_pool", .n_in = 2, .n_out = 2,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(0)) | BIT(OUT(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
