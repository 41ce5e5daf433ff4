// gated_scan.c — the gated linear recurrence over an image's rows, all heads and directions at once.
//   in:  q (R, Wq)   k (R, Wk)   v (R, Wv)   g (R, Wg)   step (R, Ws), optional
//        start (cap_images heads dirs, dk, dv), optional, without gradient
//   out: o (R, heads dirs dv)   last (cap_images heads dirs, dk, dv), with carry only
// States before the chunks: split (what each chunk adds, then a pass over chunks), fused (a workgroup walks the
// chunks) or serial (fused, chunks of one row); then outputs, all chunks at once. Kernels: SIMD where sizes fit, and
// plain ones. nn/graph/choose/choose.h says which. Streams go in groups whose states fit LAUNCH_BYTES.
#include "nn/graph/rowwise.h"
#include "shaders/scan/gated/gated_scan.h"
#include "spv/shaders.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LAUNCH_BYTES ((size_t) 64 << 20)   // of states or parts that one launch may need: streams go in groups

typedef struct plan {              // how one call runs
    bool     fused, simd;
    uint32_t rows;                 // of a chunk
    uint32_t chunks;               // of the longest image
    uint32_t streams, group;       // all, and those of one launch
    uint32_t wg_k, slices_k;       // over channels of k: workgroup size, workgroups of a stream
    uint32_t wg_v, slices_v;       // over channels of v
    uint32_t own;                  // SIMD form: vec4 of channels of v that a lane owns
} plan;

enum { Q, K, V, G, STEP, START, N_IN };

static const struct gated_scan_attr *attr_of(const nn_call *c)
{
    return NN_ATTR(c, gated_scan);
}

static struct chunk_cols cols_of(const nn_call *c, int i)
{
    const struct gated_scan_attr *t = attr_of(c);
    const U32 *f[] = { &t->q_col0, &t->k_col0, &t->v_col0, &t->g_col0, &t->step_col0 };
    return (struct chunk_cols) { f[i][0], f[i][1], f[i][2], c->in[i].dim[1] };
}

static uint32_t width_of(const nn_call *c, int i)
{
    const struct gated_scan_attr *t = attr_of(c);
    const uint32_t width[] = { t->dk, t->dk, t->dv, t->channels ? t->dk : 1, 1 };
    return width[i];
}

// Distinct columns along heads and directions: a stride of 0 shares them.
static uint32_t heads_to(const nn_call *c, int i)
{
    return cols_of(c, i).head ? attr_of(c)->heads : 1;
}

static uint32_t dirs_to(const nn_call *c, int i)
{
    return cols_of(c, i).dir_ ? attr_of(c)->dirs : 1;
}

static bool is_shared(const nn_call *c, int i)
{
    return heads_to(c, i) < attr_of(c)->heads || dirs_to(c, i) < attr_of(c)->dirs;
}

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

// The kernels, once the frame of the scan is known: what the SIMD form reads as vec4 are tensors and states.
static nn_choice choose(const nn_call *c, const plan *p, nn_order order)
{
    const struct gated_scan_attr *t = attr_of(c);
    size_t most = (size_t) c->in_rows[0]->cap_images * p->chunks * p->group * t->dk * t->dv;
    uint32_t odd = t->dk | t->dv;
    for (int i = 0; i <= START; i++) {
        const size_t len = nn_shape_len(&c->in[i]);
        most = len > most ? len : most;
        if (i <= V || (i == G && t->channels)) {
            const struct chunk_cols x = cols_of(c, i);
            odd |= x.col0 | x.head | x.dir_ | x.ld;
        }
    }
    most = nn_shape_len(&c->out[0]) > most ? nn_shape_len(&c->out[0]) : most;
    return nn_choose(c, &(nn_problem) { .op = &nn_op_gated_scan, .odd = odd, .len = most, .dim = t->dk,
                                        .features = t->dv, .chunk = p->rows, .order = order });
}

