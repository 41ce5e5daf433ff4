// gated_norm.c — root mean square norm of a mixer's streams, with a SiLU gate.
//   in:  x (R, W)   z (R, Wz), optional gate   w (N), optional      N = heads dirs D
//   out: y (R, N)   r (R, norms), one over the root mean square
// Two forms of each kernel: four columns at a time (quads) where they come in fours, and one; with quads those of z may
// begin anywhere, as they do in the projection of Mamba-2.
#include "nn/graph/rowwise.h"
#include "shaders/norm/gated_norm.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

static nn_columns columns_of_x(const struct gated_norm_attr *t)
{
    return (nn_columns) { t->heads, t->dirs, t->dim, t->x_col0, t->x_head, t->x_dir };
}

static nn_columns columns_of_z(const struct gated_norm_attr *t)
{
    return (nn_columns) { t->heads, t->dirs, t->dim, t->z_col0, t->z_head, t->z_dir };
}

static uint32_t n_cols(const nn_call *c)
{
    return c->out[0].dim[1];
}

static vkc_status infer(nn_call *c)
{
    const struct gated_norm_attr *t = NN_ATTR(c, gated_norm);
    const nn_shape *x = &c->in[0], *z = &c->in[1];
    vkc_status st;
    if (!t || !(t->eps > 0))
        return VKC_FAIL(VKC_E_ARG, "gated_norm: eps must be given and positive");
    const nn_columns of_x = columns_of_x(t), of_z = columns_of_z(t);
    VKC_TRY(nn_want_columns("gated_norm", "x", x, &of_x));
    if (z->rank) {
        VKC_TRY(nn_want_columns("gated_norm", "z", z, &of_z));
        if (z->dim[0] != x->dim[0] || c->in_rows[1] != c->in_rows[0])
            return VKC_FAIL(VKC_E_ARG, "gated_norm: x and z are packed by different layouts");
    }
    const uint32_t streams = t->heads * t->dirs;
    c->out[0] = (nn_shape) { 2, { x->dim[0], streams * t->dim } };
    c->out[1] = (nn_shape) { 2, { x->dim[0], t->whole ? t->dirs : streams } };
    c->out_rows[0] = c->out_rows[1] = c->in_rows[0];
    VKC_TRY(nn_want_shape("gated_norm", "out", &c->out[0], 2, 0, 0));
    if (c->in[2].rank)
        VKC_TRY(nn_want_shape("gated_norm", "w", &c->in[2], 1, n_cols(c), 0));
    c->scratch_bwd[0] = (size_t) nn_n_partials(x->dim[0], NN_ROWS_EACH) * nn_shape_len(&c->in[2]) * sizeof(float);
done:
    return st;
}

static nn_choice choose(const nn_call *c)
{
    const struct gated_norm_attr *t = NN_ATTR(c, gated_norm);
    size_t most = nn_shape_len(&c->in[0]), len[] = { nn_shape_len(&c->in[1]), nn_shape_len(&c->out[0]) };
    for (int i = 0; i < 2; i++)
        most = len[i] > most ? len[i] : most;
    return nn_choose(c, &(nn_problem) {
        .op = &nn_op_gated_norm, .len = most, .cols = t->dim,
        .odd = t->dim | c->in[0].dim[1] | t->x_col0 | t->x_head | t->x_dir | (uint32_t) len[0] });
}

static bool is_quads(const nn_call *c)
{
    return choose(c).form == NN_FORM_QUADS;
}

// The columns of z then come in fours as well, but may begin anywhere.
static bool is_odd_z(const nn_call *c)
{
    const struct gated_norm_attr *t = NN_ATTR(c, gated_norm);
    return is_quads(c) && c->in[1].rank && (c->in[1].dim[1] | t->z_col0 | t->z_head | t->z_dir) % 4;
}

static struct gated_norm_args make_args(const nn_call *c)
{
    const struct gated_norm_attr *t = NN_ATTR(c, gated_norm);
    const uint32_t per = is_quads(c) ? 4 : 1, z = is_odd_z(c) ? 1 : per;
    const bool gate = c->in[1].rank != 0;
    const bool share_heads = t->whole || t->x_head == 0 || (gate && t->z_head == 0);
    const bool share_dirs = t->x_dir == 0 || (gate && t->z_dir == 0);
    return (struct gated_norm_args) {
        .rows = nn_plain_rows(c),
        .heads = t->heads, .dirs = t->dirs, .dim = t->dim / per,
        .ld_x = c->in[0].dim[1] / per, .x_col0 = t->x_col0 / per, .x_head = t->x_head / per, .x_dir = t->x_dir / per,
        .ld_z = c->in[1].dim[1] / z, .z_col0 = t->z_col0 / z, .z_head = t->z_head / z, .z_dir = t->z_dir / z,
        .whole = t->whole,
        .last_z = gate ? (uint32_t) nn_shape_len(&c->in[1]) / 4 - 1 : 0,
        .norm_len = (float) t->dim * (float) (t->whole ? t->heads : 1),
        .eps = t->eps,
        .scale = t->scale != 0 ? t->scale : 1,
        .head_parts = share_heads ? 1 : t->heads,
        .dir_parts = share_dirs ? 1 : t->dirs,
        .blocks = nn_n_partials(c->in[0].dim[0], NN_ROWS_EACH),
    };
}

