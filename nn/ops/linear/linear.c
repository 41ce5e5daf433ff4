// linear.c — y = act(x w^T + b), three matrix products in one op.
//   in:  x (R, K)   w (N, K)   b (N), optional
//   out: y (R, N)   pre (R, N) = x w^T + b, only with an activation and where a backward pass may follow
// In G groups: x (R, G K)   w (G, N, K)   b (G N)   y, pre (R, G N).
// x, w, y and pre hold fp32, or all of them fp16; b, gradients and all sums are fp32.
// Backward: dpre = dy act'(pre), in scratch 0;  dx += dpre w;  dw += dpre^T x and db += 1^T dpre, whose
// sum over the rows is split: partial sums in scratch 1 and 2, added up in order by a second kernel.
#include "nn/graph/rowwise.h"
#include "shaders/linear/linear.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

#define ELEMENT_WG  256u
#define TILE_LEN    4096u           // elements a workgroup of linear_dpre takes at a time, about
#define MIN_CHUNK   256u            // rows that are worth a split
#define MAX_PARTS   (32u << 20)     // bytes of partial sums

typedef struct linear_kernels { const vkc_shader *fwd, *dx, *dw, *dpre, *db; } linear_kernels;

// The kernels of a form whose files are linear_<name>_*; linear_<helpers>dpre and _db go with it.
#define KERNELS(name, helpers) { &vkc_shader_linear_##name##_fwd, &vkc_shader_linear_##name##_dx, \
    &vkc_shader_linear_##name##_dw, &vkc_shader_linear_##helpers##dpre, &vkc_shader_linear_##helpers##db }

static const linear_kernels kernels[] = {
    [NN_FORM_PLAIN] = KERNELS(plain, ), [NN_FORM_TILED] = KERNELS(tiled, ), [NN_FORM_SIMD] = KERNELS(simd, simd_),
};
static const linear_kernels odd_simd = KERNELS(simd, );     // for rows of y that are no whole vec4

// Their twins for fp16; there is none for software drivers.
#define HALF(name) { &vkc_shader_linear_##name##_fwd_f16, &vkc_shader_linear_##name##_dx_f16, \
    &vkc_shader_linear_##name##_dw_f16, &vkc_shader_linear_dpre_f16, &vkc_shader_linear_db }
static const linear_kernels half_kernels[] = { [NN_FORM_PLAIN] = HALF(plain), [NN_FORM_TILED] = HALF(tiled) };

typedef struct linear_dims { uint32_t G, N, K; } linear_dims;

static linear_dims dims_of(const nn_call *c)
{
    const nn_shape *w = &c->in[1];
    const uint32_t groups = NN_ATTR(c, linear)->groups;
    return (linear_dims) { groups ? groups : 1, w->dim[w->rank - 2], w->dim[w->rank - 1] };
}

static uint32_t ceil_div(uint32_t n, uint32_t d)
{
    return (n + d - 1) / d;
}

// The form for a product with (m, n) results, `copies` of which run side by side; what the SIMD form reads as vec4 are
// rows of x and w, and where the product reads it, a tensor of y's shape.
static nn_choice choose(const nn_call *c, uint32_t m, uint32_t n, uint32_t copies, bool reads_y)
{
    const linear_dims d = dims_of(c);
    const uint64_t R = c->in[0].dim[0], most = d.N > d.K ? d.N : d.K;
    return nn_choose(c, &(nn_problem) {
        .op = &nn_op_linear, .rows = m, .cols = n, .copies = copies,
        .odd = d.K | (reads_y ? (uint32_t) R * d.G * d.N : 0), .len = (R > most ? R : most) * most * d.G });
}

static bool is_odd_simd(const nn_call *c, const nn_choice *f)
{
    return f->form == NN_FORM_SIMD && dims_of(c).N % 4;
}

static const linear_kernels *kernels_of(const nn_call *c, const nn_choice *f)
{
    if (c->in_dtype[0] == NN_DTYPE_F16)
        return &half_kernels[f->form];
    return is_odd_simd(c, f) ? &odd_simd : &kernels[f->form];
}

// Workgroups that share the rows of one tile of dw, fixed by capacity: the same sums on every run.
static uint32_t n_splits(const nn_call *c)
{
    const linear_dims d = dims_of(c);
    uint64_t size = 4u * (uint64_t) d.G * d.N * d.K;
    uint32_t tiles = d.G * ceil_div(d.N, 64) * ceil_div(d.K, 64), most = ceil_div(c->in[0].dim[0], MIN_CHUNK);
    uint32_t splits = ceil_div(nn_busy_groups(c), tiles);
    splits = splits < most ? splits : most;
    while (splits > 1 && splits * size > MAX_PARTS)
        splits--;
    return splits;
}