// Of the loops of an invocation of gated_scan_state.comp, fused.
static uint64_t fused_rounds(const nn_call *c, const plan *p)
{
    const uint32_t piece = GATED_SCAN_PIECE, block = GATED_SCAN_BLOCK;
    const uint64_t of_piece = 1 + ceil_div(piece * block, p->wg_v) + piece;
    return ceil_div(attr_of(c)->dk, block) * (uint64_t) p->chunks *
           (1 + p->rows + ceil_div(p->rows, piece) * of_piece);
}

static plan make_plan(const nn_call *c)
{
    const struct gated_scan_attr *t = attr_of(c);
    const nn_rows *rows = c->in_rows[0];
    const nn_scan s = nn_choose_scan(c, &nn_op_gated_scan, t->chunk);
    plan p = { .streams = t->heads * t->dirs, .rows = s.rows, .fused = s.order == NN_ORDER_FUSED };
    p.chunks = ceil_div(rows->cap_tokens, p.rows);
    size_t states = (size_t) rows->cap_images * p.chunks * t->dk * t->dv * sizeof(float);
    size_t parts = (size_t) c->in[Q].dim[0] * (3 * t->dk + t->dv) * sizeof(float);
    size_t each = states > parts ? states : parts, most = p.streams;
    most = least(most, LAUNCH_BYTES / each);
    if (p.fused)                   // the SIMD form reads states as texels
        most = least(most, (size_t) c->dev->max_texels * 4 * sizeof(float) / states);
    p.group = most > 0 ? (uint32_t) least(most, s.group) : 1;
    const nn_choice o = choose(c, &p, s.order);
    p.simd = o.form == NN_FORM_SIMD;
    p.wg_k = o.wg, p.wg_v = o.wg_v, p.own = o.own;
    if (!p.simd && fused_rounds(c, &p) > NN_SAFE_ROUNDS)
        p.fused = false;
    p.slices_k = ceil_div(t->dk, p.simd ? 4 * p.wg_k : p.wg_k);
    p.slices_v = ceil_div(t->dv, p.simd ? 4 * p.wg_v * p.own : p.wg_v);
    return p;
}

static size_t states_bytes(const nn_call *c, const plan *p)
{
    return (size_t) c->in_rows[0]->cap_images * p->chunks * p->group * attr_of(c)->dk * attr_of(c)->dv * sizeof(float);
}

// Parts of dq | dk | dg | dstep; later of dv, in their place.
static size_t parts_len(const nn_call *c, const plan *p)
{
    const struct gated_scan_attr *t = attr_of(c);
    size_t first = 2 * t->dk + (t->channels ? t->dk : p->slices_k) + (c->in[STEP].rank ? p->slices_k : 0);
    return (size_t) c->in[Q].dim[0] * p->group * (first > t->dv ? first : t->dv);
}

static vkc_status check_cols(const nn_call *c, int i)
{
    static const char *const name[] = { "q", "k", "v", "g", "step" };
    const struct chunk_cols x = cols_of(c, i);
    const uint32_t H = heads_to(c, i), D = dirs_to(c, i), width = width_of(c, i);
    if (c->in[i].rank != 2 || c->in[i].dim[0] != c->in[0].dim[0] || !c->in_rows[i] || c->in_rows[i] != c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "gated_scan: %s is not packed (R, columns) like q", name[i]);
    uint64_t end = x.col0 + (uint64_t) (H - 1) * x.head + (uint64_t) (D - 1) * x.dir_ + width;
    if (end > x.ld)
        return VKC_FAIL(VKC_E_ARG, "gated_scan: %s has %u columns, its streams want %llu", name[i], x.ld,
                        (unsigned long long) end);
    for (uint32_t a = 0; a < H * D; a++)
        for (uint32_t b = 0; b < a; b++) {
            uint32_t at = a / D * x.head + a % D * x.dir_, to = b / D * x.head + b % D * x.dir_;
            if (at < to + width && to < at + width)
                return VKC_FAIL(VKC_E_ARG, "gated_scan: streams overlap in the columns of %s; want strides of 0 or of "
                                "at least %u", name[i], width);
        }
    return VKC_OK;
}

