// rules.c — which kernels an op gets on which device; thresholds, and where they come from.
#include "nn/graph/choose/choose.h"
#include "shaders/attention/attention.h"

typedef struct pair { uint32_t software, gpu; } pair;

static bool is_software(const nn_call *c)
{
    return c->dev->type == VKC_TYPE_SOFTWARE;
}

// Take what suits a software device? Not with 32 lanes forced, so that tests run what a GPU gets.
static bool suits_software(const nn_call *c)
{
    return is_software(c) && c->forced.of[NN_SETTING_LANES] != 32;
}

static uint32_t pick(bool software, pair of)
{
    return software ? of.software : of.gpu;
}

// The width of the SIMD form's vectors, 0 where it does not fit: whole vec4 everywhere, tensors that one texel buffer
// covers, and the subgroups of software drivers.
static uint32_t simd_width(const nn_call *c, const nn_problem *p)
{
    const vkc_device_info *dev = c->dev;
    const bool fits = is_software(c) && (dev->features & VKC_FEATURE_SUBGROUP_ARITHMETIC) &&
                      (dev->subgroup_size == 4 || dev->subgroup_size == 8) && p->odd % 4 == 0 &&
                      p->len / 4 <= dev->max_texels;
    return fits ? dev->subgroup_size : 0;
}

// ---- matrix products

static const struct { uint32_t m, n, k, each_m, each_n; } tiles[] = {       // from large to small
    { 128, 128, 16, 8, 8 }, { 64, 64, 16, 4, 4 }, { 32, 32, 16, 4, 2 },
};

static uint32_t ceil_div(uint32_t n, uint32_t d)
{
    return (n + d - 1) / d;
}

uint32_t nn_busy_groups(const nn_call *c)
{
    return is_software(c) ? 32 : c->dev->type == VKC_TYPE_INTEGRATED ? 64 : 256;
}

// The largest tile that fits the device and gives it enough workgroups; else the smallest that fits.
static nn_choice tiled_product(const nn_call *c, const nn_problem *p)
{
    nn_choice best = { .form = NN_FORM_PLAIN, .wg = 64, .tile = 64, .tile_cols = 64 };
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        const uint32_t m = tiles[i].m, n = tiles[i].n, k = tiles[i].k, wg = m / tiles[i].each_m * (n / tiles[i].each_n);
        const uint32_t shared_bytes = 4 * k * (m + n + 2);
        if (wg > c->dev->max_invocations || shared_bytes > c->dev->shared_bytes)
            continue;
        best = (nn_choice) { .form = NN_FORM_TILED, .wg = wg, .tile = m, .tile_cols = n,
                             .spec = { m, n, k, tiles[i].each_m, tiles[i].each_n } };
        if ((uint64_t) ceil_div(p->rows, m) * ceil_div(p->cols, n) * p->copies >= nn_busy_groups(c))
            break;
    }
    return best;
}

static nn_choice choose_linear(const nn_call *c, const nn_problem *p)
{
    const nn_choice plain = { .form = NN_FORM_PLAIN, .wg = 64, .tile = 64, .tile_cols = 64 };
    const uint32_t forced = c->forced.of[NN_SETTING_LINEAR];
    const uint32_t width = c->in_dtype[0] == NN_DTYPE_F32 ? simd_width(c, p) : 0;       // it has no kernels for fp16
    if (forced == NN_FORM_PLAIN)
        return plain;
    if (forced == NN_FORM_TILED || !is_software(c))
        return tiled_product(c, p);
    return !width ? plain : (nn_choice) { .form = NN_FORM_SIMD, .wg = width, .tile = 4 * width, .tile_cols = 4 * width,
                                          .spec = { width } };
}

// ---- attention and what is made of features of queries and keys

// SIMD form: rows that a lane owns. More share the cost of fetching the other side; bound by registers.
static nn_choice simd_rows(uint32_t width, uint32_t held, uint32_t most_held)
{
    const uint32_t own = held <= most_held ? 2 : 1;
    return (nn_choice) { .form = NN_FORM_SIMD, .wg = width, .own = own, .tile = own * width };
}

