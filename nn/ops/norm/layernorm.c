// layernorm.c — normalise over the last axis.
//   in:  x (R, C)   gamma (C), optional: ones   beta (C), optional: zeros
//   out: y (R, C)   mean (R)    rstd (R)
// Two forms of each kernel over rows: four columns at a time (quads), and one; both give the same bits.
#include "nn/graph/rowwise.h"
#include "shaders/norm/layernorm.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

static struct layernorm_args make_args(const nn_call *c)
{
    return (struct layernorm_args) {
        .rows = nn_plain_rows(c),
        .cols = c->in[0].dim[1],
        .eps = NN_ATTR(c, layernorm)->eps,
        .blocks = nn_n_partials(c->in[0].dim[0], 32),
    };
}

static vkc_status infer(nn_call *c)
{
    const uint32_t C = c->in[0].dim[1];
    vkc_status st;
    VKC_TRY(nn_want_shape("layernorm", "x", &c->in[0], 2, 0, 0));
    if (c->in[1].rank)
        VKC_TRY(nn_want_shape("layernorm", "gamma", &c->in[1], 1, C, 0));
    if (c->in[2].rank)
        VKC_TRY(nn_want_shape("layernorm", "beta", &c->in[2], 1, C, 0));
    if (c->attr == NULL || !(NN_ATTR(c, layernorm)->eps >= 0))
        return VKC_FAIL(VKC_E_ARG, "layernorm: eps must be given and not negative");
    c->out[0] = c->in[0];
    c->out[1] = c->out[2] = (nn_shape) { 1, { c->in[0].dim[0] } };
    for (int i = 0; i < 3; i++)
        c->out_rows[i] = c->in_rows[0];
    c->scratch_bwd[0] = (size_t) nn_n_partials(c->in[0].dim[0], 32) * 2 * C * sizeof(float);
done:
    return st;
}

static uint32_t get_absent(const nn_call *c)
{
    return (c->in[1].rank ? 0 : LAYERNORM_NO_GAMMA) | (c->in[2].rank ? 0 : LAYERNORM_NO_BETA);
}

static nn_choice choose(const nn_call *c)
{
    const uint32_t C = c->in[0].dim[1];
    return nn_choose(c, &(nn_problem) { .op = &nn_op_layernorm, .odd = C, .cols = C,
                                        .len = nn_shape_len(&c->in[0]) });
}

// A kernel over rows in either form; ROWS_IN(0) is the last of its `n` slots.
static vkc_status by_rows(nn_run *r, const nn_call *c, const vkc_shader *shader, const uint8_t *bind, size_t n)
{
    const struct layernorm_args a = make_args(c);
    const nn_choice o = choose(c);
    nn_kernel_use use = { .shader = shader, .args = &a, .args_size = sizeof a, NN_BY_ROWS(c, o.tile),
        .spec = { [SPEC_LANES - 1] = o.lanes, [SPEC_COLS - 1] = o.form == NN_FORM_QUADS ? a.cols / 4 : a.cols,
                  [SPEC_ONCE - 1] = nn_row_once(c, c->in[0].dim[0], o.tile), [SPEC_PARTS - 1] = o.parts,
                  [SPEC_LAYERNORM_ABSENT - 1] = get_absent(c) } };
    memcpy(use.bind, bind, n);
    return nn_dispatch(r, &use);
}
#define BY_ROWS(r, c, name, ...) by_rows((r), (c), &vkc_shader_layernorm_##name, (const uint8_t[]) { __VA_ARGS__ }, \
                                         sizeof((const uint8_t[]) { __VA_ARGS__ }))

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    return choose(c).form == NN_FORM_QUADS
        ? BY_ROWS(r, c, quads_fwd, IN(0), IN(1), IN(2), OUT(0), OUT(1), OUT(2), ROWS_IN(0))
        : BY_ROWS(r, c, fwd, IN(0), IN(1), IN(2), OUT(0), OUT(1), OUT(2), ROWS_IN(0));
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct layernorm_args a = make_args(c);
    const uint32_t tiles = (a.cols - 1) / NN_ROW_WG + 1;
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(0)) && choose(c).form == NN_FORM_QUADS)
        VKC_TRY(BY_ROWS(r, c, quads_bwd_x, IN(0), IN(1), OUT(1), OUT(2), DOUT(0), DIN(0), DIN(0), ROWS_IN(0)));
    else if (nn_is_wanted(r, DIN(0)))
        VKC_TRY(BY_ROWS(r, c, bwd_x, IN(0), IN(1), OUT(1), OUT(2), DOUT(0), DIN(0), ROWS_IN(0)));
    if (nn_is_wanted(r, DIN(1)) || nn_is_wanted(r, DIN(2))) {
        VKC_TRY(NN_DISPATCH(r, layernorm_bwd_w, &a, .groups = { a.blocks, tiles }, .wg = NN_ROW_WG,
            .bind = { IN(0), OUT(1), OUT(2), DOUT(0), SCRATCH(0), ROWS_IN(0) }));
        VKC_TRY(NN_DISPATCH(r, layernorm_bwd_sum, &a, .groups = { tiles }, .wg = NN_ROW_WG,
            .spec = { [SPEC_LAYERNORM_ABSENT - 1] = get_absent(c) },
            .bind = { SCRATCH(0), DIN(1), DIN(2) }));
    }
done:
    return st;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const uint32_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], C = c->in[0].dim[1];
    for (uint32_t i = 0; i < R; i++) {
        const double *x = in[0] + (size_t) i * C;
        double m = 0, v = 0;
        for (uint32_t j = 0; j < C; j++)
            m += x[j] / C;
        for (uint32_t j = 0; j < C; j++)
            v += (x[j] - m) * (x[j] - m) / C;
        double rstd = 1 / sqrt(v + (double) NN_ATTR(c, layernorm)->eps);
        for (uint32_t j = 0; j < C; j++)
            out[0][(size_t) i * C + j] = (x[j] - m) * rstd * (in[1] ? in[1][j] : 1) + (in[2] ? in[2][j] : 0);
        out[1][i] = m;
        out[2][i] = rstd;
    }
}

const nn_op nn_op_layernorm = {
    .name = "layernorm", .n_in = 3, .n_out = 3, .n_opt = 2,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(1)) | BIT(OUT(2)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