static vkc_status infer(nn_call *c)
{
    const struct gated_scan_attr *t = attr_of(c);
    const nn_rows *rows = c->in_rows[0];
    if (!t || !t->heads || !t->dirs || t->dirs > 2)
        return VKC_FAIL(VKC_E_ARG, "gated_scan: wants heads, and 1 or 2 directions");
    if (!t->dk || !t->dv || t->dk > GATED_SCAN_MAX_DIM || t->dv > GATED_SCAN_MAX_DIM)
        return VKC_FAIL(VKC_E_ARG, "gated_scan: a state of %u x %u; 1 x 1 to %d x %d works", t->dk, t->dv,
                        GATED_SCAN_MAX_DIM, GATED_SCAN_MAX_DIM);
    if (t->chunk && t->chunk != 16 && t->chunk != 32 && t->chunk != 64 && t->chunk != 128)
        return VKC_FAIL(VKC_E_ARG, "gated_scan: chunks of %u rows; 16, 32, 64 and 128 work", t->chunk);
    if (!isfinite(t->scale))
        return VKC_FAIL(VKC_E_ARG, "gated_scan: scale is not finite");
    for (int i = 0; i < START; i++) {
        vkc_status st = i != STEP || c->in[i].rank ? check_cols(c, i) : VKC_OK;
        if (st != VKC_OK)
            return st;
    }
    const nn_shape states = { 3, { rows->cap_images * t->heads * t->dirs, t->dk, t->dv } };
    if (c->in[START].rank && !nn_shape_is(&c->in[START], 3, states.dim))
        return VKC_FAIL(VKC_E_ARG, "gated_scan: start is not (%u, %u, %u)", states.dim[0], t->dk, t->dv);
    c->out[0] = (nn_shape) { 2, { c->in[0].dim[0], t->heads * t->dirs * t->dv } };
    c->out[1] = t->carry ? states : (nn_shape) { 0 };
    c->out_rows[0] = c->in_rows[0];
    c->out_rows[1] = NULL;
    const plan p = make_plan(c);
    const size_t all = states_bytes(c, &p), sums = p.fused ? sizeof(float) : all / t->dv;
    c->scratch_fwd[0] = c->scratch_bwd[0] = all;               // S
    c->scratch_fwd[1] = c->scratch_bwd[1] = sums;              // sums of g
    c->scratch_bwd[2] = all;                                   // dS
    c->scratch_bwd[3] = parts_len(c, &p) * sizeof(float);
    return VKC_OK;
}

static struct gated_scan_args make_args(const nn_call *c, const plan *p, uint32_t stream0)
{
    const struct gated_scan_attr *t = attr_of(c);
    uint32_t left = p->streams - stream0;
    struct gated_scan_args a = {
        .q = cols_of(c, Q), .k = cols_of(c, K), .v = cols_of(c, V), .g = cols_of(c, G),
        .heads = t->heads, .dirs = t->dirs, .stream0 = stream0, .streams = left < p->group ? left : p->group,
        .chunks = p->chunks, .dk = t->dk, .dv = t->dv, .scale = t->scale != 0 ? t->scale : 1,
        .rows = c->in[Q].dim[0], .parts = is_shared(c, V), .carry = t->carry,
    };
    if (c->in[STEP].rank)
        a.step = cols_of(c, STEP);
    return a;
}

