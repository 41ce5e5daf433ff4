// delta_scan.c — the gated delta rule inside each image, all heads and directions at once.
//   in:  q (R, Wq)   k (R, Wk)   v (R, Wv)   g (R, Wg)   beta (R, Wb)   start (cap_images heads dirs, dk, dv) or none
//   out: o (R, heads dirs dv)    last (cap_images heads dirs, dk, dv), with attr.carry
// Chunked, or (forward alone) token after token, each in two forms: SIMD, and one invocation a column.
// nn/graph/choose/choose.h says which. Backward keeps the inputs alone and makes the states again, always by chunks.
// Streams go in groups whose private memory fits LAUNCH_BYTES an array.
#include "nn/graph/choose/choose.h"
#include "shaders/scan/delta/delta_scan.h"
#include "shaders/scan/gated/gated_scan.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

#define LAUNCH_BYTES ((size_t) 65 << 20)   // of one private array; two streams of 64 x 64 and 16,384 tokens

enum { Q, K, V, G, BETA, START };

typedef struct group { uint32_t first, n; } group;                  // streams of a launch
typedef struct field { uint32_t col0, head, dir, width; } field;    // where a stream finds its columns

static void fields(const struct delta_scan_attr *t, field f[5])
{
    f[Q] = (field) { t->q_col0, t->q_head, t->q_dir, t->dk };
    f[K] = (field) { t->k_col0, t->k_head, t->k_dir, t->dk };
    f[V] = (field) { t->v_col0, t->v_head, t->v_dir, t->dv };
    f[G] = (field) { t->g_col0, t->g_head, t->g_dir, 1 };
    f[BETA] = (field) { t->beta_col0, t->beta_head, t->beta_dir, 1 };
}

// Columns of a stream, counted from the field's first.
static uint64_t column(const struct delta_scan_attr *t, const field *f, uint32_t s)
{
    return (uint64_t) (s / t->dirs) * f->head + (uint64_t) (s % t->dirs) * f->dir;
}

static uint32_t streams_of(const nn_call *c)
{
    return NN_ATTR(c, delta_scan)->heads * NN_ATTR(c, delta_scan)->dirs;
}

static uint32_t chunk_of(const nn_call *c)
{
    return nn_choose_scan(c, &nn_op_delta_scan, NN_ATTR(c, delta_scan)->chunk).rows;
}

static uint32_t chunks_of(const nn_call *c)     // of an image, at capacity
{
    return (c->in_rows[0]->cap_tokens + chunk_of(c) - 1) / chunk_of(c);
}

// Bytes that a stream takes of the private memory, array by array.
static void bytes_of(const nn_call *c, bool backward, size_t bytes[4])
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    size_t tokens = (size_t) c->in[0].dim[0] * sizeof(float), chunk = chunk_of(c);
    size_t states = (size_t) c->in_rows[0]->cap_images * chunks_of(c) * t->dk * sizeof(float);
    bytes[0] = tokens * t->dk * (backward ? 3 : 1);
    bytes[1] = tokens * t->dv * (backward ? 3 : 1);
    bytes[2] = states * (backward ? 2 * t->dv + 1 : t->dv);
    bytes[3] = tokens * (backward ? 10 + 6 * chunk : 4 + 2 * chunk);
}

// Streams of a launch, at most.
static uint32_t group_of(const nn_call *c, bool backward)
{
    size_t bytes[4], most = 1;
    bytes_of(c, backward, bytes);
    for (int i = 0; i < 4; i++)
        most = bytes[i] > most ? bytes[i] : most;
    size_t n = LAUNCH_BYTES / most < streams_of(c) ? LAUNCH_BYTES / most : streams_of(c);
    const uint32_t limit = nn_choose_scan(c, &nn_op_delta_scan, 0).group;
    return n == 0 ? 1 : n < limit ? (uint32_t) n : limit;
}

