// feature_map.c — features of queries or keys for linear attention, head by head.
//   in:  x (R, W), its heads at columns col0 + h D     w (H, D, D), of all but elu + 1     b (H, D), of t2r
//   out: phi (R, H F)     F = D for elu + 1 and t2r, 2 D for Hedgehog and exp
// Hedgehog has two forms (nn/graph/choose/choose.h), SIMD and one invocation a row; t2r and exp have the second.
#include "nn/graph/rowwise.h"
#include "shaders/linear/linear.h"
#include "shaders/linear_attention/feature_map.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

static uint32_t kind_of(const nn_call *c)
{
    return NN_ATTR(c, feature_map)->kind;
}

static bool is_doubled(const nn_call *c)
{
    return kind_of(c) == FEATURE_MAP_HEDGEHOG || kind_of(c) == FEATURE_MAP_EXP;
}

static struct feature_map_args make_args(const nn_call *c)
{
    const struct feature_map_attr *t = NN_ATTR(c, feature_map);
    uint32_t splits = c->in[0].dim[0] / 128;
    return (struct feature_map_args) {
        .heads = t->heads,
        .ld = c->in[0].dim[1],
        .col0 = t->col0,
        .splits = splits < 1 ? 1 : splits > 64 ? 64 : splits,
    };
}

static vkc_status infer(nn_call *c)
{
    const struct feature_map_attr *t = NN_ATTR(c, feature_map);
    const nn_shape *x = &c->in[0], *w = &c->in[1], *b = &c->in[2];
    if (!t || !t->heads || !t->head_dim)
        return VKC_FAIL(VKC_E_ARG, "feature_map: heads or head_dim is 0");
    if (t->head_dim > FEATURE_MAP_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "feature_map: heads of %u channels, at most %d are supported", t->head_dim,
                        FEATURE_MAP_MAX_DIM);
    if (t->kind > FEATURE_MAP_EXP)
        return VKC_FAIL(VKC_E_ARG, "feature_map: kind %u is unknown", t->kind);
    if (x->rank != 2 || !c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "feature_map: x is not a packed (R, W)");
    if ((uint64_t) t->col0 + (uint64_t) t->heads * t->head_dim > x->dim[1])
        return VKC_FAIL(VKC_E_ARG, "feature_map: x has %u columns, want %u heads of %u from column %u",
                        x->dim[1], t->heads, t->head_dim, t->col0);
    const uint32_t want[] = { t->heads, t->head_dim, t->head_dim };
    if (t->kind == FEATURE_MAP_ELU && w->rank)
        return VKC_FAIL(VKC_E_ARG, "feature_map: the elu map takes no weights");
    if (t->kind != FEATURE_MAP_ELU && !nn_shape_is(w, 3, want))
        return VKC_FAIL(VKC_E_ARG, "feature_map: w is not (%u, %u, %u)", want[0], want[1], want[2]);
    if (t->kind == FEATURE_MAP_T2R ? !nn_shape_is(b, 2, want) : b->rank != 0)
        return VKC_FAIL(VKC_E_ARG, "feature_map: the t2r map takes a bias b (%u, %u), the others none", want[0],
                        want[1]);
    uint32_t C = t->heads * t->head_dim;
    c->out[0] = (nn_shape) { 2, { x->dim[0], is_doubled(c) ? 2 * C : C } };
    c->out_rows[0] = c->in_rows[0];
    if (t->kind != FEATURE_MAP_ELU) {
        const size_t splits = make_args(c).splits;
        c->scratch_bwd[0] = (size_t) x->dim[0] * C * sizeof(float);         // du
        c->scratch_bwd[1] = splits * C * t->head_dim * sizeof(float);       // parts of dw
        c->scratch_bwd[2] = t->kind == FEATURE_MAP_T2R ? splits * C * sizeof(float) : 0;    // and of db
    }
    return VKC_OK;
}

// Elementwise: about four elements an invocation.
#define BY_ELEMENT(a, D) .wg = 64, .spec = { D }, .rows = ROWS_IN(0), \
    .tile_rows = 256 / ((a).heads * (D)) ? 256 / ((a).heads * (D)) : 1

