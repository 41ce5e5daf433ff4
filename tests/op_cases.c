// op_cases.c — one row a case: odd sizes (1, 3, 13, 37, 65) in every place, dead rows, uneven images.
#include "tests/op_cases.h"
#include "spv/args.h"

const op_case op_cases[] = {
    // add
    { "add", "plain", .in = { { 0, { 2, { 1, 1 } } }, { 0, { 2, { 1, 1 } } } } },
    { "add", "plain", .in = { { 0, { 2, { 65, 37 } } }, { 0, { 2, { 65, 37 } } } } },
    { "add", "packed", .layout = { { { 1, 3, 13, 37, 65 } } },
      .in = { { 1, { 2, { 0, 13 } } }, { 1, { 2, { 0, 13 } } } } },
    { "add", "packed", .layout = { { { 3, 1 }, .cap_tokens = 37 } },
      .in = { { 1, { 2, { 0, 65 } } }, { 1, { 2, { 0, 65 } } } } },

    // attention

    // cross_entropy
    { "cross_entropy", "plain", .attr = &(struct cross_entropy_attr) { .smoothing = 0.0f },
      .in = { { 0, { 2, { 1, 3 } } }, { 0, { 1, { 1 } }, 0, 2 } } },
    { "cross_entropy", "plain", .attr = &(struct cross_entropy_attr) { .smoothing = 0.1f },
      .in = { { 0, { 2, { 65, 10 } }, -5, 5 }, { 0, { 1, { 65 } }, 0, 9 } } },
    { "cross_entropy", "packed", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct cross_entropy_attr) { .smoothing = 0.1f },
      .in = { { 1, { 2, { 0, 13 } } }, { 1, { 1, { 0 } }, 0, 12 } } },
    { "cross_entropy", "packed, many classes", .layout = { { { 1, 1, 1 }, .cap_tokens = 3 } }, .attr = &(struct cross_entropy_attr) { .smoothing = 0.2f },
      .in = { { 1, { 2, { 0, 1000 } }, -30, 30 }, { 1, { 1, { 0 } }, 0, 999 } } },
    { "cross_entropy", "all smoothed", .layout = { { { 3 }, .cap_tokens = 13 } }, .attr = &(struct cross_entropy_attr) { .smoothing = 1.0f },
      .in = { { 1, { 2, { 0, 65 } } }, { 1, { 1, { 0 } }, 0, 64 } } },
    { "cross_entropy", "one class", .attr = &(struct cross_entropy_attr) { .smoothing = 0.1f },
      .in = { { 0, { 2, { 3, 1 } } }, { 0, { 1, { 3 } }, 0, 0.5 } } },
    { "cross_entropy", "labels out of range", .attr = &(struct cross_entropy_attr) { .smoothing = 0.1f },
      .in = { { 0, { 2, { 37, 3 } } }, { 0, { 1, { 37 } }, 0, 5 } } },

    // dwconv

    // embed
    { "embed", "one", .layout = { { { 1 } }, { { 2 }, .prefix = 1 } },
      .in = { { 1, { 2, { 0, 1 } } }, { 0, { 1, { 1 } } }, { 0, { 2, { 2, 1 } } } }, .to = 2 },
    { "embed", "dense", .layout = { { { 13, 13, 13 } }, { { 14, 14, 14 }, .prefix = 1 } },
      .in = { { 1, { 2, { 0, 37 } } }, { 0, { 1, { 37 } } }, { 0, { 2, { 14, 37 } } } }, .to = 2 },
    { "embed", "uneven", .layout = { { { 1, 3, 13, 36, 64 } }, { { 2, 4, 14, 37, 65 }, .prefix = 1 } },
      .in = { { 1, { 2, { 0, 65 } } }, { 0, { 1, { 65 } } }, { 0, { 2, { 65, 65 } } } }, .to = 2 },
    { "embed", "tokens dropped", .layout = { { { 37, 37 } }, { { 13, 38 }, .cap_tokens = 38, .prefix = 1, .holes = true } },
      .in = { { 1, { 2, { 0, 13 } } }, { 0, { 1, { 13 } } }, { 0, { 2, { 38, 13 } } } }, .to = 2 },
    { "embed", "patches dropped", .layout = { { { 5, 1 }, .cap_tokens = 13, .holes = true }, { { 16, 16 }, .prefix = 3 } },
      .in = { { 1, { 2, { 0, 3 } } }, { 0, { 1, { 3 } } }, { 0, { 2, { 16, 3 } } } }, .to = 2 },

    // feature_map

    // first_rows
    { "first_rows", "one", .layout = { { { 1 } }, { { 1 } } }, .in = { { 1, { 2, { 0, 1 } } } }, .to = 2 },
    { "first_rows", "uneven", .layout = { { { 1, 3, 13, 37, 65 }, .prefix = 1 }, { { 1, 1, 1, 1, 1 } } },
      .in = { { 1, { 2, { 0, 37 } } } }, .to = 2 },
    { "first_rows", "dead rows", .layout = { { { 3, 1, 13 }, .cap_tokens = 37 }, { { 1, 1, 1 }, .cap_tokens = 3 } },
      .in = { { 1, { 2, { 0, 65 } } } }, .to = 2 },

    // gelu

    // kl
    { "kl", "plain", .attr = &(struct kl_attr) { .temperature = 1.0f },
      .in = { { 0, { 2, { 1, 3 } } }, { 0, { 2, { 1, 3 } } } } },
    { "kl", "plain", .attr = &(struct kl_attr) { .temperature = 2.0f },
      .in = { { 0, { 2, { 65, 37 } }, -5, 5 }, { 0, { 2, { 65, 37 } }, -5, 5 } } },
    { "kl", "packed", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct kl_attr) { .temperature = 4.0f },
      .in = { { 1, { 2, { 0, 13 } } }, { 1, { 2, { 0, 13 } } } } },
    { "kl", "packed, far apart", .layout = { { { 3, 1 }, .cap_tokens = 37 } }, .attr = &(struct kl_attr) { .temperature = 0.5f },
      .in = { { 1, { 2, { 0, 65 } }, -30, 30 }, { 1, { 2, { 0, 65 } }, -30, 30 } } },
    { "kl", "packed, close", .layout = { { { 13, 1 }, .cap_tokens = 37 } }, .attr = &(struct kl_attr) { .temperature = 3.0f },
      .in = { { 1, { 2, { 0, 13 } }, 9.9, 10.1 }, { 1, { 2, { 0, 13 } }, 9.9, 10.1 } } },

    // layernorm
    { "layernorm", "plain, one number", .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 0, { 2, { 1, 1 } } }, { 0, { 1, { 1 } } }, { 0, { 1, { 1 } } } } },
    { "layernorm", "plain", .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 0, { 2, { 3, 13 } } }, { 0, { 1, { 13 } } }, { 0, { 1, { 13 } } } } },
    { "layernorm", "plain", .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 0, { 2, { 13, 65 } } }, { 0, { 1, { 65 } } }, { 0, { 1, { 65 } } } } },
    { "layernorm", "plain, 4100 rows", .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 0, { 2, { 4100, 3 } } }, { 0, { 1, { 3 } } }, { 0, { 1, { 3 } } } } },
    { "layernorm", "packed", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 1, { 2, { 0, 37 } } }, { 0, { 1, { 37 } } }, { 0, { 1, { 37 } } } } },
    { "layernorm", "packed", .layout = { { { 65, 1, 37 }, .cap_tokens = 65 } }, .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 1, { 2, { 0, 96 } } }, { 0, { 1, { 96 } } }, { 0, { 1, { 96 } } } } },
    { "layernorm", "packed, far from zero", .layout = { { { 3, 1 }, .cap_tokens = 13 } }, .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 1, { 2, { 0, 65 } }, 99, 101 }, { 0, { 1, { 65 } } }, { 0, { 1, { 65 } } } } },

    // linear

    // linear_attention

    // mse
    { "mse", "plain",
      .in = { { 0, { 2, { 1, 1 } } }, { 0, { 2, { 1, 1 } } } } },
    { "mse", "plain",
      .in = { { 0, { 2, { 65, 37 } } }, { 0, { 2, { 65, 37 } } } } },
    { "mse", "plain, 4100 rows",
      .in = { { 0, { 2, { 4100, 3 } } }, { 0, { 2, { 4100, 3 } } } } },
    { "mse", "packed", .layout = { { { 1, 3, 13, 37, 65 } } },
      .in = { { 1, { 2, { 0, 13 } } }, { 1, { 2, { 0, 13 } } } } },
    { "mse", "packed", .layout = { { { 3, 1 }, .cap_tokens = 37 } },
      .in = { { 1, { 2, { 0, 65 } } }, { 1, { 2, { 0, 65 } } } } },

    // patchify
    { "patchify", "one pixel", .layout = { { { 1 } }, { { 1 } } }, .to = 2,
      .attr = &(struct patchify_attr) { .channels = 1, .height = 1, .width = 1, .patch_size = 1 },
      .in = { { 1, { 2, { 0, 1 } } } } },
    { "patchify", "dense", .layout = { { { 1, 1 } }, { { 15, 15 }, .grid_h = 5, .grid_w = 3 } }, .to = 2,
      .attr = &(struct patchify_attr) { .channels = 3, .height = 15, .width = 9, .patch_size = 3 },
      .in = { { 1, { 2, { 0, 405 } } } } },
    { "patchify", "uneven", .layout = { { { 1, 1, 1, 1 } }, { { 1, 3, 13, 37 }, .grid_h = 1, .grid_w = 37 } }, .to = 2,
      .attr = &(struct patchify_attr) { .channels = 1, .height = 1, .width = 37, .patch_size = 1 },
      .in = { { 1, { 2, { 0, 37 } } } } },
    { "patchify", "one wide patch", .layout = { { { 1, 1, 1 }, .cap_tokens = 2 }, { { 1, 1, 1 }, .cap_tokens = 1 } }, .to = 2,
      .attr = &(struct patchify_attr) { .channels = 3, .height = 13, .width = 13, .patch_size = 13 },
      .in = { { 1, { 2, { 0, 507 } } } } },
    { "patchify", "dropped", .layout = { { { 1, 1 }, .cap_tokens = 3 }, { { 5, 12 }, .cap_tokens = 12, .grid_h = 3, .grid_w = 4, .holes = true } }, .to = 2,
      .attr = &(struct patchify_attr) { .channels = 3, .height = 24, .width = 32, .patch_size = 8 },
      .in = { { 1, { 2, { 0, 2304 } } } } },

};
const uint32_t n_op_cases = sizeof op_cases / sizeof op_cases[0];