static struct linear_args make_args(const nn_call *c)
{
    return (struct linear_args) {
        .rows = c->in_rows[0] ? 0 : c->in[0].dim[0],
        .in_cols = dims_of(c).K,
        .out_cols = dims_of(c).N,
        .splits = n_splits(c),
    };
}

static vkc_status infer(nn_call *c)
{
    const nn_shape *x = &c->in[0], *w = &c->in[1], *b = &c->in[2];
    const uint32_t act = NN_ATTR(c, linear)->act;
    if (x->rank != 2 || w->rank < 2 || w->rank > 3 || !nn_shape_len(x) || !nn_shape_len(w))
        return VKC_FAIL(VKC_E_ARG, "linear: in[0] and in[1] must be matrices");
    const linear_dims d = dims_of(c);
    const uint32_t n = d.G * d.N;
    if ((w->rank == 3 ? w->dim[0] : 1) != d.G)
        return VKC_FAIL(VKC_E_ARG, "linear: in[1] is not (%u, N, K), one matrix a group", d.G);
    if (x->dim[1] != d.G * d.K)
        return VKC_FAIL(VKC_E_ARG, "linear: in[0] has %u columns, in[1] has %u", x->dim[1], d.G * d.K);
    if (b->rank && nn_shape_len(b) != n)
        return VKC_FAIL(VKC_E_ARG, "linear: in[2] has not %u elements", n);
    if (act > LINEAR_ACT_SILU)
        return VKC_FAIL(VKC_E_ARG, "linear: no activation %u", act);
    c->out[0] = (nn_shape) { 2, { x->dim[0], n } };
    c->out_rows[0] = c->in_rows[0];
    const bool keeps_pre = act && c->train;
    c->out[1] = keeps_pre ? c->out[0] : (nn_shape) { 0 };
    c->out_rows[1] = keeps_pre ? c->in_rows[0] : NULL;
    const uint32_t splits = n_splits(c);
    c->scratch_bwd[0] = act ? nn_shape_bytes(&c->out[0], NN_DTYPE_GRAD) : 0;
    c->scratch_bwd[1] = nn_shape_bytes(w, NN_DTYPE_GRAD) * splits;
    c->scratch_bwd[2] = nn_shape_bytes(b, NN_DTYPE_GRAD) * splits;
    return VKC_OK;
}

// The spec constants of a form; those of what happens to a result are the forward kernels' own.
static void specialise(nn_kernel_use *use, const nn_call *c, const nn_choice *f)
{
    memcpy(use->spec, f->spec, sizeof f->spec);
    use->spec[SPEC_TILE_GROUPS - 1] = dims_of(c).G;
    use->spec[SPEC_TILE_ODD - 1] = is_odd_simd(c, f);
}

// Fills the launch of a product over rows (m = R).
static void launch_rows(nn_kernel_use *use, const nn_call *c, const nn_choice *f, uint32_t n)
{
    const uint32_t groups = ceil_div(c->in[0].dim[0], f->tile), max = c->dev->max_groups[0];
    use->groups[0] = groups < max ? groups : max;
    use->groups[1] = ceil_div(n, f->tile_cols);
    use->groups[2] = dims_of(c).G;
    use->tile_rows = c->in_rows[0] ? f->tile : 0;
    use->rows = ROWS_IN(0);
    use->wg = f->wg;
    specialise(use, c, f);
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct linear_args a = make_args(c);
    const nn_choice f = choose(c, c->in[0].dim[0], a.out_cols, dims_of(c).G, false);
    nn_kernel_use use = { .shader = kernels_of(c, &f)->fwd, .args = &a, .args_size = sizeof a,
        .bind = { IN(0), IN(1), IN(2), OUT(0), OUT(1), ROWS_IN(0) } };
    launch_rows(&use, c, &f, a.out_cols);
    use.spec[SPEC_LINEAR_BIAS - 1] = c->in[2].rank != 0;
    use.spec[SPEC_LINEAR_PRE - 1] = c->out[1].rank != 0;
    use.spec[SPEC_LINEAR_ACT - 1] = NN_ATTR(c, linear)->act;
    return nn_dispatch(r, &use);
}

static vkc_status bwd_pre(nn_run *r, const nn_call *c)
{
    const uint32_t cols = c->out[0].dim[1];
    struct linear_rows_args a = {
        .rows = c->in_rows[0] ? 0 : c->in[0].dim[0],
        .cols = cols,
        .tile_rows = cols < TILE_LEN ? TILE_LEN / cols : 1,
    };
    const uint32_t groups = ceil_div(a.rows, a.tile_rows), max = c->dev->max_groups[0];
    const nn_choice f = choose(c, c->in[0].dim[0], cols, 1, true);
    return nn_dispatch(r, &(nn_kernel_use) { .shader = kernels_of(c, &f)->dpre, .args = &a, .args_size = sizeof a,
        .wg = ELEMENT_WG, .groups = { groups < max ? groups : max },
        .tile_rows = c->in_rows[0] ? a.tile_rows : 0, .rows = ROWS_IN(0),
        .spec = { [SPEC_LINEAR_ACT - 1] = NN_ATTR(c, linear)->act },
        .bind = { OUT(1), DOUT(0), SCRATCH(0), ROWS_IN(0) } });
}