static uint32_t gate_of(const nn_call *c)
{
    return !c->in[1].rank ? GATED_NORM_NO_GATE :
           NN_ATTR(c, gated_norm)->gate_first ? GATED_NORM_GATE_FIRST : GATED_NORM_NORM_FIRST;
}

// A kernel over rows in the form that fits, `parts` workgroups along y.
static vkc_status by_rows(nn_run *r, const nn_call *c, const struct gated_norm_args *a, uint32_t parts,
                          const vkc_shader *quads, const vkc_shader *plain, const uint8_t bind[8])
{
    const nn_choice o = choose(c);
    nn_kernel_use use = { .shader = o.form == NN_FORM_QUADS ? quads : plain, .args = a, .args_size = sizeof *a,
        NN_BY_ROWS(c, o.tile),
        .spec = { [SPEC_LANES - 1] = o.lanes, [SPEC_ONCE - 1] = nn_row_once(c, c->in[0].dim[0], o.tile),
                  [SPEC_GATED_NORM_GATE - 1] = gate_of(c), [SPEC_GATED_NORM_HAS_W - 1] = c->in[2].rank,
                  [SPEC_GATED_NORM_ODD_Z - 1] = is_odd_z(c) } };
    use.groups[1] = parts;
    memcpy(use.bind, bind, 8);
    return nn_dispatch(r, &use);
}
#define BY_ROWS(r, c, a, parts, name, ...) by_rows((r), (c), (a), (parts), &vkc_shader_gated_norm_quads_##name, \
    &vkc_shader_gated_norm_##name, (const uint8_t[8]) { __VA_ARGS__ })

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct gated_norm_args a = make_args(c);
    return BY_ROWS(r, c, &a, c->out[1].dim[1], fwd, IN(0), IN(1), IN(2), OUT(0), OUT(1), ROWS_IN(0));
}

static vkc_status bwd_w(nn_run *r, const nn_call *c, const struct gated_norm_args *a)
{
    const uint32_t len = n_cols(c), invocations = a->heads * a->dirs * a->dim;
    vkc_status st = nn_dispatch(r, &(nn_kernel_use) {
        .shader = is_quads(c) ? &vkc_shader_gated_norm_quads_bwd_w : &vkc_shader_gated_norm_bwd_w,
        .args = a, .args_size = sizeof *a, .wg = NN_ROW_WG, 
        .spec = { [SPEC_GATED_NORM_GATE - 1] = gate_of(c), [SPEC_GATED_NORM_ODD_Z - 1] = is_odd_z(c) },
        .groups = { a->blocks, (invocations - 1) / NN_ROW_WG + 1 },
        .bind = { IN(0), IN(1), OUT(1), DOUT(0), SCRATCH(0), ROWS_IN(0) } });
    return st != VKC_OK ? st : nn_add_parts(r, c, SCRATCH(0), DIN(2), len, a->blocks);
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct gated_norm_args a = make_args(c);
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(0)) || nn_is_wanted(r, DIN(1)))
        st = BY_ROWS(r, c, &a, a.head_parts * a.dir_parts, bwd_x, IN(0), IN(1), IN(2), OUT(1), DOUT(0), DIN(0), DIN(1),
                     ROWS_IN(0));
    if (st == VKC_OK && c->in[2].rank && nn_is_wanted(r, DIN(2)))
        st = bwd_w(r, c, &a);
    return st;
}

// One norm of one row of the definition: heads h0 .. h1 of a direction.
static double ref_norm(const nn_call *c, const double *x, const double *z, const double *w, double *y, uint32_t dir,
                       uint32_t h0, uint32_t h1)
{
    const struct gated_norm_attr *t = NN_ATTR(c, gated_norm);
    const size_t D = t->dim;
    double mean = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t h = h0; h < h1; h++)
            for (size_t i = 0; i < D; i++) {
                double v = z ? z[t->z_col0 + h * t->z_head + dir * t->z_dir + i] : 0, silu = z ? v / (1 + exp(-v)) : 1;
                double e = x[t->x_col0 + h * t->x_head + dir * t->x_dir + i] * (t->gate_first ? silu : 1);
                size_t n = (h * t->dirs + dir) * D + i;
                if (pass == 0)
                    mean += e * e / (double) (D * (h1 - h0));
                else
                    y[n] = e / sqrt(mean + (double) t->eps) * (w ? w[n] : 1) * (t->gate_first ? 1 : silu) *
                           (t->scale != 0 ? (double) t->scale : 1);
            }
    return 1 / sqrt(mean + (double) t->eps);
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct gated_norm_attr *t = NN_ATTR(c, gated_norm);
    const size_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], norms = c->out[1].dim[1];
    for (size_t row = 0; row < R; row++)
        for (uint32_t g = 0; g < norms; g++) {
            const uint32_t h = g / t->dirs;
            out[1][row * norms + g] = ref_norm(c, in[0] + row * c->in[0].dim[1],
                in[1] ? in[1] + row * c->in[1].dim[1] : NULL, in[2], out[0] + row * n_cols(c), g % t->dirs,
                t->whole ? 0 : h, t->whole ? t->heads : h + 1);
        }
}

const nn_op nn_op_gated_norm = {
    .name = "gated_norm", .n_in = 3, .n_out = 2, .n_opt = 2,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)) | BIT(OUT(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
