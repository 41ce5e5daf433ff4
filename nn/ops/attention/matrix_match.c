// matrix_match.c — the distance between the matrix that a mixer multiplies its values by and a teacher's attention
// weights, the mean over images and heads of Frobenius norms. Equations: shaders/attention/matrix/matrix_match.h.
// The matrix is made a piece at a time; no N x N matrix is stored, unless it is asked for.
//   in:  q, k (R, any)   qkv (R, 3C) of the teacher and its lse (R, H), without gradients
//        g (R, any), optional: log decays, of a recurrence; without, q and k are features and rows are normalised
//        step (R, any), optional: what keys are multiplied by
//   out: loss (1)   norm (cap_images H) of each image and head   stats (R, 2 H)
//        with attr.map the matrix (cap_images H, tokens, tokens), 0 where there is no token
#include "nn/graph/rowwise.h"
#include "shaders/attention/attention.h"
#include "shaders/attention/matrix/matrix_match.h"
#include "shaders/scan/gated/gated_scan.h"
#include "spv/shaders.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { Q, K, QKV, LSE, G, STEP };
enum { CUM, PART, DCUM, DSTEP };    // scratch of backward; forward has CUM and SQ
#define SQ PART

static const struct matrix_match_attr *attr_of(const nn_call *c)
{
    return NN_ATTR(c, matrix_match);
}

static struct chunk_cols cols_of(const nn_call *c, int i)
{
    const struct matrix_match_attr *t = attr_of(c);
    const uint32_t ld = c->in[i].rank ? c->in[i].dim[1] : 0;
    switch (i) {
    case Q:  return (struct chunk_cols) { t->q_col0, t->q_head, t->q_dir, ld };
    case K:  return (struct chunk_cols) { t->k_col0, t->k_head, t->k_dir, ld };
    case G:  return (struct chunk_cols) { t->g_col0, t->g_head, t->g_dir, ld };
    default: return (struct chunk_cols) { t->step_col0, t->step_head, t->step_dir, ld };
    }
}

// Columns of a stream in input i.
static uint32_t width_of(const nn_call *c, int i)
{
    return i == STEP || (i == G && !attr_of(c)->channels) ? 1 : attr_of(c)->dk;
}

static struct matrix_match_args make_args(const nn_call *c)
{
    const struct matrix_match_attr *t = attr_of(c);
    const nn_rows *rows = c->in_rows[Q];
    const uint32_t D = c->in[QKV].dim[1] / 3 / t->heads;
    return (struct matrix_match_args) {
        .q = cols_of(c, Q), .k = cols_of(c, K), .g = cols_of(c, G), .step = cols_of(c, STEP),
        .heads = t->heads, .dirs = t->dirs, .dk = t->dk, .width = c->in[G].rank ? width_of(c, G) : 0, .head_dim = D,
        .has_step = c->in[STEP].rank != 0, .has_map = t->map, .cap_tokens = rows->cap_tokens,
        .images = rows->cap_images, .scale = t->scale != 0 ? t->scale : 1,
        .teacher_scale = t->teacher_scale != 0 ? t->teacher_scale : (float) (1 / sqrt((double) D)),
    };
}

static vkc_status check_inputs(const nn_call *c)
{
    static const char *const names[] = { "q", "k", "qkv", "lse", "g", "step" };
    const struct matrix_match_attr *t = attr_of(c);
    vkc_status st = VKC_OK;
    for (int i = Q; i <= STEP; i++) {
        if (!c->in[i].rank)
            continue;
        if (!c->in_rows[i] || c->in_rows[i] != c->in_rows[Q] || c->in[i].rank != 2)
            return VKC_FAIL(VKC_E_ARG, "matrix_match: %s is no matrix packed by the layout of q", names[i]);
        const struct chunk_cols at = cols_of(c, i);
        if (i != QKV && i != LSE)
            VKC_TRY(nn_want_columns("matrix_match", names[i], &c->in[i], &(nn_columns) {
                t->heads, t->dirs, width_of(c, i), at.col0, at.head, at.dir_ }));
    }
    VKC_TRY(nn_want_shape("matrix_match", "lse", &c->in[LSE], 2, c->in[Q].dim[0], t->heads));
    if (c->in[QKV].dim[1] % (3 * t->heads) || c->in[QKV].dim[1] / (3 * t->heads) > ATTENTION_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "matrix_match: qkv has %u columns, want 3 times a multiple of %u heads, at most %d "
                        "each", c->in[QKV].dim[1], t->heads, ATTENTION_MAX_DIM);
done:
    return st;
}