static uint32_t attention_width(const nn_call *c, const nn_problem *p)
{
    const bool fits = c->forced.of[NN_SETTING_ATTENTION] != NN_FORM_TILED && p->dim <= 64;
    return fits ? simd_width(c, p) : 0;
}

// Slice of channels that the tiled form stages: two tiles of it and one of scores must fit.
static nn_choice tiled_rows(const nn_call *c, uint32_t staged)
{
    return (nn_choice) { .form = NN_FORM_TILED, .wg = ATTENTION_TILE_WG, .tile = ATTENTION_TILE,
                         .slice = staged > 32 && c->dev->shared_bytes >= 32768 ? 64 : 32 };
}

static nn_choice choose_attention(const nn_call *c, const nn_problem *p)
{
    const uint32_t width = attention_width(c, p);
    return width ? simd_rows(width, p->dim, 32) : tiled_rows(c, p->dim);
}

static nn_choice choose_attention_match(const nn_call *c, const nn_problem *p)
{
    const uint32_t width = p->features <= 128 ? attention_width(c, p) : 0;
    return width ? simd_rows(width, p->features, 64) : tiled_rows(c, p->features);
}

// On a CPU every barrier is a switch between invocations: few of them, one vector's worth.
static nn_choice choose_attention_stats(const nn_call *c, const nn_problem *p)
{
    return (nn_choice) { .form = NN_FORM_PLAIN, .wg = is_software(c) ? 8 : p->cols >= 256 ? 128 : 32 };
}

// Rows (for dw: columns) that one invocation of the plain form owns. On software devices each load then serves two; a
// GPU wants more invocations instead. Bounded by registers and by the time that drivers take to compile unrolled code.
static uint32_t plain_own(const nn_call *c, const nn_problem *p)
{
    return is_software(c) && p->dim <= 64 ? 2 : 1;
}

static nn_choice choose_feature_map(const nn_call *c, const nn_problem *p)
{
    const uint32_t width = p->is_plain ? 0 : attention_width(c, p);
    return width ? simd_rows(width, p->dim, 32) :
        (nn_choice) { .form = NN_FORM_PLAIN, .wg = is_software(c) ? 8 : 64, .own = plain_own(c, p) };
}

// Plain form: workgroups large enough to fill a GPU's subgroup, small enough to waste little on short images.
static nn_choice choose_linear_attention(const nn_call *c, const nn_problem *p)
{
    const uint32_t width = attention_width(c, p), cols = p->dim + 1;
    if (width)
        return simd_rows(width, p->dim, 32);
    nn_choice o = { .form = NN_FORM_PLAIN, .wg = is_software(c) ? 8 : p->tokens <= 128 ? 32 : 64,
                    .own = plain_own(c, p), .slice = cols };
    if (!is_software(c) && cols > 16)
        o.slice = 16;               // more workgroups, fewer registers
    else if (cols > 65)
        o.slice = (cols + 1) / 2;
    return o;
}

// ---- recurrences

#define LSTM_MOST_WG     256u
#define LSTM_MOST_BLOCKS 4u         // SIMD form: vec4 a lane may own
#define LSTM_MOST_SIMD   2048u      // SIMD form: numbers a lane can hold, by the time that drivers take to compile
#define LSTM_LEAST_EACH  8u         // plain form: columns of w_h that are worth an invocation
#define LSTM_MOST_HELD   32u        // plain form: vec4 of weights that an invocation can hold in registers