// A kernel over (chunks or 1, streams * slices, images).
static vkc_status walk(nn_run *r, const nn_call *c, const plan *p, const vkc_shader *shader, bool over_k, bool reversed,
                       bool fused, struct gated_scan_args a, const uint8_t *bind, size_t n_bind)
{
    a.slices = over_k ? p->slices_k : p->slices_v;
    nn_kernel_use use = {
        .shader = shader, .args = &a, .args_size = sizeof a, .wg = over_k ? p->wg_k : p->wg_v,
        .groups = { fused ? 1 : p->chunks, a.streams * a.slices, c->in_rows[0]->cap_images },
        .spec = { [SPEC_CHUNK_ROWS - 1] = p->rows, [SPEC_CHUNK_REVERSED - 1] = reversed,
                  [SPEC_CHUNK_FUSED - 1] = fused, [SPEC_CHUNK_CHANNELS - 1] = attr_of(c)->channels != 0,
                  [SPEC_CHUNK_STEP - 1] = c->in[STEP].rank != 0,
                  [SPEC_CHUNK_SIMD - 1] = p->simd ? p->wg_k : 0,
                  [SPEC_GATED_SCAN_OWN - 1] = p->simd && !over_k ? p->own : 1,
                  [SPEC_GATED_SCAN_START - 1] = !reversed && c->in[START].rank != 0 },
    };
    if (p->simd && fused)
        use.groups[0] = ceil_div(a.dk, GATED_SCAN_TALL);
    memcpy(use.bind, bind, n_bind);
    return nn_dispatch(r, &use);
}
#define WALK(r, c, p, kernel, over_k, reversed, fused, a, ...) walk((r), (c), (p), &vkc_shader_gated_scan_##kernel, \
    (over_k), (reversed), (fused), (a), (const uint8_t[]) { __VA_ARGS__ }, sizeof((const uint8_t[]) { __VA_ARGS__ }))

// SIMD form: g where it is read as vec4. One number a stream is not, and may be too small for that.
static uint8_t g4_of(const nn_call *c)
{
    return attr_of(c)->channels ? IN(G) : IN(K);
}

// Outputs of all chunks: o, or reversed dv.
static vkc_status outputs(nn_run *r, const nn_call *c, const plan *p, bool reversed, struct gated_scan_args a,
                          uint8_t state, uint8_t to)
{
    const uint8_t x = reversed ? IN(Q) : IN(K), y = reversed ? DOUT(0) : IN(V), z = reversed ? IN(K) : IN(Q);
    if (p->simd)
        return WALK(r, c, p, simd_out, false, reversed, false, a, ROWS_IN(0), x, y, z, g4_of(c), IN(G), IN(STEP),
                    state, to);
    return WALK(r, c, p, out, false, reversed, false, a, ROWS_IN(0), x, y, z, IN(G), IN(STEP), state, to);
}

// The states before all chunks; reversed, those of dS after all chunks. Uses SCRATCH(1).
static vkc_status states(nn_run *r, const nn_call *c, const plan *p, bool reversed, struct gated_scan_args a,
                         uint8_t slot)
{
    const struct gated_scan_attr *t = attr_of(c);
    const uint8_t x = reversed ? IN(Q) : IN(K), y = reversed ? DOUT(0) : IN(V), last = a.carry ? OUT(1) : SCRATCH(1);
    vkc_status st;
    if (p->simd)
        return WALK(r, c, p, simd_state, false, reversed, true, a, ROWS_IN(0), x, y, g4_of(c), IN(G), IN(STEP),
                    IN(START), slot, last);
    st = WALK(r, c, p, state, false, reversed, p->fused, a, ROWS_IN(0), x, y, IN(G), IN(STEP), IN(START), slot,
              SCRATCH(1), last);
    if (st != VKC_OK || p->fused)
        return st;
    struct chunk_pass_args b = {
        .heads = t->heads, .dirs = t->dirs, .stream0 = a.stream0, .streams = a.streams, .chunks = p->chunks,
        .dk = t->dk, .dv = t->dv, .has_start = !reversed && c->in[START].rank, .has_last = a.carry,
    };
    return NN_DISPATCH(r, chunk_pass, &b, .wg = 64,
        .groups = { ceil_div(t->dk * t->dv, 64), a.streams, c->in_rows[0]->cap_images },
        .spec = { [SPEC_CHUNK_ROWS - 1] = p->rows, [SPEC_CHUNK_REVERSED - 1] = reversed,
                  [SPEC_CHUNK_CHANNELS - 1] = t->channels != 0 },
        .bind = { ROWS_IN(0), slot, SCRATCH(1), IN(START), last });
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const plan p = make_plan(c);
    vkc_status st;
    for (uint32_t s = 0; s < p.streams; s += p.group) {
        const struct gated_scan_args a = make_args(c, &p, s);
        VKC_TRY(states(r, c, &p, false, a, SCRATCH(0)));
        VKC_TRY(outputs(r, c, &p, false, a, SCRATCH(0), OUT(0)));
    }
    return VKC_OK;
done:
    return st;
}