static vkc_status infer(nn_call *c)
{
    const struct matrix_match_attr *t = attr_of(c);
    vkc_status st;
    if (!t || !t->heads || (t->dirs != 1 && t->dirs != 2) || !t->dk || t->dk > MATRIX_MATCH_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "matrix_match: heads is 0, dirs is not 1 or 2, or dk is not 1 to %d",
                        MATRIX_MATCH_MAX_DIM);
    if (!isfinite(t->scale) || !isfinite(t->teacher_scale))
        return VKC_FAIL(VKC_E_ARG, "matrix_match: a scale is not finite");
    if (!c->in[G].rank && (t->dirs != 1 || c->in[STEP].rank))
        return VKC_FAIL(VKC_E_ARG, "matrix_match: without decays there is one direction, and no step");
    VKC_TRY(check_inputs(c));
    const struct matrix_match_args a = make_args(c);
    const size_t R = c->in[Q].dim[0], S = (size_t) t->heads * t->dirs;
    const uint64_t entries = (uint64_t) a.images * a.heads * a.cap_tokens * a.cap_tokens;
    const uint64_t rounds = ((uint64_t) a.cap_tokens / MATRIX_MATCH_WG + 1) *
                            (2 * (t->dirs * t->dk + a.head_dim) + MATRIX_MATCH_WG * t->dirs);
    if (rounds > NN_MAX_ROUNDS)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "matrix_match: images of %u tokens; with %u channels a head there can be "
                        "about %llu", a.cap_tokens, t->dk,
                        (unsigned long long) (NN_MAX_ROUNDS * (uint64_t) a.cap_tokens / rounds));
    if (R * S * t->dk > UINT32_MAX || (t->map && entries > UINT32_MAX))
        return VKC_FAIL(VKC_E_ARG, "matrix_match: more than 2^32 numbers; a smaller batch has fewer");
    c->out[0] = (nn_shape) { 1, { 1 } };
    c->out[1] = (nn_shape) { 1, { a.images * a.heads } };
    c->out[2] = (nn_shape) { 2, { c->in[Q].dim[0], 2 * a.heads } };
    if (t->map)
        c->out[3] = (nn_shape) { 3, { a.images * a.heads, a.cap_tokens, a.cap_tokens } };
    c->out_rows[0] = c->out_rows[1] = c->out_rows[3] = NULL;
    c->out_rows[2] = c->in_rows[Q];
    c->scratch_fwd[CUM] = c->scratch_bwd[CUM] = 2 * R * S * (a.width ? a.width : 1) * sizeof(float);
    c->scratch_fwd[SQ] = R * a.heads * sizeof(float);
    c->scratch_bwd[PART] = R * S * t->dk * sizeof(float);
    c->scratch_bwd[DCUM] = R * S * (a.width ? a.width : 1) * sizeof(float);
    c->scratch_bwd[DSTEP] = R * S * sizeof(float);