// SIMD: a workgroup is one subgroup, without barriers; plain: `parts` invocations a unit, a barrier a token.
static nn_choice choose_lstm(const nn_call *c, const nn_problem *p)
{
    const uint32_t D = p->dim, width = suits_software(c) ? simd_width(c, p) : 0;
    const uint32_t rows_each = is_software(c) ? 2048 : 256;
    uint32_t n = 1, wg = c->dev->max_invocations < LSTM_MOST_WG ? c->dev->max_invocations : LSTM_MOST_WG;
    // Where loops go round so many times only (NN_MAX_ROUNDS) longer bodies give longer samples. A subgroup of 4 is
    // SwiftShader's, whose compiler takes gigabytes for them.
    const bool is_long = is_software(c) && c->dev->subgroup_size >= 8;
    const uint32_t most = is_software(c) ? NN_SAFE_ROUNDS : 0;
    if (width && D <= 4 * LSTM_MOST_BLOCKS * width)
        return (nn_choice) { .form = NN_FORM_SIMD, .wg = width, .tile = 4 * width, .rows_each = rows_each,
                             .is_held = D * D / width * 4 <= LSTM_MOST_SIMD, .at_once = is_long ? width : 1,
                             .most_rounds = most };
    while (2 * n * D <= wg && 2 * n * LSTM_LEAST_EACH <= D)
        n *= 2;
    return (nn_choice) { .form = NN_FORM_PLAIN, .wg = n * D, .tile = 32, .parts = n, .rows_each = rows_each,
                         .is_held = ceil_div(D, n) <= LSTM_MOST_HELD, .at_once = is_long ? 16 : 1,
                         .most_rounds = most };
}

// gated_scan, measured on lavapipe with two cores, three heads of 64, both directions, CPU time of the op in ms,
// forward and backward. 1,024 tokens: SIMD form 11 and 42 with a decay a channel, 11 and 39 with one a stream;
// attention 30 and 84. 256 tokens: SIMD 4 and 18, plain kernels fused 82 and 185, split 93 and 175. SIMD with chunks of
// 32 rows: 10 and 50 at 1,024, and four times as long to compile. So software devices run fused, chunks of 16. No GPU
// was at hand: there split, for a workgroup a chunk fills it.
nn_scan nn_choose_scan(const nn_call *c, const nn_op *op, uint32_t chunk)
{
    const nn_order forced = (nn_order) c->forced.of[NN_SETTING_SCAN];
    const uint32_t group = c->forced.of[NN_SETTING_SCAN_GROUP];
    nn_scan s = { .order = NN_ORDER_CHUNKED, .group = group ? group : UINT32_MAX };
    if (op == &nn_op_delta_scan) {
        s.rows = chunk ? chunk : is_software(c) ? 16 : 32;
        return s;
    }
    s.rows = chunk ? chunk : 16;
    s.order = is_software(c) ? NN_ORDER_FUSED : NN_ORDER_SPLIT;
    if (forced == NN_ORDER_FUSED || forced == NN_ORDER_SPLIT)
        s.order = forced;
    if (forced == NN_ORDER_SERIAL) {
        s.order = NN_ORDER_FUSED;   // with chunks of one row
        s.rows = 1;
    }
    return s;
}

static uint32_t scan_width(const nn_call *c, const nn_problem *p)
{
    return c->forced.of[NN_SETTING_SCAN_FORM] != NN_FORM_PLAIN ? simd_width(c, p) : 0;
}

// An invocation a channel.
static uint32_t channels_wg(uint32_t channels)
{
    return channels <= 8 ? 8 : channels <= 16 ? 16 : channels <= 32 ? 32 : 64;
}

// SIMD: chunks that fit the registers; a lane owns two vec4 of channels of v where there are twice as many.
static nn_choice choose_gated_scan(const nn_call *c, const nn_problem *p)
{
    const bool fits = p->order == NN_ORDER_FUSED && p->chunk >= 16 && p->chunk <= 32;
    const uint32_t width = fits ? scan_width(c, p) : 0;
    if (width)
        return (nn_choice) { .form = NN_FORM_SIMD, .wg = width, .wg_v = width,
                             .own = p->features >= 8 * width ? 2 : 1 };
    return (nn_choice) { .form = NN_FORM_PLAIN, .wg = channels_wg(p->dim), .wg_v = channels_wg(p->features), .own = 1 };
}