// Of a sum, by its columns.
static uint32_t wg_of(uint32_t channels)
{
    return channels <= 8 ? 8 : channels <= 16 ? 16 : channels <= 32 ? 32 : 64;
}

static vkc_status sum_parts(nn_run *r, const nn_call *c, const plan *p, const struct gated_scan_args *a, int i,
                            uint32_t slices, size_t at)
{
    struct gated_scan_sum_args b = {
        .to = cols_of(c, i), .heads = a->heads, .dirs = a->dirs, .stream0 = a->stream0, .streams = a->streams,
        .slices = slices, .width = width_of(c, i), .at = (uint32_t) at, .heads_to = heads_to(c, i),
        .dirs_to = dirs_to(c, i),
    };
    if (!nn_is_wanted(r, DIN(i)))
        return VKC_OK;
    return nn_dispatch(r, &(nn_kernel_use) {
        .shader = p->simd && b.width % 4 == 0 && parts_len(c, p) / 4 <= c->dev->max_texels
                      ? &vkc_shader_gated_scan_simd_sum : &vkc_shader_gated_scan_sum,
        .args = &b, .args_size = sizeof b, .wg = wg_of(b.heads_to * b.dirs_to * b.width),
        .tile_rows = GATED_SCAN_SUM_ROWS, .rows = ROWS_IN(0), .bind = { ROWS_IN(0), SCRATCH(3), (uint8_t) DIN(i) } });
}