static vkc_status bwd_x(nn_run *r, const nn_call *c, const struct linear_args *a, uint8_t dpre)
{
    const nn_choice f = choose(c, c->in[0].dim[0], a->in_cols, dims_of(c).G, true);
    nn_kernel_use use = { .shader = kernels_of(c, &f)->dx, .args = a, .args_size = sizeof *a,
        .bind = { dpre, IN(1), DIN(0), ROWS_IN(0) } };
    launch_rows(&use, c, &f, a->in_cols);
    return nn_dispatch(r, &use);
}

static vkc_status bwd_w(nn_run *r, const nn_call *c, const struct linear_args *a, uint8_t dpre)
{
    const uint32_t G = dims_of(c).G;
    const nn_choice f = choose(c, a->out_cols, a->in_cols, a->splits * G, true);
    nn_kernel_use use = { .shader = kernels_of(c, &f)->dw, .args = a, .args_size = sizeof *a, .wg = f.wg,
        .groups = { ceil_div(a->out_cols, f.tile), ceil_div(a->in_cols, f.tile_cols), a->splits * G },
        .bind = { dpre, IN(0), SCRATCH(1), ROWS_IN(0) } };
    specialise(&use, c, &f);
    vkc_status st = nn_dispatch(r, &use);
    return st ? st : nn_add_parts(r, c, SCRATCH(1), DIN(1), (uint32_t) nn_shape_len(&c->in[1]), a->splits);
}

static vkc_status bwd_b(nn_run *r, const nn_call *c, struct linear_args a, uint8_t dpre)
{
    const nn_choice f = choose(c, a.out_cols, a.in_cols, a.splits, true);
    const bool is_simd = f.form == NN_FORM_SIMD && !is_odd_simd(c, &f);
    const uint32_t wg = is_simd ? f.wg : 64, cols = is_simd ? 4 * wg : wg;
    a.out_cols = c->out[0].dim[1];              // to a sum over rows, groups are but more columns
    vkc_status st = nn_dispatch(r, &(nn_kernel_use) { .shader = kernels_of(c, &f)->db, .args = &a,
        .args_size = sizeof a, .wg = wg, .groups = { ceil_div(a.out_cols, cols), 1, a.splits },
        .bind = { dpre, SCRATCH(2), ROWS_IN(0) } });
    return st ? st : nn_add_parts(r, c, SCRATCH(2), DIN(2), a.out_cols, a.splits);
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct linear_args a = make_args(c);
    const bool has_act = NN_ATTR(c, linear)->act != LINEAR_ACT_NONE;
    const uint8_t dpre = has_act ? SCRATCH(0) : DOUT(0);
    vkc_status st = has_act ? bwd_pre(r, c) : VKC_OK;
    if (!st && nn_is_wanted(r, DIN(0)))
        st = bwd_x(r, c, &a, dpre);
    if (!st && nn_is_wanted(r, DIN(1)))
        st = bwd_w(r, c, &a, dpre);
    if (!st && c->in[2].rank && nn_is_wanted(r, DIN(2)))
        st = bwd_b(r, c, a, dpre);
    return st;
}

static double activate(uint32_t act, double v)
{
    if (act == LINEAR_ACT_GELU)
        return v * 0.5 * erfc(-v * sqrt(0.5));
    if (act == LINEAR_ACT_GELU_TANH)
        return v / (1 + exp(-2 * 0.7978845608028654 * (v + 0.044715 * v * v * v)));
    if (act == LINEAR_ACT_SILU)
        return v / (1 + exp(-v));
    return act == LINEAR_ACT_QUICK_GELU ? v / (1 + exp(-1.702 * v)) : v;
}

static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const size_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0];
    const linear_dims d = dims_of(c);
    const size_t cols = c->out[0].dim[1], K = d.K;
    const uint32_t act = NN_ATTR(c, linear)->act;
    for (size_t r = 0; r < R; r++)
        for (size_t n = 0; n < cols; n++) {
            const double *x = in[0] + (r * d.G + n / d.N) * K;
            double v = in[2] ? in[2][n] : 0;
            for (size_t k = 0; k < K; k++)
                v += x[k] * in[1][n * K + k];
            out[0][r * cols + n] = activate(act, v);
            if (c->out[1].rank)
                out[1][r * cols + n] = v;
        }
}

static uint64_t macs(const nn_call *c)
{
    return (uint64_t) c->in[0].dim[0] * nn_shape_len(&c->in[1]);
}

const nn_op nn_op_linear = {
    .name = "linear", .n_in = 3, .n_out = 2, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)), .skip = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .f16 = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(0)) | BIT(OUT(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