done:
    return st;
}

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static vkc_status sum_decays(nn_run *r, const struct matrix_match_args *a)
{
    return !a->width ? VKC_OK : NN_DISPATCH(r, matrix_match_cum, a, .wg = NN_ROW_WG,
        .groups = { ceil_div(a->heads * a->dirs * a->width, NN_ROW_WG), 1, a->images },
        .bind = { ROWS_IN(Q), IN(G), SCRATCH(CUM) });
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct matrix_match_args a = make_args(c);
    vkc_status st;
    VKC_TRY(sum_decays(r, &a));
    VKC_TRY(NN_DISPATCH(r, matrix_match_fwd, &a, .wg = MATRIX_MATCH_WG, .groups = { a.cap_tokens, a.heads, a.images },
        .bind = { ROWS_IN(Q), IN(Q), IN(K), IN(QKV), IN(LSE), SCRATCH(CUM), IN(STEP), OUT(2), SCRATCH(SQ),
                  a.has_map ? OUT(3) : SCRATCH(CUM) }));
    VKC_TRY(NN_DISPATCH(r, matrix_match_norm, &a, .wg = NN_ROW_WG,
        .groups = { ceil_div(a.images * a.heads, NN_ROW_WG) }, .bind = { ROWS_IN(Q), SCRATCH(SQ), OUT(1) }));
    VKC_TRY(NN_DISPATCH(r, matrix_match_mean, &a, .wg = NN_ROW_WG, .bind = { ROWS_IN(Q), OUT(1), OUT(0) }));
done:
    return st;
}

// Parts of all streams into the columns of input i.
static vkc_status add_columns(nn_run *r, const nn_call *c, int i, uint8_t part)
{
    const struct matrix_match_attr *t = attr_of(c);
    const struct chunk_cols to = cols_of(c, i);
    struct gated_scan_sum_args b = {
        .to = to, .heads = t->heads, .dirs = t->dirs, .streams = t->heads * t->dirs, .slices = 1,
        .width = width_of(c, i), .heads_to = to.head ? t->heads : 1, .dirs_to = to.dir_ ? t->dirs : 1,
    };
    return !nn_is_wanted(r, DIN(i)) ? VKC_OK : NN_DISPATCH(r, gated_scan_sum, &b, .wg = NN_ROW_WG,
        .tile_rows = GATED_SCAN_SUM_ROWS, .rows = ROWS_IN(Q), .bind = { ROWS_IN(Q), part, (uint8_t) DIN(i) });
}

static vkc_status bwd_rows(nn_run *r, const nn_call *c, const struct matrix_match_args *a, uint32_t is_keys)
{
    vkc_status st = NN_DISPATCH(r, matrix_match_bwd, a, .wg = MATRIX_MATCH_WG, .spec = { is_keys },
        .groups = { a->cap_tokens, a->heads, a->images },
        .bind = { ROWS_IN(Q), IN(Q), IN(K), IN(QKV), IN(LSE), SCRATCH(CUM), IN(STEP), OUT(2), OUT(1), DOUT(0),
                  SCRATCH(PART), SCRATCH(DCUM), SCRATCH(DSTEP) });
    return st == VKC_OK ? add_columns(r, c, is_keys ? K : Q, SCRATCH(PART)) : st;
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const struct matrix_match_args a = make_args(c);
    vkc_status st;
    VKC_TRY(sum_decays(r, &a));
    VKC_TRY(bwd_rows(r, c, &a, 0));
    VKC_TRY(bwd_rows(r, c, &a, 1));
    if (a.width && nn_is_wanted(r, DIN(G))) {
        VKC_TRY(NN_DISPATCH(r, matrix_match_decay, &a, .wg = NN_ROW_WG,
            .groups = { ceil_div(a.heads * a.dirs * a.width, NN_ROW_WG), 1, a.images },
            .bind = { ROWS_IN(Q), SCRATCH(DCUM) }));
        VKC_TRY(add_columns(r, c, G, SCRATCH(DCUM)));
    }
    if (a.has_step)
        VKC_TRY(add_columns(r, c, STEP, SCRATCH(DSTEP)));
done:
    return st;
}

// ---- the definition, in double

// A row's columns of a stream.
static const double *at(const double *x, const struct chunk_cols *cols, size_t row, size_t h, size_t dir)
{
    return x + row * cols->ld + cols->col0 + h * cols->head + dir * cols->dir_;
}