static vkc_status bwd_group(nn_run *r, const nn_call *c, const plan *p, struct gated_scan_args a)
{
    const bool wants_v = nn_is_wanted(r, DIN(V));
    bool wants_rest = false;
    for (int i = 0; i < START; i++)
        wants_rest = wants_rest || (i != V && c->in[i].rank && nn_is_wanted(r, DIN(i)));
    const size_t each = (size_t) a.rows * a.streams, parts = each * a.dk;
    const size_t last = 2 * parts + (attr_of(c)->channels ? parts : each * p->slices_k);
    vkc_status st = VKC_OK;
    a.carry = 0;
    if (wants_v || wants_rest)
        VKC_TRY(states(r, c, p, true, a, SCRATCH(2)));
    if (wants_rest) {
        VKC_TRY(states(r, c, p, false, a, SCRATCH(0)));
        if (p->simd)
            VKC_TRY(WALK(r, c, p, simd_bwd, true, false, false, a, ROWS_IN(0), IN(Q), IN(K), IN(V), g4_of(c), IN(G),
                         IN(STEP), DOUT(0), SCRATCH(0), SCRATCH(2), SCRATCH(3), SCRATCH(3)));
        else
            VKC_TRY(WALK(r, c, p, bwd, true, false, false, a, ROWS_IN(0), IN(Q), IN(K), IN(V), IN(G), IN(STEP), DOUT(0),
                         SCRATCH(0), SCRATCH(2), SCRATCH(3)));
        VKC_TRY(sum_parts(r, c, p, &a, Q, 1, 0));
        VKC_TRY(sum_parts(r, c, p, &a, K, 1, parts));
        VKC_TRY(sum_parts(r, c, p, &a, G, attr_of(c)->channels ? 1 : p->slices_k, 2 * parts));
        if (c->in[STEP].rank)
            VKC_TRY(sum_parts(r, c, p, &a, STEP, p->slices_k, last));
    }
    if (!wants_v)
        return VKC_OK;
    VKC_TRY(outputs(r, c, p, true, a, SCRATCH(2), a.parts ? SCRATCH(3) : DIN(V)));
    if (a.parts)
        VKC_TRY(sum_parts(r, c, p, &a, V, 1, 0));
done:
    return st;
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const plan p = make_plan(c);
    for (uint32_t s = 0; s < p.streams; s += p.group) {
        vkc_status st = bwd_group(r, c, &p, make_args(c, &p, s));
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

// One stream of one image, in the order it runs in. S (dk, dv) is updated.
static void ref_stream(const nn_call *c, const double *const *in, double *o, double *S, uint32_t b, uint32_t s)
{
    const struct gated_scan_attr *t = attr_of(c);
    const uint32_t h = s / t->dirs, dir = s % t->dirs, first = c->in_rows[0]->offsets[b];
    const uint32_t n = c->in_rows[0]->offsets[b + 1] - first;
    const double scale = t->scale != 0 ? (double) t->scale : 1;
    const double *x[START] = { NULL };
    for (uint32_t u = 0; u < n; u++) {
        const size_t row = first + (dir ? n - 1 - u : u);
        for (int i = 0; i < START; i++)
            if (in[i]) {
                const struct chunk_cols at = cols_of(c, i);
                x[i] = in[i] + row * at.ld + at.col0 + h * at.head + dir * at.dir_;
            }
        double *y = o + (row * t->heads * t->dirs + s) * t->dv;
        memset(y, 0, t->dv * sizeof *y);
        for (uint32_t i = 0; i < t->dk; i++) {
            const double keep = exp(x[G][t->channels ? i : 0]), k = x[K][i] * (in[STEP] ? x[STEP][0] : 1);
            for (uint32_t j = 0; j < t->dv; j++) {
                S[i * t->dv + j] = keep * S[i * t->dv + j] + k * x[V][j];
                y[j] += scale * x[Q][i] * S[i * t->dv + j];
            }
        }
    }
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct gated_scan_attr *t = attr_of(c);
    const nn_rows *rows = c->in_rows[0];
    const uint32_t streams = t->heads * t->dirs;
    const size_t size = (size_t) t->dk * t->dv;
    const double *x[N_IN];
    for (int i = 0; i < N_IN; i++)
        x[i] = c->in[i].rank ? in[i] : NULL;
    double *S = malloc(size * sizeof *S);
    if (!S)
        return;
    if (t->carry)
        memset(out[1], 0, nn_shape_len(&c->out[1]) * sizeof(double));
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (uint32_t s = 0; s < streams; s++) {
            memset(S, 0, size * sizeof *S);
            if (x[START])
                memcpy(S, x[START] + ((size_t) b * streams + s) * size, size * sizeof *S);
            ref_stream(c, x, out[0], S, b, s);
            if (t->carry)
                memcpy(out[1] + ((size_t) b * streams + s) * size, S, size * sizeof *S);
        }
    free(S);
}

static uint64_t macs(const nn_call *c)
{
    return 2 * (uint64_t) c->out[0].dim[0] * c->out[0].dim[1] * attr_of(c)->dk;
}

const nn_op nn_op_gated_scan = {
    .name = "gated_scan", .n_in = 6, .n_out = 2, .n_opt = 2,
    .keep = BIT(IN(Q)) | BIT(IN(K)) | BIT(IN(V)) | BIT(IN(G)) | BIT(IN(STEP)) | BIT(IN(START)),
    .grad = BIT(IN(Q)) | BIT(IN(K)) | BIT(IN(V)) | BIT(IN(G)) | BIT(IN(STEP)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