static struct delta_scan_args make_args(const nn_call *c, group g)
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    return (struct delta_scan_args) {
        .heads = t->heads, .dirs = t->dirs, .stream0 = g.first, .streams = g.n, .chunks = chunks_of(c),
        .rows = c->in[0].dim[0],
        .scale = t->scale != 0 ? t->scale : 1, .has_start = c->in[START].rank != 0, .carry = t->carry,
        .q_ld = c->in[Q].dim[1], .q_col0 = t->q_col0, .q_head = t->q_head, .q_dir = t->q_dir,
        .k_ld = c->in[K].dim[1], .k_col0 = t->k_col0, .k_head = t->k_head, .k_dir = t->k_dir,
        .v_ld = c->in[V].dim[1], .v_col0 = t->v_col0, .v_head = t->v_head, .v_dir = t->v_dir,
        .g_ld = c->in[G].dim[1], .g_col0 = t->g_col0, .g_head = t->g_head, .g_dir = t->g_dir,
        .beta_ld = c->in[BETA].dim[1], .beta_col0 = t->beta_col0, .beta_head = t->beta_head, .beta_dir = t->beta_dir,
    };
}

// Streams share columns wholly or not at all, and all columns are there.
static vkc_status check_field(const nn_call *c, int i)
{
    static const char *const names[] = { "q", "k", "v", "g", "beta" };
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    field f[5];
    fields(t, f);
    uint64_t end = 0;
    for (uint32_t s = 0; s < streams_of(c); s++) {
        uint64_t at = column(t, &f[i], s);
        end = at + f[i].width > end ? at + f[i].width : end;
        for (uint32_t o = 0; o < s; o++) {
            uint64_t other = column(t, &f[i], o), gap = at > other ? at - other : other - at;
            if (gap && gap < f[i].width)
                return VKC_FAIL(VKC_E_ARG, "delta_scan: %s of streams %u and %u overlap: strides are 0 or at least %u",
                                names[i], o, s, f[i].width);
        }
    }
    if (c->in[i].rank != 2 || !c->in_rows[i] || c->in_rows[i] != c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "delta_scan: %s is not packed by the layout of q", names[i]);
    if (f[i].col0 + end > c->in[i].dim[1])
        return VKC_FAIL(VKC_E_ARG, "delta_scan: %s has no columns %u to %llu, only %u", names[i], f[i].col0,
                        (unsigned long long) (f[i].col0 + end), c->in[i].dim[1]);
    return VKC_OK;
}

static vkc_status infer(nn_call *c)
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    if (!t || !t->heads || (t->dirs != 1 && t->dirs != 2))
        return VKC_FAIL(VKC_E_ARG, "delta_scan: wants heads, and 1 or 2 directions");
    if (!t->dk || !t->dv || t->dk > DELTA_SCAN_MAX_DIM || t->dv > DELTA_SCAN_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "delta_scan: a state of %u x %u, want 1 to %d each", t->dk, t->dv,
                        DELTA_SCAN_MAX_DIM);
    if (t->chunk != 0 && t->chunk != 16 && t->chunk != 32 && t->chunk != 64)
        return VKC_FAIL(VKC_E_ARG, "delta_scan: a chunk of %u tokens, want 16, 32 or 64", t->chunk);
    for (int i = 0; i < 5; i++) {
        vkc_status st = check_field(c, i);
        if (st != VKC_OK)
            return st;
    }
    const nn_rows *rows = c->in_rows[0];
    nn_shape state = { 3, { rows->cap_images * streams_of(c), t->dk, t->dv } };
    if (c->in[START].rank && !nn_shape_is(&c->in[START], 3, state.dim))
        return VKC_FAIL(VKC_E_ARG, "delta_scan: start is not (%u, %u, %u)", state.dim[0], t->dk, t->dv);
    c->out[0] = (nn_shape) { 2, { c->in[0].dim[0], streams_of(c) * t->dv } };
    c->out_rows[0] = c->in_rows[0];
    c->out[1] = t->carry ? state : (nn_shape) { 0 };
    c->out_rows[1] = NULL;
    bytes_of(c, false, c->scratch_fwd);
    bytes_of(c, true, c->scratch_bwd);
    for (int i = 0; i < 4; i++) {
        c->scratch_fwd[i] *= group_of(c, false);
        c->scratch_bwd[i] *= group_of(c, true);
    }
    return VKC_OK;
}

