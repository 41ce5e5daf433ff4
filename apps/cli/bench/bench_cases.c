// bench_cases.c — what `pare bench ops` runs: 32 pictures of 65 tokens, width 96, 3 heads; some larger, and a text of
// 4,096 tokens.
#include "apps/cli/bench/bench_ops.h"
#include "spv/args.h"

#define SMALL   { { 32, 65, 1, 8 } }                    // 32 pictures of 8 x 8 patches and a class token
#define LONG    { { 1, 1025, 1, 32 } }
#define TEXT    { { 1, 4096, 0, 0 } }
#define ROWS(c) { 1, { 2, { 0, c } }, 0 }
#define MAT(r, c) { 0, { 2, { r, c } }, 0 }
#define VEC(n)  { 0, { 1, { n } }, 0 }
#define SQUARE(form_name) { "linear", "1024 x 1024 x 1024", form_name, .in = { MAT(1024, 1024), MAT(1024, 1024) }, \
    .attr = &(struct linear_attr) { 0 } }

const bench_case bench_cases[] = {
    SQUARE("plain"), SQUARE("tiled"), SQUARE("simd"), SQUARE(NULL),
    { "linear", "q, k, v", NULL, SMALL, { ROWS(96), MAT(288, 96), VEC(288) }, .attr = &(struct linear_attr) { 0 } },
    { "linear", "projection", NULL, SMALL, { ROWS(96), MAT(96, 96), VEC(96) }, .attr = &(struct linear_attr) { 0 } },
    { "linear", "MLP in, GELU", NULL, SMALL, { ROWS(96), MAT(384, 96), VEC(384) },
      .attr = &(struct linear_attr) { .act = LINEAR_ACT_GELU } },
    { "linear", "MLP out", NULL, SMALL, { ROWS(384), MAT(96, 384), VEC(96) }, .attr = &(struct linear_attr) { 0 } },
    { "linear", "in_proj of ssd", NULL, SMALL, { ROWS(96), MAT(646, 96) }, .attr = &(struct linear_attr) { 0 } },
    { "linear", "merge of 3 heads", NULL, SMALL, { ROWS(192), { 0, { 3, { 3, 32, 64 } }, 0 } },
      .attr = &(struct linear_attr) { .groups = 3 } },
    { "attention", "65 tokens", NULL, SMALL, { ROWS(288) }, .attr = &(struct attention_attr) { .heads = 3 } },
    { "attention", "1025 tokens", NULL, LONG, { ROWS(288) }, .attr = &(struct attention_attr) { .heads = 3 } },
    { "attention", "4096 tokens", NULL, TEXT, { ROWS(288) }, .attr = &(struct attention_attr) { .heads = 3 } },
    { "attention", "4096 tokens, causal", NULL, TEXT, { ROWS(288) },
      .attr = &(struct attention_attr) { .heads = 3, .causal = 1 } },
    { "attention", "4096 tokens, causal, KV 1", NULL, TEXT, { ROWS(160) },
      .attr = &(struct attention_attr) { .heads = 3, .causal = 1, .kv_heads = 1 } },
    { "attention_match", "65 tokens", NULL, SMALL, { ROWS(192), ROWS(192), ROWS(288), ROWS(3) },
      .attr = &(struct attention_match_attr) { .heads = 3 } },
    { "attention_pool", "64 tokens", NULL, { { 32, 64, 0, 8 }, { 32, 1, 0, 0 } }, { ROWS(192), MAT(1, 96) }, .to = 2,
      .attr = &(struct attention_pool_attr) { .heads = 3 } },
    { "attention_stats", "65 tokens", NULL, SMALL, { ROWS(288) },
      .attr = &(struct attention_stats_attr) { .heads = 3 } },
    { "feature_map", "hedgehog", NULL, SMALL, { ROWS(288), { 0, { 3, { 3, 32, 32 } }, 0 } },
      .attr = &(struct feature_map_attr) { .heads = 3, .head_dim = 32, .kind = FEATURE_MAP_HEDGEHOG } },
    { "feature_map", "elu1", NULL, SMALL, { ROWS(288) },
      .attr = &(struct feature_map_attr) { .heads = 3, .head_dim = 32 } },
    { "linear_attention", "65 tokens", NULL, SMALL, { ROWS(192), ROWS(192), ROWS(288) },
      .attr = &(struct linear_attention_attr) { .heads = 3, .head_dim = 32, .v_col0 = 192 } },
    { "linear_attention", "1025 tokens", NULL, LONG, { ROWS(192), ROWS(192), ROWS(288) },
      .attr = &(struct linear_attention_attr) { .heads = 3, .head_dim = 32, .v_col0 = 192 } },
    { "conv1d", "2 x 352 channels, 1024 tokens", NULL, { { 1, 1024, 0, 32 } }, { ROWS(902), MAT(704, 4), VEC(704) },
      .attr = &(struct conv1d_attr) { .dirs = 2, .cols = 352, .col0 = 96, .dir_stride = 451, .silu = 1 } },
    { "decay", "logsigmoid, 384 gates, 1024 tokens", NULL, { { 1, 1024, 0, 32 } }, { ROWS(384), VEC(384) },
      .attr = &(struct decay_attr) { .kind = DECAY_LOGSIGMOID, .heads = 6, .dirs = 2, .width = 32, .head = 64,
                                     .dir_stride = 32, .scale = 0.0625f } },
    { "dwconv", "3 x 3", NULL, SMALL, { ROWS(288), { 0, { 3, { 96, 3, 3 } }, 0 }, VEC(96) },
      .attr = &(struct dwconv_attr) { .col0 = 192 } },
    { "dynamic_conv", "2 x 96 channels, 1024 tokens", NULL, { { 1, 1024, 0, 32 } }, { ROWS(96), ROWS(768) },
      .attr = &(struct dynamic_conv_attr) { .dirs = 2, .cols = 96, .silu = 1 } },
    { "gated_scan", "1025 tokens, as in gla", NULL, LONG, { ROWS(288), ROWS(288), ROWS(288), ROWS(192) },
      .attr = &(struct gated_scan_attr) { .heads = 3, .dirs = 2, .dk = 32, .dv = 32, .channels = 1, .q_head = 32,
          .k_col0 = 96, .k_head = 32, .v_col0 = 192, .v_head = 32, .g_head = 64, .g_dir = 32 } },
    { "gated_scan", "1025 tokens, as in ssd", NULL, LONG, { ROWS(448), ROWS(448), ROWS(448), ROWS(6), ROWS(6) },
      .attr = &(struct gated_scan_attr) { .heads = 3, .dirs = 2, .dk = 64, .dv = 32, .q_col0 = 160, .q_dir = 224,
          .k_col0 = 96, .k_dir = 224, .v_head = 32, .v_dir = 224, .g_head = 2, .g_dir = 1, .step_head = 2,
          .step_dir = 1 } },
    { "mingru", "6 heads, 1024 tokens", NULL, { { 1, 1024, 0, 32 } }, { ROWS(768) },
      .attr = &(struct mingru_attr) { .heads = 6, .dirs = 2, .dim = 32 } },
    { "layernorm", "", NULL, SMALL, { ROWS(96), VEC(96), VEC(96) }, .attr = &(struct layernorm_attr) { 1e-6f } },
    { "gated_norm", "gate first, whole", NULL, SMALL, { ROWS(192), ROWS(646), VEC(192) },
      .attr = &(struct gated_norm_attr) { .heads = 3, .dirs = 2, .dim = 32, .x_head = 64, .x_dir = 32, .z_head = 32,
        .z_dir = 323, .whole = 1, .gate_first = 1, .eps = 1e-5f } },
    { "gated_norm", "norm first, gate shared", NULL, SMALL, { ROWS(192), ROWS(96), VEC(192) },
      .attr = &(struct gated_norm_attr) { .heads = 3, .dirs = 2, .dim = 32, .x_head = 64, .x_dir = 32, .z_head = 32,
        .eps = 1e-5f } },
    { "gated_norm", "length 1", NULL, SMALL, { ROWS(288) },
      .attr = &(struct gated_norm_attr) { .heads = 3, .dirs = 1, .dim = 32, .x_head = 32, .eps = 1e-6f } },
    { "gelu", "", NULL, SMALL, { ROWS(384) }, .to = 0 },
    { "add", "", NULL, SMALL, { ROWS(96), ROWS(96) }, .to = 0 },
    { "skip", "", NULL, SMALL, { ROWS(192), ROWS(192), VEC(6) },
      .attr = &(struct skip_attr) { .heads = 3, .dirs = 2, .dim = 32, .x_head = 32, .x_dir = 96 } },
    { "patchify", "patches of 8", NULL, { { 32, 1, 0, 0 }, { 32, 64, 0, 8 } }, { ROWS(3 * 64 * 64) }, .to = 2,
      .attr = &(struct patchify_attr) { .channels = 3, .height = 64, .width = 64, .patch_size = 8 } },
    { "vit_tokens", "", NULL, { { 32, 64, 0, 8 }, { 32, 65, 1, 8 } }, { ROWS(96), MAT(65, 96), VEC(96) }, .to = 2 },
    { "embed", "8 x 65 tokens, 1000 ids", NULL, { { 8, 65, 1, 8 } },
      { { 1, { 1, { 0 } }, 1000 }, MAT(1000, 96), MAT(65, 96) }, .to = 0 },
    { "cross_entropy", "1000 classes", NULL, .in = { MAT(64, 1000), { 0, { 1, { 64 } }, 1000 } },
      .attr = &(struct cross_entropy_attr) { .smoothing = 0.1f } },
    { "kl", "1000 classes", NULL, .in = { MAT(64, 1000), MAT(64, 1000) },
      .attr = &(struct kl_attr) { .temperature = 2.0f } },
    { "mse", "", NULL, SMALL, { ROWS(96), ROWS(96) }, .to = 0 },
    { "cosine", "", NULL, SMALL, { ROWS(96), ROWS(96) }, .to = 0 },
};
const uint32_t n_bench_cases = sizeof bench_cases / sizeof bench_cases[0];