// Forward, the SIMD form runs token after token: its invocations are few, and that has the fewest multiplications.
static nn_choice choose_delta_scan(const nn_call *c, const nn_problem *p)
{
    const nn_order forced = (nn_order) c->forced.of[NN_SETTING_SCAN];
    const uint32_t width = scan_width(c, p);
    const bool is_serial = forced == NN_ORDER_SERIAL || (width && forced != NN_ORDER_CHUNKED);
    nn_choice o = { .order = is_serial ? NN_ORDER_SERIAL : NN_ORDER_CHUNKED };
    o.form = width && !p->is_plain ? NN_FORM_SIMD : NN_FORM_PLAIN;
    o.wg = o.form == NN_FORM_SIMD ? width : is_software(c) ? 8 : p->cols <= 32 ? 32 : 64;
    return o;
}

// ---- four columns an invocation

// Where software devices fetch whole vec4: `odd`, all column counts and offsets, is a multiple of 4.
static nn_choice quads(const nn_call *c, const nn_problem *p, pair wg, pair tile)
{
    const bool suits = suits_software(c), fits = suits && p->odd % 4 == 0 && p->len / 4 <= c->dev->max_texels;
    return (nn_choice) { .form = fits ? NN_FORM_QUADS : NN_FORM_PLAIN, .wg = pick(suits, wg),
                         .tile = pick(suits, tile), .own = fits ? 4 : 1 };
}

// Few invocations that walk far on a software device; many on a GPU, though K - 1 tokens of each tile's backward walk
// are another's too.
static nn_choice choose_conv1d(const nn_call *c, const nn_problem *p)
{
    return quads(c, p, (pair) { 8, 64 }, (pair) { 64, 16 });
}

static nn_choice choose_dynamic_conv(const nn_call *c, const nn_problem *p)
{
    return choose_conv1d(c, p);
}

static nn_choice choose_decay(const nn_call *c, const nn_problem *p)
{
    return quads(c, p, (pair) { 8, 64 }, p->is_backward ? (pair) { 64, 16 } : (pair) { 64, 4 });
}

static nn_choice choose_gaps(const nn_call *c, const nn_problem *p)
{
    return quads(c, p, (pair) { 8, 64 }, (pair) { 64, 4 });
}

// On a GPU workgroups of 32 where the last 64 would be half empty, and p->copies parts; on a software device few
// invocations, which load the filter once.
static nn_choice choose_dwconv(const nn_call *c, const nn_problem *p)
{
    nn_choice o = quads(c, p, (pair) { 8, 64 }, (pair) { 0, 0 });
    if (!suits_software(c) && p->cols % 64 && p->cols % 64 <= 32)
        o.wg = 32;
    o.parts = suits_software(c) ? 1 : (uint32_t) p->copies;
    return o;
}

#define MINGRU_INVOCATIONS 65536u   // wanted on a GPU
#define MINGRU_SEGMENT     64u      // tokens, of an image at capacity: each walk is made twice
#define MINGRU_SEGMENTS    64u      // each composes the maps of all before it

// A GPU hides the time that loads take; software drivers take long to compile unrolled code. A GPU that few channels
// (p->copies walks) would leave idle cuts each image into segments.
static nn_choice choose_mingru(const nn_call *c, const nn_problem *p)
{
    nn_choice o = quads(c, p, (pair) { 8, 64 }, (pair) { 0, 0 });
    o.ahead = is_software(c) ? 2 : 8;
    o.parts = 1;
    if (!suits_software(c)) {
        const uint32_t want = (uint32_t) ((MINGRU_INVOCATIONS + p->copies - 1) / p->copies);
        const uint32_t most = p->tokens / MINGRU_SEGMENT, n = want < most ? want : most;
        o.parts = n < 1 ? 1 : n < MINGRU_SEGMENTS ? n : MINGRU_SEGMENTS;
    }
    return o;
}

// ---- row-wise ops

uint32_t nn_row_lanes(const nn_call *c, uint32_t cols)
{
    const uint32_t most_each = 96;          // columns of a lane, held in registers: compiling takes time
    uint32_t most = c->forced.of[NN_SETTING_LANES], lanes = 1;
    if (most == 0)
        most = is_software(c) ? 1 : 32;
    while (lanes < NN_ROW_WG && ((lanes < most && lanes < cols) || (cols - 1) / lanes >= most_each))
        lanes *= 2;
    return lanes;
}

