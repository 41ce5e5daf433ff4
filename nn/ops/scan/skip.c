// skip.c — a skip connection past a recurrence, one factor per stream.
//   in:  y (R, N)   x (R, W), the streams' columns in it   d (streams)      N = streams D
//   out: (R, N)
// Two forms of each kernel, as in gated_norm.c.
#include "nn/graph/rowwise.h"
#include "shaders/scan/gated/skip.h"
#include "spv/shaders.h"

#include <string.h>

static vkc_status infer(nn_call *c)
{
    const struct skip_attr *t = NN_ATTR(c, skip);
    const nn_shape *y = &c->in[0], *x = &c->in[1];
    vkc_status st;
    if (!t)
        return VKC_FAIL(VKC_E_ARG, "skip: heads, dirs and dim are missing");
    const nn_columns of_x = { t->heads, t->dirs, t->dim, t->x_col0, t->x_head, t->x_dir };
    VKC_TRY(nn_want_columns("skip", "x", x, &of_x));
    VKC_TRY(nn_want_shape("skip", "y", y, 2, x->dim[0], t->heads * t->dirs * t->dim));
    VKC_TRY(nn_want_shape("skip", "d", &c->in[2], 1, t->heads * t->dirs, 0));
    if (c->in_rows[0] != c->in_rows[1])
        return VKC_FAIL(VKC_E_ARG, "skip: y and x are packed by different layouts");
    c->out[0] = *y;
    c->out_rows[0] = c->in_rows[0];
    c->scratch_bwd[0] = (size_t) nn_n_partials(y->dim[0], NN_ROWS_EACH) * y->dim[1] * sizeof(float);
done:
    return st;
}

static nn_choice choose(const nn_call *c)
{
    const struct skip_attr *t = NN_ATTR(c, skip);
    const size_t y = nn_shape_len(&c->in[0]), x = nn_shape_len(&c->in[1]);
    return nn_choose(c, &(nn_problem) { .op = &nn_op_skip, .len = y > x ? y : x, .cols = t->dim,
                                        .odd = t->dim | c->in[1].dim[1] | t->x_col0 | t->x_head | t->x_dir });
}

static struct skip_args make_args(const nn_call *c)
{
    const struct skip_attr *t = NN_ATTR(c, skip);
    const uint32_t per = choose(c).own;
    return (struct skip_args) {
        .rows = nn_plain_rows(c),
        .heads = t->heads, .dirs = t->dirs, .dim = t->dim / per,
        .ld_x = c->in[1].dim[1] / per, .x_col0 = t->x_col0 / per, .x_head = t->x_head / per, .x_dir = t->x_dir / per,
        .head_parts = t->x_head ? t->heads : 1,
        .dir_parts = t->x_dir ? t->dirs : 1,
        .blocks = nn_n_partials(c->in[0].dim[0], NN_ROWS_EACH),
    };
}

// A kernel over rows in the form that fits, `parts` workgroups along y.
static vkc_status by_rows(nn_run *r, const nn_call *c, const struct skip_args *a, uint32_t parts,
                          const vkc_shader *quads, const vkc_shader *plain, const uint8_t bind[5])
{
    const nn_choice o = choose(c);
    nn_kernel_use use = { .shader = o.form == NN_FORM_QUADS ? quads : plain, .args = a, .args_size = sizeof *a,
        NN_BY_ROWS(c, o.tile), NN_ROW_SPEC(c, o.lanes, 0) };
    use.groups[1] = parts;
    memcpy(use.bind, bind, 5);
    return nn_dispatch(r, &use);
}
#define BY_ROWS(r, c, a, parts, name, ...) by_rows((r), (c), (a), (parts), &vkc_shader_skip_quads_##name, \
    &vkc_shader_skip_##name, (const uint8_t[5]) { __VA_ARGS__ })

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct skip_args a = make_args(c);
    return BY_ROWS(r, c, &a, a.heads * a.dirs, fwd, IN(0), IN(1), IN(2), OUT(0), ROWS_IN(0));
}

static vkc_status bwd_d(nn_run *r, const nn_call *c, struct skip_args a)
{
    vkc_status st = nn_dispatch(r, &(nn_kernel_use) {
        .shader = choose(c).form == NN_FORM_QUADS ? &vkc_shader_skip_quads_bwd_d : &vkc_shader_skip_bwd_d,
        .args = &a, .args_size = sizeof a, .wg = NN_ROW_WG,
        .groups = { a.blocks, (a.heads * a.dirs * a.dim - 1) / NN_ROW_WG + 1 },
        .bind = { IN(1), DOUT(0), SCRATCH(0), ROWS_IN(0) } });
    a.dim = NN_ATTR(c, skip)->dim;
    if (st == VKC_OK)
        st = NN_DISPATCH(r, skip_bwd_sum, &a, .groups = { a.heads * a.dirs }, .wg = NN_ROW_WG,
            .bind = { SCRATCH(0), DIN(2) });
    return st;
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct skip_args a = make_args(c);
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(0)) || nn_is_wanted(r, DIN(1)))
        st = BY_ROWS(r, c, &a, a.head_parts * a.dir_parts, bwd_x, DOUT(0), IN(2), DIN(0), DIN(1), ROWS_IN(0));
    if (st == VKC_OK && nn_is_wanted(r, DIN(2)))
        st = bwd_d(r, c, a);
    return st;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct skip_attr *t = NN_ATTR(c, skip);
    const size_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], N = c->in[0].dim[1], W = c->in[1].dim[1];
    for (size_t row = 0; row < R; row++)
        for (size_t n = 0; n < N; n++) {
            const size_t s = n / t->dim, at = t->x_col0 + s / t->dirs * t->x_head + s % t->dirs * t->x_dir + n % t->dim;
            out[0][row * N + n] = in[0][row * N + n] + in[2][s] * in[1][row * W + at];
        }
}

const nn_op nn_op_skip = {
    .name = "skip", .n_in = 3, .n_out = 1,
    .keep = BIT(IN(1)) | BIT(IN(2)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)), .pass = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