// A kernel over `cols` columns; what the SIMD form reads as vec4 are q, k, v, o and private memory.
static nn_choice choose(const nn_call *c, uint32_t cols, bool is_plain)
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    uint32_t odd = t->dk | t->dv | c->in[Q].dim[1] | c->in[K].dim[1] | c->in[V].dim[1];
    size_t most = nn_shape_len(&c->out[0]);
    field f[5];
    fields(t, f);
    for (int i = 0; i < 3; i++) {
        odd |= f[i].col0 | f[i].head | f[i].dir;
        most = nn_shape_len(&c->in[i]) > most ? nn_shape_len(&c->in[i]) : most;
    }
    for (int i = 0; i < 4; i++)
        most = c->scratch_bwd[i] / 4 > most ? c->scratch_bwd[i] / 4 : most;
    return nn_choose(c, &(nn_problem) { .op = &nn_op_delta_scan, .odd = odd, .len = most, .cols = cols,
                                        .is_plain = is_plain });
}

// Where a kernel's groups lie: along x tiles of an image's chunks, y the streams, z the images.
typedef enum { BY_CHUNK, BY_TOKEN, BY_TILE, BY_COLUMN, BY_IMAGE } grid;

static vkc_status launch(nn_run *r, const nn_call *c, group g, const vkc_shader *plain, const vkc_shader *simd,
                         grid by, uint32_t cols, const uint8_t bind[9])
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    struct delta_scan_args a = make_args(c, g);
    a.carry = memchr(bind, OUT(1), 9) != NULL;          // forward only: backward finds that memory in other use
    const nn_choice o = choose(c, cols, simd == NULL);
    const bool is_simd = o.form == NN_FORM_SIMD;
    uint32_t wg = o.wg, each = is_simd ? 4 * wg : wg, rows = 8, blocks = (cols + each - 1) / each;
    if (by == BY_COLUMN && cols == t->dk + t->dv)       // W and U, in blocks of their own
        blocks = (t->dk + each - 1) / each + (t->dv + each - 1) / each;
    nn_kernel_use use = {
        .shader = is_simd ? simd : plain, .args = &a, .args_size = sizeof a, .wg = wg,
        .spec = { t->dk, t->dv, chunk_of(c), is_simd ? wg : 0 },
        .groups = { by == BY_CHUNK ? (a.chunks + wg - 1) / wg
                  : by == BY_TOKEN ? a.chunks * ((chunk_of(c) + wg - 1) / wg)
                  : by == BY_TILE ? a.chunks * (chunk_of(c) / rows) * blocks
                  : by == BY_COLUMN ? a.chunks * blocks : blocks, g.n, c->in_rows[0]->cap_images },
    };
    for (int i = 0; i < 3; i++)
        if (use.groups[i] > c->dev->max_groups[i])
            return VKC_FAIL(VKC_E_UNSUPPORTED, "delta_scan: %u groups along axis %d, this device takes %u",
                            use.groups[i], i, c->dev->max_groups[i]);
    memcpy(use.bind, bind, 9);
    return nn_dispatch(r, &use);
}
#define LAUNCH(name, by, cols, ...) VKC_TRY(launch(r, c, g, &vkc_shader_delta_scan_##name, \
    &vkc_shader_delta_scan_simd_##name, (by), (cols), (const uint8_t[9]) { ROWS_IN(0), __VA_ARGS__ }))
#define LAUNCH_PLAIN(name, by, cols, ...) VKC_TRY(launch(r, c, g, &vkc_shader_delta_scan_##name, NULL, (by), (cols), \
    (const uint8_t[9]) { ROWS_IN(0), __VA_ARGS__ }))

