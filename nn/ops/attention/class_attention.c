// class_attention.c — attention of an image's first row to each of its rows, or what each receives of all; mean over
// heads; not differentiable.
//   in:  qkv (R, 3C) columns [q | k | v] as of op attention     lse (R, H) of the attention over it
//        table (N, H) of its relative positions, optional
//   out: score (R)
// Two forms: four channels at a time where heads are whole vec4 (quads), and one.
#include "nn/graph/rowwise.h"
#include "nn/ops/attention/attention_bias.h"
#include "shaders/attention/attention.h"
#include "shaders/attention/class_attention.h"
#include "spv/shaders.h"

#include <math.h>

static uint32_t head_dim(const nn_call *c)
{
    return c->in[0].dim[1] / 3 / NN_ATTR(c, class_attention)->heads;
}

static struct class_attention_args make_args(const nn_call *c)
{
    const struct class_attention_attr *t = NN_ATTR(c, class_attention);
    return (struct class_attention_args) {
        .heads = t->heads,
        .scale = t->scale != 0 ? t->scale : (float) (1 / sqrt((double) head_dim(c))),
        .received = t->received,
        .bias = nn_bias_args(c, 2, 0, t->grid_w),
    };
}

static vkc_status infer(nn_call *c)
{
    const struct class_attention_attr *t = NN_ATTR(c, class_attention);
    const nn_shape *x = &c->in[0];
    vkc_status st;
    if (!t || !t->heads || !isfinite(t->scale) || t->received > 1)
        return VKC_FAIL(VKC_E_ARG, "class_attention: heads is 0, scale is not finite, or received is no flag");
    VKC_TRY(nn_want_shape("class_attention", "qkv", x, 2, 0, 0));
    if (!c->in_rows[0] || c->in_rows[1] != c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "class_attention: qkv and lse are not packed by one layout");
    if (x->dim[1] % 3 || x->dim[1] / 3 % t->heads)
        return VKC_FAIL(VKC_E_ARG, "class_attention: qkv has %u columns, want 3 times a multiple of %u heads",
                        x->dim[1], t->heads);
    if (head_dim(c) > ATTENTION_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "class_attention: heads of %u channels, at most %d are supported", head_dim(c),
                        ATTENTION_MAX_DIM);
    VKC_TRY(nn_want_shape("class_attention", "lse", &c->in[1], 2, x->dim[0], t->heads));
    VKC_TRY(nn_bias_check("class_attention", c, 2, 0, t->heads, t->grid_w));
    c->out[0] = (nn_shape) { 1, { x->dim[0] } };
    c->out_rows[0] = c->in_rows[0];
done:
    return st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct class_attention_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const uint32_t D = head_dim(c);
    const nn_choice o = nn_choose(c, &(nn_problem) { .op = &nn_op_class_attention, .odd = D, .cols = a.heads,
                                                     .len = nn_shape_len(&c->in[0]) });
    const bool is_quads = o.form == NN_FORM_QUADS;
    return nn_dispatch(r, &(nn_kernel_use) {
        .shader = is_quads ? &vkc_shader_class_attention_quads_fwd : &vkc_shader_class_attention_fwd,
        .args = &a, .args_size = sizeof a, .wg = o.wg,
        .spec = { [SPEC_LANES - 1] = o.lanes, [SPEC_CLASS_ATTENTION_DIM - 1] = is_quads ? D / 4 : D,
                  [SPEC_ATTENTION_BIAS - 1] = nn_bias_spec(c, 2) },
        .groups = { (rows->cap_tokens - 1) / o.tile + 1, 1, rows->cap_images },
        .bind = { ROWS_IN(0), IN(0), IN(1), OUT(0), IN(2) } });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct class_attention_args a = make_args(c);
    const nn_rows *rows = c->in_rows[0];
    const size_t H = a.heads, D = head_dim(c), C = H * D;
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (size_t first = rows->offsets[b], j = first; j < rows->offsets[b + 1]; j++) {
            const size_t n = a.received ? rows->offsets[b + 1] - first : 1;
            double sum = 0;
            for (size_t i = first; i < first + n; i++)
                for (size_t h = 0; h < H; h++) {
                    const double *q = in[0] + i * 3 * C + h * D, *k = in[0] + j * 3 * C + C + h * D;
                    double s = 0;
                    for (size_t d = 0; d < D; d++)
                        s += q[d] * k[d];
                    s = (double) a.scale * s + nn_bias_ref(&a.bias, in[2], H, rows->pos[i], rows->pos[j], h);
                    sum += exp(s - in[1][i * H + h]);
                }
            out[0][j] = sum / (double) (n * H);
        }
}

static uint64_t macs(const nn_call *c)
{
    const uint64_t queries = NN_ATTR(c, class_attention)->received ? c->in_rows[0]->cap_tokens : 1;
    return queries * c->in[0].dim[0] * c->in[0].dim[1] / 3;
}

const nn_op nn_op_class_attention = {
    .name = "class_attention", .n_in = 3, .n_out = 1, .n_opt = 1, .infer = infer, .fwd = fwd, .ref = ref, .macs = macs,
};