static nn_choice choose(const nn_call *c)
{
    const struct feature_map_attr *t = NN_ATTR(c, feature_map);
    const size_t x = nn_shape_len(&c->in[0]), phi = nn_shape_len(&c->out[0]);
    return nn_choose(c, &(nn_problem) { .op = &nn_op_feature_map, .odd = t->head_dim | t->col0 | c->in[0].dim[1],
                                        .dim = t->head_dim, .len = x > phi ? x : phi,
                                        .is_plain = t->kind == FEATURE_MAP_T2R || t->kind == FEATURE_MAP_EXP });
}

// A kernel of learned features over rows in the form that fits.
static vkc_status by_row(nn_run *r, const nn_call *c, const vkc_shader *simd, const vkc_shader *plain,
                         const uint8_t bind[6])
{
    struct feature_map_args a = make_args(c);
    const nn_choice o = choose(c);
    const bool is_simd = o.form == NN_FORM_SIMD;
    nn_kernel_use use = { .shader = is_simd ? simd : plain, .args = &a, .args_size = sizeof a, .rows = ROWS_IN(0),
                          .wg = o.wg, .spec = { NN_ATTR(c, feature_map)->head_dim, o.own } };
    if (kind_of(c) != FEATURE_MAP_HEDGEHOG)
        use.spec[SPEC_FEATURE_MAP_KIND - 1] = kind_of(c);
    if (is_simd) {
        use.spec[2] = o.wg;
        use.tile_rows = o.tile, use.groups[1] = a.heads;
    } else {                        // about one invocation for its rows of a head
        use.tile_rows = o.wg * o.own / a.heads ? o.wg * o.own / a.heads : 1;
    }
    memcpy(use.bind, bind, 6);
    return nn_dispatch(r, &use);
}
#define BY_ROW(r, c, name, ...) by_row((r), (c), &vkc_shader_feature_map_simd_##name, \
    &vkc_shader_feature_map_hedgehog_##name, (const uint8_t[6]) { __VA_ARGS__ })

// dw += x^T du, in parts.
static vkc_status bwd_w(nn_run *r, const nn_call *c)
{
    struct feature_map_args a = make_args(c);
    const uint32_t D = NN_ATTR(c, feature_map)->head_dim;
    const nn_choice o = choose(c);
    const uint32_t invocations = a.heads * ((D + o.own - 1) / o.own);
    vkc_status st;
    if (o.form == NN_FORM_SIMD)
        VKC_TRY(NN_DISPATCH(r, feature_map_simd_bwd_w, &a, .wg = o.wg, .spec = { D, 0, o.wg },
            .groups = { a.splits, a.heads, (D / 4 + o.wg - 1) / o.wg },
            .bind = { ROWS_IN(0), IN(0), SCRATCH(0), SCRATCH(1) }));
    else
        VKC_TRY(NN_DISPATCH(r, feature_map_hedgehog_bwd_w, &a, .wg = o.wg, .spec = { D, o.own },
            .groups = { a.splits, (invocations + o.wg - 1) / o.wg },
            .bind = { ROWS_IN(0), IN(0), SCRATCH(0), SCRATCH(1) }));
    VKC_TRY(NN_DISPATCH(r, feature_map_hedgehog_sum, &a, .wg = 64, .spec = { D },
        .groups = { (a.heads * D * D + 63) / 64 }, .bind = { SCRATCH(1), DIN(1) }));
done:
    return st;
}