// Gates, products, W, U and the states before each chunk: what forward and backward both need.
static vkc_status record_states(nn_run *r, const nn_call *c, group g, int start, int last)
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    vkc_status st;
    LAUNCH_PLAIN(gates, BY_CHUNK, 1, IN(G), IN(BETA), SCRATCH(3));
    LAUNCH(pairs, BY_TILE, chunk_of(c), IN(Q), IN(K), SCRATCH(3), SCRATCH(3));
    LAUNCH(solve, BY_COLUMN, t->dk + t->dv, IN(K), IN(V), SCRATCH(3), SCRATCH(0), SCRATCH(1));
    LAUNCH(state, BY_IMAGE, t->dv, IN(K), SCRATCH(0), SCRATCH(3), SCRATCH(1), SCRATCH(1), SCRATCH(2),
           (uint8_t) start, (uint8_t) last);
done:
    return st;
}

static vkc_status fwd_group(nn_run *r, const nn_call *c, group g)
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    const int last = t->carry ? OUT(1) : SCRATCH(0);    // any memory will do when nothing is written
    vkc_status st;
    if (choose(c, t->dv, false).order == NN_ORDER_SERIAL) {
        LAUNCH_PLAIN(gates, BY_CHUNK, 1, IN(G), IN(BETA), SCRATCH(3));
        LAUNCH(serial, BY_IMAGE, t->dv, IN(Q), IN(K), IN(V), SCRATCH(3), IN(START), OUT(0),
               (uint8_t) last);
        return VKC_OK;
    }
    VKC_TRY(record_states(r, c, g, IN(START), last));
    LAUNCH(out, BY_TILE, t->dv, IN(Q), SCRATCH(1), SCRATCH(3), SCRATCH(2), OUT(0));
done:
    return st;
}

// d in[i] += what the streams have left at float `from` of scratch memory `slot`.
static vkc_status add(nn_run *r, const nn_call *c, group g, int i, int slot, size_t from)
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    field f[5];
    fields(t, f);
    if (!nn_is_wanted(r, DIN(i)))
        return VKC_OK;
    const bool is_simd = choose(c, f[i].width, false).form == NN_FORM_SIMD;
    struct gated_scan_sum_args a = {
        .to = { f[i].col0, f[i].head, f[i].dir, c->in[i].dim[1] }, .heads = t->heads, .dirs = t->dirs,
        .stream0 = g.first, .streams = g.n, .slices = 1, .width = f[i].width, .at = (uint32_t) from,
        .heads_to = f[i].head ? t->heads : 1, .dirs_to = f[i].dir ? t->dirs : 1,
    };
    nn_kernel_use use = {
        .shader = is_simd && a.width % 4 == 0 ? &vkc_shader_gated_scan_simd_sum : &vkc_shader_gated_scan_sum,
        .args = &a, .args_size = sizeof a, .wg = a.heads_to * a.dirs_to * a.width <= 8 ? 8 : 64,
        .tile_rows = GATED_SCAN_SUM_ROWS, .rows = ROWS_IN(0), .bind = { ROWS_IN(0), (uint8_t) slot, (uint8_t) DIN(i) },
    };
    return nn_dispatch(r, &use);
}

static vkc_status bwd_group(nn_run *r, const nn_call *c, group g)
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    const size_t tokens = (size_t) c->in[0].dim[0] * g.n, chunk = chunk_of(c);
    vkc_status st;
    VKC_TRY(record_states(r, c, g, IN(START), SCRATCH(0)));
    LAUNCH(local, BY_TILE, t->dv, DOUT(0), SCRATCH(3), SCRATCH(1));
    LAUNCH(dstate, BY_IMAGE, t->dv, IN(K), SCRATCH(0), SCRATCH(3), SCRATCH(1), SCRATCH(1), SCRATCH(2), IN(Q), DOUT(0));
    LAUNCH(dsolve, BY_COLUMN, t->dv, SCRATCH(3), SCRATCH(1), SCRATCH(1));
    LAUNCH(dpairs, BY_TILE, chunk_of(c), DOUT(0), SCRATCH(1), SCRATCH(3), SCRATCH(3));
    LAUNCH(dread, BY_TILE, t->dk, DOUT(0), SCRATCH(1), SCRATCH(3), SCRATCH(2), SCRATCH(0), SCRATCH(2));
    LAUNCH(rows, BY_TOKEN, chunk_of(c), IN(Q), IN(K), IN(V), SCRATCH(1), SCRATCH(0), SCRATCH(2), SCRATCH(3));
    LAUNCH_PLAIN(dgates, BY_TOKEN, chunk_of(c), SCRATCH(3));
    LAUNCH(grads, BY_TILE, t->dk, IN(Q), IN(K), SCRATCH(3), SCRATCH(0), SCRATCH(0));
    VKC_TRY(add(r, c, g, Q, SCRATCH(0), 0));
    VKC_TRY(add(r, c, g, K, SCRATCH(0), tokens * t->dk));
    VKC_TRY(add(r, c, g, V, SCRATCH(1), 2 * tokens * t->dv));
    VKC_TRY(add(r, c, g, BETA, SCRATCH(3), tokens * (8 + 6 * chunk)));
    VKC_TRY(add(r, c, g, G, SCRATCH(3), tokens * (9 + 6 * chunk)));