uint32_t nn_many_lanes(uint32_t cols)
{
    uint32_t lanes = 1;
    while (lanes < 32 && lanes < cols)
        lanes *= 2;
    return lanes;
}

uint32_t nn_row_once(const nn_call *c, uint32_t rows, uint32_t tile)
{
    return (rows - 1) / tile < c->dev->max_groups[0] && c->forced.of[NN_SETTING_LANES] != 32;
}

// One lane where that owns four columns, but for class_attention: there lanes share heads.
static nn_choice choose_rows(const nn_call *c, const nn_problem *p)
{
    nn_choice o = quads(c, p, (pair) { NN_ROW_WG, NN_ROW_WG }, (pair) { 0, 0 });
    o.lanes = o.form == NN_FORM_QUADS && p->op != &nn_op_class_attention ? 1 : nn_row_lanes(c, p->cols);
    o.tile = NN_ROW_WG / o.lanes;
    return o;
}

#define NORM_MOST_PARTS 4u          // of a vec4

// Four columns at a time keep the sums apart that the lanes of the other form have.
static nn_choice choose_layernorm(const nn_call *c, const nn_problem *p)
{
    const uint32_t lanes = nn_row_lanes(c, p->cols);
    nn_choice o = quads(c, p, (pair) { NN_ROW_WG, NN_ROW_WG }, (pair) { 0, 0 });
    if (lanes > NORM_MOST_PARTS)
        o.form = NN_FORM_PLAIN;
    o.parts = o.form == NN_FORM_QUADS ? lanes : 0;
    o.lanes = o.form == NN_FORM_QUADS ? 1 : lanes;
    o.tile = NN_ROW_WG / o.lanes;
    return o;
}

// The same, but four columns at a time of wide rows too: there the forms add up in different orders.
static nn_choice choose_rms_norm(const nn_call *c, const nn_problem *p)
{
    nn_choice o = quads(c, p, (pair) { NN_ROW_WG, NN_ROW_WG }, (pair) { 0, 0 });
    const uint32_t lanes = nn_row_lanes(c, p->cols);
    o.parts = o.form == NN_FORM_QUADS ? lanes < NORM_MOST_PARTS ? lanes : NORM_MOST_PARTS : 0;
    o.lanes = o.form == NN_FORM_QUADS ? 1 : lanes;
    o.tile = NN_ROW_WG / o.lanes;
    return o;
}

// On a CPU every barrier is a switch between subgroups: one of them.
static nn_choice choose_keep_top(const nn_call *c, const nn_problem *p)
{
    (void) p;
    return (nn_choice) { .form = NN_FORM_PLAIN, .wg = pick(suits_software(c), (pair) { 8, 128 }) };
}

// Few rows an invocation, where that is free.
static nn_choice choose_compact(const nn_call *c, const nn_problem *p)
{
    (void) p;
    return (nn_choice) { .form = NN_FORM_PLAIN, .wg = pick(suits_software(c), (pair) { NN_ROW_WG, 256 }) };
}

// ---- all of them

static const struct rule {
    const nn_op *op;
    nn_choice (*choose)(const nn_call *c, const nn_problem *p);
} rules[] = {
#define RULE(name) { &nn_op_##name, choose_##name },
#define ROWS(name) { &nn_op_##name, choose_rows },
    RULE(linear) RULE(attention) RULE(attention_match) RULE(attention_stats) RULE(feature_map) RULE(linear_attention)
    RULE(lstm) RULE(gated_scan) RULE(delta_scan) RULE(mingru) RULE(conv1d) RULE(dwconv) RULE(dynamic_conv)
    RULE(decay) RULE(gaps) RULE(keep_top) RULE(compact) RULE(layernorm) RULE(rms_norm)
    ROWS(add) ROWS(class_attention) ROWS(gated_norm) ROWS(gather_rows) ROWS(skip)
    { NULL, choose_rows }
};

nn_choice nn_choose(const nn_call *c, const nn_problem *p)
{
    const struct rule *r = rules;
    while (r->op && r->op != p->op)
        r++;
    return r->choose(c, p);
}