// db += column sums of du, in parts.
static vkc_status bwd_b(nn_run *r, const nn_call *c)
{
    const struct feature_map_args a = make_args(c);
    const uint32_t C = a.heads * NN_ATTR(c, feature_map)->head_dim;
    struct linear_args sum = { .out_cols = C, .splits = a.splits };
    vkc_status st = NN_DISPATCH(r, linear_db, &sum, .wg = NN_ROW_WG,
        .groups = { (C - 1) / NN_ROW_WG + 1, 1, a.splits }, .bind = { SCRATCH(0), SCRATCH(2), ROWS_IN(0) });
    return st == VKC_OK ? nn_add_parts(r, c, SCRATCH(2), DIN(2), C, a.splits) : st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct feature_map_args a = make_args(c);
    if (NN_ATTR(c, feature_map)->kind == FEATURE_MAP_ELU)
        return NN_DISPATCH(r, feature_map_elu_fwd, &a, BY_ELEMENT(a, NN_ATTR(c, feature_map)->head_dim),
            .bind = { ROWS_IN(0), IN(0), OUT(0) });
    const uint8_t bias = choose(c).form == NN_FORM_SIMD ? 0 : IN(2);     // the SIMD form is Hedgehog's alone
    return BY_ROW(r, c, fwd, ROWS_IN(0), IN(0), IN(1), OUT(0), bias);
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct feature_map_args a = make_args(c);
    if (NN_ATTR(c, feature_map)->kind == FEATURE_MAP_ELU)
        return NN_DISPATCH(r, feature_map_elu_bwd, &a, BY_ELEMENT(a, NN_ATTR(c, feature_map)->head_dim),
            .bind = { ROWS_IN(0), OUT(0), DOUT(0), DIN(0) });
    vkc_status st = BY_ROW(r, c, bwd_x, ROWS_IN(0), IN(1), OUT(0), DOUT(0), DIN(0), SCRATCH(0));
    if (st == VKC_OK && nn_is_wanted(r, DIN(1)))
        st = bwd_w(r, c);
    return st == VKC_OK && kind_of(c) == FEATURE_MAP_T2R && nn_is_wanted(r, DIN(2)) ? bwd_b(r, c) : st;
}

// exp(sign * u) over its maximum or, as a softmax, over its sum.
static void ref_exp(const double *u, double sign, size_t n, bool is_softmax, double *p)
{
    double top = -HUGE_VAL, sum = 0;
    for (size_t f = 0; f < n; f++)
        top = fmax(top, sign * u[f]);
    for (size_t f = 0; f < n; f++)
        sum += p[f] = exp(sign * u[f] - top);
    for (size_t f = 0; f < n; f++)
        p[f] /= is_softmax ? sum : 1;
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct feature_map_args a = make_args(c);
    const size_t D = NN_ATTR(c, feature_map)->head_dim, H = a.heads, n = c->in_rows[0]->n;
    for (size_t r = 0; r < n; r++)
        for (size_t h = 0; h < H; h++) {
            const double *x = in[0] + r * a.ld + a.col0 + h * D;
            if (NN_ATTR(c, feature_map)->kind == FEATURE_MAP_ELU) {
                for (size_t d = 0; d < D; d++)
                    out[0][(r * H + h) * D + d] = x[d] > 0 ? x[d] + 1 : exp(x[d]);
                continue;
            }
            double u[FEATURE_MAP_MAX_DIM] = { 0 }, *phi = out[0] + (r * H + h) * (is_doubled(c) ? 2 : 1) * D;
            for (size_t d = 0; d < D; d++)
                for (size_t f = 0; f < D; f++)
                    u[f] += x[d] * in[1][(h * D + d) * D + f];
            for (size_t f = 0; f < D && kind_of(c) == FEATURE_MAP_T2R; f++)
                phi[f] = fmax(u[f] + in[2][h * D + f], (double) FEATURE_MAP_EPS);
            for (size_t half = 0; half < 2 && is_doubled(c); half++)
                ref_exp(u, half ? -1 : 1, D, kind_of(c) == FEATURE_MAP_HEDGEHOG, phi + half * D);
        }
}

static uint64_t macs(const nn_call *c)
{
    const struct feature_map_attr *t = NN_ATTR(c, feature_map);
    return t->kind == FEATURE_MAP_ELU ? 0 : (uint64_t) c->in[0].dim[0] * t->heads * t->head_dim * t->head_dim;
}

const nn_op nn_op_feature_map = {
    .name = "feature_map", .n_in = 3, .n_out = 1, .n_opt = 2,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(0)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