// The matrix (n, n) of the rows r0 .. r0 + n and head h, direction after direction: each row of a recurrence starts at
// the query and walks back, adding up the decays on its way.
static void ref_matrix(const struct matrix_match_args *a, const double *const *in, size_t r0, size_t n, size_t h,
                       double *gone, double *m)
{
    for (size_t i = 0; i < n; i++)
        for (size_t dir = 0; dir < a->dirs; dir++) {
            memset(gone, 0, a->dk * sizeof *gone);
            for (size_t u = 0; u < n; u++) {            // keys from the query on, against the order of the stream
                const size_t j = a->width ? dir ? i + u : i - u : u;
                if (j >= n)                             // below 0, too
                    break;
                const double *q = at(in[Q], &a->q, r0 + i, h, dir), *k = at(in[K], &a->k, r0 + j, h, dir);
                const double step = a->has_step ? *at(in[STEP], &a->step, r0 + j, h, dir) : 1;
                for (size_t c = 0; c < a->dk; c++)
                    m[i * n + j] += (double) a->scale / (double) a->dirs * step * q[c] * k[c] * exp(gone[c]);
                for (size_t c = 0; c < a->dk && a->width; c++)
                    gone[c] += at(in[G], &a->g, r0 + j, h, dir)[a->width > 1 ? c : 0];
            }
        }
}

// Distance of one head of one image, and what is kept of its rows; `stride` of out[2].
static double ref_head(const struct matrix_match_args *a, const double *const *in, size_t r0, size_t n, size_t h,
                       double *m, double *stats)
{
    const size_t D = a->head_dim, C = a->heads * D;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double norm = 0, dot_m = 0;
        for (size_t j = 0; j < n; j++)
            norm += m[i * n + j];
        norm = a->width ? 1 : fmax(norm, (double) MATRIX_MATCH_EPS);
        for (size_t j = 0; j < n; j++) {
            double s = 0;
            for (size_t d = 0; d < D; d++)
                s += in[QKV][(r0 + i) * 3 * C + h * D + d] * in[QKV][(r0 + j) * 3 * C + C + h * D + d];
            m[i * n + j] /= norm;
            const double d = m[i * n + j] - exp((double) a->teacher_scale * s - in[LSE][(r0 + i) * a->heads + h]);
            sum += d * d;
            dot_m += d * m[i * n + j];
        }
        stats[((r0 + i) * a->heads + h) * 2] = norm;
        stats[((r0 + i) * a->heads + h) * 2 + 1] = dot_m;
    }
    return sqrt(sum);
}

static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct matrix_match_args a = make_args(c);
    const nn_rows *rows = c->in_rows[Q];
    const size_t T = a.cap_tokens;
    double *m = malloc((T * T + a.dk) * sizeof *m);
    if (!m)
        return;
    out[0][0] = 0;
    memset(out[1], 0, nn_shape_len(&c->out[1]) * sizeof(double));
    if (a.has_map)
        memset(out[3], 0, nn_shape_len(&c->out[3]) * sizeof(double));
    for (size_t b = 0; b < rows->n_images; b++)
        for (size_t h = 0; h < a.heads; h++) {
            const size_t r0 = rows->offsets[b], n = rows->offsets[b + 1] - r0;
            memset(m, 0, T * T * sizeof *m);
            ref_matrix(&a, in, r0, n, h, m + T * T, m);
            out[1][b * a.heads + h] = ref_head(&a, in, r0, n, h, m, out[2]);
            out[0][0] += out[1][b * a.heads + h] / (double) (rows->n_images * a.heads);
            for (size_t i = 0; i < n && a.has_map; i++)
                memcpy(out[3] + ((b * a.heads + h) * T + i) * T, m + i * n, n * sizeof *m);
        }
    free(m);
}

static uint64_t macs(const nn_call *c)
{
    const struct matrix_match_args a = make_args(c);
    return (uint64_t) c->in[Q].dim[0] * a.cap_tokens * a.heads * (a.dk + a.head_dim);
}

const nn_op nn_op_matrix_match = {
    .name = "matrix_match", .n_in = 6, .n_out = 4, .n_opt = 2,
    .keep = BIT(IN(Q)) | BIT(IN(K)) | BIT(IN(QKV)) | BIT(IN(LSE)) | BIT(IN(G)) | BIT(IN(STEP)) | BIT(OUT(1)) |
            BIT(OUT(2)),
    .grad = BIT(IN(Q)) | BIT(IN(K)) | BIT(IN(G)) | BIT(IN(STEP)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