done:
    return st;
}

static vkc_status by_group(nn_run *r, const nn_call *c, bool backward)
{
    const uint32_t all = streams_of(c), each = group_of(c, backward);
    for (uint32_t s = 0; s < all; s += each) {
        const group g = { s, all - s < each ? all - s : each };
        vkc_status st = backward ? bwd_group(r, c, g) : fwd_group(r, c, g);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    return by_group(r, c, false);
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    return by_group(r, c, true);
}

// One stream of one image, token after token; S (dk, dv) is the state to start from, then the last one.
static void ref_stream(const nn_call *c, const double *const *in, double *o, double *S, uint32_t b, uint32_t s)
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    const nn_rows *rows = c->in_rows[0];
    const size_t dk = t->dk, dv = t->dv, n = rows->offsets[b + 1] - rows->offsets[b];
    const double scale = t->scale != 0 ? (double) t->scale : 1;
    field f[5];
    fields(t, f);
    for (size_t i = 0; i < n; i++) {
        size_t r = rows->offsets[b] + (s % t->dirs ? n - 1 - i : i);
        const double *x[5];
        for (int m = 0; m < 5; m++)
            x[m] = in[m] + r * c->in[m].dim[1] + f[m].col0 + column(t, &f[m], s);
        double decay = exp(*x[G]), *y = o + (r * streams_of(c) + s) * dv;
        for (size_t j = 0; j < dv; j++) {
            double u = 0;
            for (size_t d = 0; d < dk; d++) {
                S[d * dv + j] *= decay;
                u += S[d * dv + j] * x[K][d];
            }
            u = *x[BETA] * (x[V][j] - u);
            y[j] = 0;
            for (size_t d = 0; d < dk; d++) {
                S[d * dv + j] += x[K][d] * u;
                y[j] += scale * S[d * dv + j] * x[Q][d];
            }
        }
    }
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    const nn_rows *rows = c->in_rows[0];
    const size_t len = (size_t) t->dk * t->dv;
    static double own[DELTA_SCAN_MAX_DIM * DELTA_SCAN_MAX_DIM];
    for (uint32_t b = 0; b < rows->cap_images; b++)
        for (uint32_t s = 0; s < streams_of(c); s++) {
            size_t at = ((size_t) b * streams_of(c) + s) * len;
            double *S = t->carry ? out[1] + at : own;
            for (size_t i = 0; i < len; i++)
                S[i] = c->in[START].rank ? in[START][at + i] : 0;
            if (b < rows->n_images)
                ref_stream(c, in, out[0], S, b, s);
        }
}

// Three products of the state with each token: what its key reads, what is written, what the query reads. Chunks are a
// way to get there, chosen by device, and do not count.
static uint64_t macs(const nn_call *c)
{
    const struct delta_scan_attr *t = NN_ATTR(c, delta_scan);
    return 3ull * c->in[0].dim[0] * streams_of(c) * t->dk * t->dv;
}

const nn_op nn_op_delta_scan = {
    .name = "delta_scan", .n_in = 6, .n_out = 2, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)) | BIT(IN(3)) | BIT(IN(4)) | BIT(IN(5)),
    .grad = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)) | BIT(IN(3)) | BIT(IN(4)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
