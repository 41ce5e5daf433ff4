// op_cases.c — one row a case: odd sizes (1, 3, 13, 37, 65) in every place, dead rows, uneven images.
#include "tests/nn/ops/op_cases.h"
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
    { "attention", "one", .layout = { { { 1 } } }, .attr = &(struct attention_attr) { .heads = 1 },
      .in = { { 1, { 2, { 0, 3 } } } } },
    { "attention", "heads of 3", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct attention_attr) { .heads = 3 },
      .in = { { 1, { 2, { 0, 27 } } } } },
    { "attention", "heads of 13, dead rows", .layout = { { { 3, 1, 13 }, .cap_tokens = 37 } }, .attr = &(struct attention_attr) { .heads = 1 },
      .in = { { 1, { 2, { 0, 39 } } } } },
    { "attention", "heads of 32", .layout = { { { 65, 64, 1 } } }, .attr = &(struct attention_attr) { .heads = 3 },
      .in = { { 1, { 2, { 0, 288 } } } } },
    { "attention", "heads of 32, uneven, dead rows", .layout = { { { 1, 3, 65, 24, 25 }, .cap_tokens = 80 } }, .attr = &(struct attention_attr) { .heads = 2 },
      .in = { { 1, { 2, { 0, 192 } } } } },
    { "attention", "heads of 4", .layout = { { { 3, 9, 1 }, .cap_tokens = 13 } }, .attr = &(struct attention_attr) { .heads = 3 },
      .in = { { 1, { 2, { 0, 36 } } } } },
    { "attention", "heads of 20", .layout = { { { 7, 1, 17 }, .cap_tokens = 37 } }, .attr = &(struct attention_attr) { .heads = 3 },
      .in = { { 1, { 2, { 0, 180 } } } } },
    { "attention", "heads of 37, own scale", .layout = { { { 37, 3 }, .cap_tokens = 65 } }, .attr = &(struct attention_attr) { .heads = 3, .scale = 0.5f },
      .in = { { 1, { 2, { 0, 333 } } } } },
    { "attention", "heads of 64, large scores", .layout = { { { 13, 33 } } }, .attr = &(struct attention_attr) { .heads = 1, .scale = 1.0f },
      .in = { { 1, { 2, { 0, 192 } }, -3, 3 } } },
    { "attention", "heads of 65", .layout = { { { 65, 3 } } }, .attr = &(struct attention_attr) { .heads = 1 },
      .in = { { 1, { 2, { 0, 195 } } } } },
    { "attention", "heads of 128", .layout = { { { 37, 13 } } }, .attr = &(struct attention_attr) { .heads = 1 },
      .in = { { 1, { 2, { 0, 384 } } } } },
    { "attention", "heads of 1", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct attention_attr) { .heads = 3 },
      .in = { { 1, { 2, { 0, 9 } } } } },

    // attention_match (its lse is any number: the weights need not sum to 1)
#define MATCH(n, lengths, cap, H, D, F, lo, hi, top) { "attention_match", n, \
    .layout = { { CASE_LIST lengths, .cap_tokens = cap } }, \
    .in = { { 1, { 2, { 0, (H) * (F) } }, lo, hi }, { 1, { 2, { 0, (H) * (F) } }, 0.01, 1 }, \
            { 1, { 2, { 0, 3 * (H) * (D) } } }, { 1, { 2, { 0, (H) } }, (top) - 0.5, top } }, \
    .attr = &(struct attention_match_attr) { .heads = (H) } }
#define CASE_LIST(...) { __VA_ARGS__ }
    MATCH("one", (1), 0, 1, 1, 1, 0.01, 1, 1.0),
    MATCH("heads of 1, features of 3", (1, 3, 13, 37, 65), 0, 3, 1, 3, 0.01, 1, 3.5),
    MATCH("all lengths, heads of 4, features of 8", (1, 2, 15, 16, 17, 31, 33, 65), 0, 2, 4, 8, 0.01, 1, 4.0),
    MATCH("all lengths, heads of 3, features of 5", (1, 2, 15, 16, 17, 31, 33, 65), 70, 2, 3, 5, 0.01, 1, 4.0),
    MATCH("197 tokens", (197, 3), 0, 1, 4, 4, 0.01, 1, 5.0),
    MATCH("heads of 32, features of 64, dead rows", (24, 1, 33), 37, 3, 32, 64, 0.01, 1, 3.5),
    MATCH("heads of 32, features of 32", (16, 17), 0, 2, 32, 32, 0.01, 1, 3.0),
    MATCH("heads of 13, features of 26, dead rows", (3, 1, 13), 37, 3, 13, 26, 0.01, 1, 2.5),
    MATCH("heads of 37, features of 65", (37, 2), 65, 1, 37, 65, 0.01, 1, 3.5),
    MATCH("heads of 64, features of 128", (13, 33), 0, 1, 64, 128, 0.01, 1, 3.5),
    MATCH("heads of 128, features of 256", (13, 3), 15, 1, 128, 256, 0.01, 1, 3.0),
    MATCH("heads of 4, features of 1, queries at the floor", (13, 3), 15, 3, 4, 1, -1, 1, 2.5),
    MATCH("heads of 4, features of 4, all at the floor", (3, 1), 13, 3, 4, 4, -1, -0.01, 1.0),
    { "attention_match", "features of 1, keys at the floor, own scale", .layout = { { { 15, 2 }, .cap_tokens = 16 } },
      .in = { { 1, { 2, { 0, 3 } }, 0.1, 1 }, { 1, { 2, { 0, 3 } } }, { 1, { 2, { 0, 27 } } },
              { 1, { 2, { 0, 3 } }, 2, 3 } },
      .attr = &(struct attention_match_attr) { .heads = 3, .scale = 0.3f } },

    // attention_stats (scores far enough apart that no weight is within rounding of 1 / n)
#define STATS(n, lengths, cap, first, dropped, H, D, lo, hi, own_scale) { "attention_stats", n, \
    .layout = { { CASE_LIST lengths, .cap_tokens = cap, .prefix = first, .holes = dropped } }, \
    .in = { { 1, { 2, { 0, 3 * (H) * (D) } }, lo, hi } }, \
    .attr = &(struct attention_stats_attr) { .heads = (H), .scale = own_scale } }
    STATS("all even", (1, 2, 10, 65), 67, 1, false, 1, 1, 1, 1, 0),
    STATS("uneven, dead rows", (1, 3, 13, 65), 67, 0, false, 3, 13, -1, 1, 0),
    STATS("class token, dead rows", (1, 2, 3, 13, 65), 67, 1, false, 3, 13, -1, 1, 0),
    STATS("class token, tokens dropped", (24, 2, 1, 33), 80, 1, true, 2, 32, -1, 1, 0),
    STATS("one head of 65, own scale", (37, 200), 0, 1, false, 1, 65, -1, 1, 0.3f),
    STATS("large scores", (13, 33), 0, 1, false, 2, 64, -3, 3, 1),

    // class_attention (its lse is any number: the weights need not sum to 1)
#define CLASS(n, lengths, cap, dropped, H, D, own_scale) { "class_attention", n, \
    .layout = { { CASE_LIST lengths, .cap_tokens = cap, .prefix = 1, .holes = dropped } }, \
    .in = { { 1, { 2, { 0, 3 * (H) * (D) } } }, { 1, { 2, { 0, (H) } }, 1, 3 } }, \
    .attr = &(struct class_attention_attr) { .heads = (H), .scale = own_scale } }
    CLASS("one", (1), 0, false, 1, 1, 0),
    CLASS("all lengths, heads of 1", (1, 2, 15, 16, 17, 31, 33, 197), 0, false, 3, 1, 0),
    CLASS("all lengths, heads of 4, tokens dropped", (1, 2, 15, 16, 17, 31, 33, 197), 400, true, 2, 4, 0),
    CLASS("heads of 13, dead rows, own scale", (3, 1, 13), 37, false, 5, 13, 0.5f),
    CLASS("heads of 32, tokens dropped", (24, 1, 33), 80, true, 3, 32, 0),
    CLASS("heads of 37", (37, 2), 65, true, 1, 37, 0),
    CLASS("heads of 64, large scores", (13, 33), 0, false, 2, 64, 1),
    CLASS("65 heads of 3", (3, 17), 0, false, 65, 3, 0),
    CLASS("heads of 128", (13, 3), 15, false, 2, 128, 0),
    CLASS("1025 tokens", (1025, 65), 0, false, 1, 8, 0),
    // compact (`to` is found with other words than it gets)
#define COMPACT(n, lengths, cap, lo, hi, ...) { "compact", n, \
    .layout = { { CASE_LIST lengths, .cap_tokens = cap, .holes = true, __VA_ARGS__ }, \
                { CASE_LIST lengths, .cap_tokens = cap, .made = true, __VA_ARGS__ } }, \
    .to = 2, .in = { { 1, { 1, { 0 } }, lo, hi } } }
    COMPACT("one, kept", (1), 0, 1, 1, .prefix = 0),
    COMPACT("all kept", (1, 2, 15, 16, 17, 31, 33, 65), 65, 1, 1, .prefix = 1, .grid_h = 8, .grid_w = 8),
    COMPACT("half", (1, 2, 15, 16, 17, 31, 33, 65), 65, 0, 1, .prefix = 1, .grid_h = 8, .grid_w = 8),
    COMPACT("a tenth dropped, holes", (197, 3, 37), 400, 0, 9, .prefix = 1),
    COMPACT("long", (1025, 13, 197, 1), 1025, 0, 1, .prefix = 1, .grid_h = 32, .grid_w = 32),

    // cosine
    { "cosine", "ragged", .layout = { { { 1, 3, 13, 37, 65 } } },
      .in = { { 1, { 2, { 0, 13 } } }, { 1, { 2, { 0, 13 } } } } },
    { "cosine", "two groups of columns, dead rows", .layout = { { { 3, 1, 37 }, .cap_tokens = 40 } },
      .in = { { 1, { 2, { 0, 65 } } }, { 1, { 2, { 0, 65 } } } } },
    { "cosine", "one column, dropped tokens", .layout = { { { 2, 17 }, .cap_tokens = 37, .holes = true } },
      .in = { { 1, { 2, { 0, 1 } } }, { 1, { 2, { 0, 1 } } } } },
    { "cosine", "197 tokens, nearly alike", .layout = { { { 197, 64 }, .prefix = 1 } },
      .in = { { 1, { 2, { 0, 32 } }, 1, 1.5 }, { 1, { 2, { 0, 32 } }, 1, 1.5 } } },

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
      .in = { { 0, { 2, { 3, 1 } } }, { 0, { 1, { 3 } }, 0, 1e-9 } } },
    { "cross_entropy", "labels out of range", .attr = &(struct cross_entropy_attr) { .smoothing = 0.1f },
      .in = { { 0, { 2, { 37, 3 } } }, { 0, { 1, { 37 } }, 0, 5 } } },
    { "cross_entropy", "two labels", .attr = &(struct cross_entropy_attr) { .smoothing = 0.0f },
      .in = { { 0, { 2, { 1, 3 } } }, { 0, { 1, { 1 } }, 0, 2 }, { 0, { 1, { 1 } }, 0, 2 }, { 0, { 1, { 1 } }, 0.1, 0.9 } } },
    { "cross_entropy", "two labels, packed", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct cross_entropy_attr) { .smoothing = 0.1f },
      .in = { { 1, { 2, { 0, 13 } } }, { 1, { 1, { 0 } }, 0, 12 }, { 1, { 1, { 0 } }, 0, 12 }, { 1, { 1, { 0 } }, 0, 1 } } },
    { "cross_entropy", "two labels, dead rows", .layout = { { { 3, 32 }, .cap_tokens = 37 } }, .attr = &(struct cross_entropy_attr) { .smoothing = 0.2f },
      .in = { { 1, { 2, { 0, 64 } }, -5, 5 }, { 1, { 1, { 0 } }, 0, 63 }, { 1, { 1, { 0 } }, 0, 63 }, { 1, { 1, { 0 } }, 0, 1 } } },
    { "cross_entropy", "two labels, out of range", .attr = &(struct cross_entropy_attr) { .smoothing = 0.1f },
      .in = { { 0, { 2, { 65, 3 } } }, { 0, { 1, { 65 } }, 0, 5 }, { 0, { 1, { 65 } }, 0, 5 }, { 0, { 1, { 65 } }, 0, 1 } } },
    { "cross_entropy", "two labels, all smoothed", .attr = &(struct cross_entropy_attr) { .smoothing = 1.0f },
      .in = { { 0, { 2, { 3, 1 } } }, { 0, { 1, { 3 } }, 0, 1e-9 }, { 0, { 1, { 3 } }, 0, 1e-9 }, { 0, { 1, { 3 } }, 0, 1 } } },

    // drop_path
    { "drop_path", "one", .layout = { { { 1 } } }, .attr = &(struct drop_path_attr) { .rate = 0.3f },
      .in = { { 1, { 2, { 0, 1 } } }, { 0, { 1, { 2 } }, 0, 4294967295.0 } } },
    { "drop_path", "uneven", .layout = { { { 1, 3, 13, 37, 65, 2, 17, 31 } } }, .attr = &(struct drop_path_attr) { .rate = 0.5f, .stream = 3 },
      .in = { { 1, { 2, { 0, 13 } } }, { 0, { 1, { 2 } }, 0, 4294967295.0 } } },
    { "drop_path", "uneven, dead rows", .layout = { { { 65, 1, 3, 13, 197, 37, 5 }, .cap_tokens = 200 } },
      .attr = &(struct drop_path_attr) { .rate = 0.4f, .stream = 255 },
      .in = { { 1, { 2, { 0, 37 } } }, { 0, { 1, { 2 } }, 0, 4294967295.0 } } },
    { "drop_path", "dropped tokens, wide", .layout = { { { 13, 31, 3, 65 }, .cap_tokens = 67, .prefix = 1, .holes = true } },
      .attr = &(struct drop_path_attr) { .rate = 0.9f, .stream = 1 },
      .in = { { 1, { 2, { 0, 65 } } }, { 0, { 1, { 2 } }, 0, 4294967295.0 } } },
    { "drop_path", "whole vectors, a rate of 0", .layout = { { { 64, 33 } } }, .attr = &(struct drop_path_attr) { .rate = 0.0f },
      .in = { { 1, { 2, { 0, 64 } } }, { 0, { 1, { 2 } }, 0, 4294967295.0 } } },

    // dwconv
    { "dwconv", "one", .layout = { { { 1 }, .grid_h = 1, .grid_w = 1 } }, .attr = &(struct dwconv_attr) { .col0 = 0 },
      .in = { { 1, { 2, { 0, 1 } } }, { 0, { 3, { 1, 3, 3 } } }, { 0, { 1, { 1 } } } } },
    { "dwconv", "class token", .layout = { { { 10, 10 }, .prefix = 1, .grid_h = 3, .grid_w = 3 } }, .attr = &(struct dwconv_attr) { .col0 = 6 },
      .in = { { 1, { 2, { 0, 9 } } }, { 0, { 3, { 3, 3, 3 } } }, { 0, { 1, { 3 } } } } },
    { "dwconv", "uneven, 5 x 5", .layout = { { { 1, 3, 13, 37, 65 }, .grid_h = 5, .grid_w = 13 } }, .attr = &(struct dwconv_attr) { .col0 = 3 },
      .in = { { 1, { 2, { 0, 37 } } }, { 0, { 3, { 13, 5, 5 } } }, { 0, { 1, { 13 } } } } },
    { "dwconv", "tokens dropped", .layout = { { { 13, 31, 3, 65 }, .cap_tokens = 65, .prefix = 1, .grid_h = 8, .grid_w = 8, .holes = true } }, .attr = &(struct dwconv_attr) { .col0 = 1 },
      .in = { { 1, { 2, { 0, 66 } } }, { 0, { 3, { 65, 3, 3 } } }, { 0, { 1, { 65 } } } } },
    { "dwconv", "tokens dropped, four channels a lane", .layout = { { { 13, 31, 3, 65 }, .cap_tokens = 67, .prefix = 1, .grid_h = 8, .grid_w = 8, .holes = true } }, .attr = &(struct dwconv_attr) { .col0 = 8 },
      .in = { { 1, { 2, { 0, 48 } } }, { 0, { 3, { 36, 3, 3 } } }, { 0, { 1, { 36 } } } } },
    { "dwconv", "no bias, 5 x 5, four channels a lane", .layout = { { { 13, 5 }, .cap_tokens = 37, .prefix = 1, .grid_h = 3, .grid_w = 12 } }, .attr = &(struct dwconv_attr) { .col0 = 0 },
      .in = { { 1, { 2, { 0, 4 } } }, { 0, { 3, { 4, 5, 5 } } } } },
    { "dwconv", "no bias, one line", .layout = { { { 3, 13 }, .cap_tokens = 37, .grid_h = 1, .grid_w = 37 } }, .attr = &(struct dwconv_attr) { .col0 = 0 },
      .in = { { 1, { 2, { 0, 37 } } }, { 0, { 3, { 37, 3, 3 } } } } },
    { "dwconv", "tokens beyond the grid", .layout = { { { 13, 5 }, .cap_tokens = 37, .prefix = 3, .grid_h = 3, .grid_w = 2 } }, .attr = &(struct dwconv_attr) { .col0 = 0 },
      .in = { { 1, { 2, { 0, 3 } } }, { 0, { 3, { 3, 1, 1 } } }, { 0, { 1, { 3 } } } } },

    // vit_tokens
    { "vit_tokens", "one", .layout = { { { 1 } }, { { 2 }, .prefix = 1 } },
      .in = { { 1, { 2, { 0, 1 } } }, { 0, { 2, { 2, 1 } } }, { 0, { 1, { 1 } } } }, .to = 2 },
    { "vit_tokens", "dense", .layout = { { { 13, 13, 13 } }, { { 14, 14, 14 }, .prefix = 1 } },
      .in = { { 1, { 2, { 0, 37 } } }, { 0, { 2, { 14, 37 } } }, { 0, { 1, { 37 } } } }, .to = 2 },
    { "vit_tokens", "uneven", .layout = { { { 1, 3, 13, 36, 64 } }, { { 2, 4, 14, 37, 65 }, .prefix = 1 } },
      .in = { { 1, { 2, { 0, 65 } } }, { 0, { 2, { 65, 65 } } }, { 0, { 1, { 65 } } } }, .to = 2 },
    { "vit_tokens", "tokens dropped", .layout = { { { 37, 37 } }, { { 13, 38 }, .cap_tokens = 38, .prefix = 1, .holes = true } },
      .in = { { 1, { 2, { 0, 13 } } }, { 0, { 2, { 38, 13 } } }, { 0, { 1, { 13 } } } }, .to = 2 },
    { "vit_tokens", "patches dropped", .layout = { { { 5, 1 }, .cap_tokens = 13, .holes = true }, { { 16, 16 }, .prefix = 3 } },
      .in = { { 1, { 2, { 0, 3 } } }, { 0, { 2, { 16, 3 } } }, { 0, { 1, { 3 } } } }, .to = 2 },

    { "vit_tokens", "registers", .layout = { { { 13, 3, 37 }, .cap_tokens = 37 }, { { 18, 8, 42 }, .cap_tokens = 42, .prefix = 5 } },
      .in = { { 1, { 2, { 0, 37 } } }, { 0, { 2, { 42, 37 } } }, { 0, { 1, { 37 } } }, { 0, { 2, { 4, 37 } } } }, .to = 2 },
    { "vit_tokens", "registers, positions of patches", .layout = { { { 13, 3 }, .cap_tokens = 13 }, { { 18, 8 }, .cap_tokens = 18, .prefix = 5 } },
      .in = { { 1, { 2, { 0, 65 } } }, { 0, { 2, { 13, 65 } } }, { 0, { 1, { 65 } } }, { 0, { 2, { 4, 65 } } } }, .to = 2 },
    { "vit_tokens", "one patch, one more token", .layout = { { { 1 } }, { { 3 }, .prefix = 2 } },
      .in = { { 1, { 2, { 0, 1 } } }, { 0, { 2, { 1, 1 } } }, { 0, { 1, { 1 } } }, { 0, { 2, { 1, 1 } } } }, .to = 2 },

    // feature_map
    { "feature_map", "elu, one", .layout = { { { 1 } } }, .attr = &(struct feature_map_attr) { .heads = 1, .head_dim = 1 },
      .in = { { 1, { 2, { 0, 1 } } } } },
    { "feature_map", "elu, uneven", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct feature_map_attr) { .heads = 3, .head_dim = 13, .col0 = 3 },
      .in = { { 1, { 2, { 0, 65 } }, -3, 3 } } },
    { "feature_map", "elu, dead rows", .layout = { { { 37, 3 }, .cap_tokens = 65 } }, .attr = &(struct feature_map_attr) { .heads = 1, .head_dim = 37 },
      .in = { { 1, { 2, { 0, 37 } } } } },
    { "feature_map", "hedgehog, one", .layout = { { { 1 } } }, .attr = &(struct feature_map_attr) { .heads = 1, .head_dim = 1, .kind = FEATURE_MAP_HEDGEHOG },
      .in = { { 1, { 2, { 0, 1 } } }, { 0, { 3, { 1, 1, 1 } } } } },
    { "feature_map", "hedgehog, uneven", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct feature_map_attr) { .heads = 3, .head_dim = 3, .col0 = 4, .kind = FEATURE_MAP_HEDGEHOG },
      .in = { { 1, { 2, { 0, 13 } } }, { 0, { 3, { 3, 3, 3 } } } } },
    { "feature_map", "hedgehog, heads of 32", .layout = { { { 65, 65, 37 }, .cap_tokens = 65 } }, .attr = &(struct feature_map_attr) { .heads = 3, .head_dim = 32, .col0 = 96, .kind = FEATURE_MAP_HEDGEHOG },
      .in = { { 1, { 2, { 0, 288 } } }, { 0, { 3, { 3, 32, 32 } } } } },
    { "feature_map", "hedgehog, heads of 4", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct feature_map_attr) { .heads = 3, .head_dim = 4, .col0 = 8, .kind = FEATURE_MAP_HEDGEHOG },
      .in = { { 1, { 2, { 0, 24 } } }, { 0, { 3, { 3, 4, 4 } } } } },
    { "feature_map", "hedgehog, heads of 36, large", .layout = { { { 13, 3 }, .cap_tokens = 37 } }, .attr = &(struct feature_map_attr) { .heads = 1, .head_dim = 36, .kind = FEATURE_MAP_HEDGEHOG },
      .in = { { 1, { 2, { 0, 40 } }, -9, 9 }, { 0, { 3, { 1, 36, 36 } } } } },
    { "feature_map", "hedgehog, heads of 65", .layout = { { { 3, 13 }, .cap_tokens = 37 } }, .attr = &(struct feature_map_attr) { .heads = 1, .head_dim = 65, .kind = FEATURE_MAP_HEDGEHOG },
      .in = { { 1, { 2, { 0, 65 } } }, { 0, { 3, { 1, 65, 65 } } } } },
    { "feature_map", "hedgehog, large", .layout = { { { 13, 1 } } }, .attr = &(struct feature_map_attr) { .heads = 1, .head_dim = 37, .kind = FEATURE_MAP_HEDGEHOG },
      .in = { { 1, { 2, { 0, 37 } }, -9, 9 }, { 0, { 3, { 1, 37, 37 } } } } },

    // first_rows
    { "first_rows", "one", .layout = { { { 1 } }, { { 1 } } }, .in = { { 1, { 2, { 0, 1 } } } }, .to = 2 },
    { "first_rows", "uneven", .layout = { { { 1, 3, 13, 37, 65 }, .prefix = 1 }, { { 1, 1, 1, 1, 1 } } },
      .in = { { 1, { 2, { 0, 37 } } } }, .to = 2 },
    { "first_rows", "dead rows", .layout = { { { 3, 1, 13 }, .cap_tokens = 37 }, { { 1, 1, 1 }, .cap_tokens = 3 } },
      .in = { { 1, { 2, { 0, 65 } } } }, .to = 2 },

    { "first_rows", "second", .layout = { { { 3, 1, 13 }, .cap_tokens = 37 }, { { 1, 1, 1 }, .cap_tokens = 3 } },
      .in = { { 1, { 2, { 0, 13 } } } }, .to = 2, .attr = &(struct first_rows_attr) { .index = 1 } },

    // gaps
#define GAPS(n, lengths, cap, dropped, W, w, d) { "gaps", n, \
    .layout = { { CASE_LIST lengths, .cap_tokens = cap, .holes = dropped } }, \
    .in = { { 1, { 2, { 0, W } } } }, .attr = &(struct gaps_attr) { .width = w, .dirs = d } }
    GAPS("one", (1), 0, false, 1, 1, 1),
    GAPS("all lengths, dense", (1, 2, 15, 16, 17, 31, 33, 197), 0, false, 6, 1, 2),
    GAPS("all lengths, tokens dropped, one direction", (1, 2, 15, 16, 17, 31, 33, 197), 400, true, 13, 13, 1),
    GAPS("all lengths, tokens dropped", (1, 2, 15, 16, 17, 31, 33, 197), 400, true, 78, 13, 2),
    GAPS("tokens dropped, streams of 65", (13, 3, 1), 37, true, 130, 65, 2),
    GAPS("tokens dropped, one column a stream, vec4", (33, 1, 17, 65), 140, true, 12, 1, 2),
    GAPS("tokens dropped, streams of 3, vec4", (33, 2, 15), 80, true, 12, 3, 2),
    GAPS("tokens dropped, streams of 32, vec4", (33, 2, 17, 16), 80, true, 192, 32, 2),
    GAPS("tokens dropped, one direction of 64, vec4", (65, 1), 131, true, 64, 64, 1),
    GAPS("1025 tokens, vec4", (1025, 31), 0, false, 8, 2, 2),
    // gather_rows
#define GATHER(n, from, cap, to, C, hi) { "gather_rows", n, \
    .layout = { { CASE_LIST from, .cap_tokens = cap }, { CASE_LIST to, .cap_tokens = cap } }, \
    .in = { { 1, { 2, { 0, C } } }, { 2, { 1, { 0 } }, 0, hi, .rising = true } } }
    GATHER("one", (1), 0, (1), 1, 0.5),
    GATHER("every row", (1, 2, 15, 16, 17, 31, 33), 37, (1, 2, 15, 16, 17, 31, 33), 13, 114),
    GATHER("odd sizes", (1, 3, 13, 37, 65), 0, (1, 2, 13, 16, 20), 37, 118),
    GATHER("rows of 64", (37, 1, 16), 40, (17, 1, 2), 64, 53),
    GATHER("wide", (13, 3), 0, (1, 7), 1000, 15),
    GATHER("long", (1025, 197, 31, 33, 2), 0, (513, 100, 15, 16, 1), 4, 1287),
    GATHER("long, odd", (1025, 197), 0, (1, 1024), 3, 1221),
    GATHER("sources beyond x", (3), 0, (3), 32, 29),
    GATHER("sources beyond x, odd", (3), 0, (3), 5, 29),

    // embed
#define EMBED(n, lengths, cap, V, C, T, hi) { "embed", n, .layout = { { CASE_LIST lengths, .cap_tokens = cap } }, \
    .in = { { 1, { 1, { 0 } }, 0, hi }, { 0, { 2, { V, C } } }, { 0, { (T) ? 2 : 0, { T, C } } } } }
    EMBED("one", (1), 0, 1, 1, 1, 0.5), EMBED("every id once or more", (37, 1, 13, 3), 40, 13, 37, 40, 12.9),
    EMBED("no positions, dead rows", (65, 3), 70, 37, 65, 0, 36.9), EMBED("one id", (13, 65), 65, 3, 13, 65, 0.5),
    EMBED("more positions than tokens", (13, 3), 13, 5, 3, 20, 4.9),
    EMBED("ids beyond the table", (13, 37), 37, 5, 3, 37, 12.9), EMBED("large table", (130, 65, 1), 130, 1000, 130, 130, 999),
    // clamp
    { "clamp", "plain", .in = { { 0, { 2, { 13, 37 } }, -2, 2 } }, .attr = &(struct clamp_attr) { 0.75f } },
    { "clamp", "one", .in = { { 0, { 2, { 1, 1 } } } }, .attr = &(struct clamp_attr) { 2.0f } },
    { "clamp", "packed, dead rows", { { { 3, 1, 13 }, 37 } }, { { 1, { 2, { 0, 65 } }, -9, 9 } },
      .attr = &(struct clamp_attr) { 8.0f } },
    // gelu
    { "gelu", "plain", .in = { { 0, { 2, { 13, 37 } }, -6, 6 } } },
    { "gelu", "one", .in = { { 0, { 2, { 1, 1 } } } } },
    { "gelu", "packed", { { { 3, 1, 13 }, 37 } }, { { 1, { 2, { 0, 65 } }, -3, 3 } } },

    // hoyer_square
#define HOYER(H, dirs, D, I) { "hoyer_square", "units of " #D ", inputs of " #I, \
    .in = { { 0, { 3, { H, (dirs) * 4 * (D), I } } }, { 0, { 3, { (H) * (dirs), 4 * (D), D } } } } }
    HOYER(1, 1, 1, 1), HOYER(3, 2, 3, 13), HOYER(1, 2, 13, 3), HOYER(2, 1, 37, 32), HOYER(2, 2, 32, 32),
    HOYER(70, 1, 2, 5), HOYER(1, 1, 65, 65),

    // keep_top
#define KEEP(n, lengths, cap, dropped, k, first, lo, hi) { "keep_top", n, \
    .layout = { { CASE_LIST lengths, .cap_tokens = cap, .prefix = first, .holes = dropped } }, \
    .in = { { 1, { 1, { 0 } }, lo, hi } }, \
    .attr = &(struct keep_top_attr) { .count = k, .prefix = first } }
    KEEP("one", (1), 0, false, 1, 0, -1, 1),
    KEEP("all lengths", (1, 2, 15, 16, 17, 31, 33, 197), 0, false, 16, 1, 0, 1),
    KEEP("all lengths, tokens dropped", (1, 2, 15, 16, 17, 31, 33, 197), 400, true, 13, 1, -1, 1),
    KEEP("a prefix of 3, dead rows", (37, 3, 13), 65, false, 3, 3, -1, 1),
    KEEP("none but the prefix", (37, 1, 13), 65, false, 0, 1, -1, 1),
    KEEP("no prefix, all equal", (33, 65, 2), 80, true, 17, 0, 0.25, 0.25),
    KEEP("1025 tokens", (1025, 65), 0, false, 717, 1, 0, 0.01),
    // halt (scores lie in 0.05 .. 0.6; prev gives tokens that run, that reach the threshold and that are done)
    { "halt", "one token, first block", .layout = { { { 1 } } }, .attr = &(struct halt_attr) { .eps = 0.01f },
      .in = { { 1, { 2, { 0, 1 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 } } },
    { "halt", "first block, some done", .layout = { { { 1, 2, 15, 16, 17, 31, 33, 197 }, .prefix = 1 } },
      .attr = &(struct halt_attr) { .eps = 0.7f, .kept = 1 },
      .in = { { 1, { 2, { 0, 3 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 } } },
    { "halt", "all lengths, dead rows", .layout = { { { 1, 2, 15, 16, 17, 31, 33, 197 }, .cap_tokens = 200 } },
      .attr = &(struct halt_attr) { .eps = 0.01f, .kept = 1 },
      .in = { { 1, { 2, { 0, 1 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 }, { 1, { 2, { 0, 4 } }, 0.01, 2.5 } } },
    { "halt", "long, dropped tokens", .layout = { { { 33, 197, 1, 64 }, .cap_tokens = 400, .prefix = 1, .holes = true } },
      .attr = &(struct halt_attr) { .eps = 0.01f, .kept = 1 },
      .in = { { 1, { 2, { 0, 13 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 }, { 1, { 2, { 0, 4 } }, 0.01, 1.5 } } },
    { "halt", "1025 tokens", .layout = { { { 1025, 3 } } }, .attr = &(struct halt_attr) { .eps = 0.01f, .kept = 2 },
      .in = { { 1, { 2, { 0, 1 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 }, { 1, { 2, { 0, 4 } }, 0.4, 2.4 } } },
    { "halt", "all running", .layout = { { { 37, 65 } } }, .attr = &(struct halt_attr) { .eps = 0.01f },
      .in = { { 1, { 2, { 0, 32 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 }, { 1, { 2, { 0, 4 } }, 0.05, 0.3 } } },
    { "halt", "all done before", .layout = { { { 13, 3 }, .cap_tokens = 37 } },
      .attr = &(struct halt_attr) { .eps = 0.01f, .kept = 3 },
      .in = { { 1, { 2, { 0, 64 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 }, { 1, { 2, { 0, 4 } }, 2, 2.5 } } },
    { "halt", "last block", .layout = { { { 65, 3, 17 } } },
      .attr = &(struct halt_attr) { .eps = 0.01f, .last = 1, .kept = 1 },
      .in = { { 1, { 2, { 0, 37 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 }, { 1, { 2, { 0, 4 } }, 0.1, 2.5 } } },
    { "halt", "last block is the first", .layout = { { { 3, 13 }, .cap_tokens = 15 } },
      .attr = &(struct halt_attr) { .eps = 0.01f, .last = 1 },
      .in = { { 1, { 2, { 0, 3 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 } } },

    // halt_loss
    { "halt_loss", "one layer", .attr = &(struct halt_loss_attr) { HALT_TARGET_NORMALISED, 0.0f, 1.0f },
      .in = { { 0, { 2, { 1, 4 } }, 0.1, 1 }, { 0, { 1, { 4 } }, 0.1, 1 } } },
    { "halt_loss", "12 layers, released", .attr = &(struct halt_loss_attr) { HALT_TARGET_RELEASED, 8.0f, 1.0f },
      .in = { { 0, { 2, { 12, 4 } }, 0.1, 1 }, { 0, { 1, { 4 } }, 0.1, 1 } } },
    { "halt_loss", "3 layers, some clamped", .attr = &(struct halt_loss_attr) { HALT_TARGET_RELEASED, 0.5f, 0.7f },
      .in = { { 0, { 2, { 3, 4 } }, -0.2, 1 }, { 0, { 1, { 4 } }, 0.1, 1 } } },
    { "halt_loss", "13 layers, mean past the end",
      .attr = &(struct halt_loss_attr) { HALT_TARGET_NORMALISED, 40.0f, 3.0f },
      .in = { { 0, { 2, { 13, 4 } }, 0.1, 1 }, { 0, { 1, { 4 } } } } },
    { "halt_loss", "65 layers", .attr = &(struct halt_loss_attr) { HALT_TARGET_NORMALISED, 20.5f, 9.0f },
      .in = { { 0, { 2, { 65, 4 } }, 0.01, 1 }, { 0, { 1, { 4 } }, 0.1, 1 } } },
    { "halt_loss", "128 layers, some clamped",
      .attr = &(struct halt_loss_attr) { HALT_TARGET_RELEASED, 100.0f, 20.0f },
      .in = { { 0, { 2, { 128, 4 } }, 0.01, 1 }, { 0, { 1, { 4 } }, 0.1, 1 } } },
    { "halt_loss", "no scores", .attr = &(struct halt_loss_attr) { HALT_TARGET_RELEASED, 2.0f, 1.0f },
      .in = { { 0, { 2, { 4, 4 } }, -0.1, 1e-40 }, { 0, { 1, { 4 } }, 0.1, 1 } } },

    // halt_match (prev gives tokens that run and that are done; scores lie in 0.05 .. 0.95)
    { "halt_match", "one token, first block", .layout = { { { 1 } } },
      .attr = &(struct halt_match_attr) { .eps = 0.01f, .tau = 0.1f, .weight = 5.0f },
      .in = { { 1, { 2, { 0, 2 } } }, { 1, { 2, { 0, 4 } }, 0.05, 0.95 } } },
    { "halt_match", "all lengths, dead rows", .layout = { { { 1, 2, 15, 16, 17, 31, 33, 197 }, .cap_tokens = 200 } },
      .attr = &(struct halt_match_attr) { .eps = 0.01f, .tau = 0.3f, .weight = 5.0f, .kept = 1 },
      .in = { { 1, { 2, { 0, 2 } }, -2, 3 }, { 1, { 2, { 0, 4 } }, 0.05, 0.95 }, { 1, { 2, { 0, 4 } }, 0.01, 2.5 } } },
    { "halt_match", "dropped tokens, no weight",
      .layout = { { { 64, 1, 33, 3 }, .cap_tokens = 150, .prefix = 1, .holes = true } },
      .attr = &(struct halt_match_attr) { .eps = 0.01f, .tau = 0.1f, .kept = 2 },
      .in = { { 1, { 2, { 0, 2 } }, -5, 5 }, { 1, { 2, { 0, 4 } }, 0.01, 0.99 }, { 1, { 2, { 0, 4 } }, 0, 3 } } },
    { "halt_match", "1025 tokens", .layout = { { { 1025, 17, 1025 } } },
      .attr = &(struct halt_match_attr) { .eps = 0.2f, .tau = 0.05f, .weight = 1.0f, .kept = 1 },
      .in = { { 1, { 2, { 0, 2 } }, 0, 1.5 }, { 1, { 2, { 0, 4 } }, 0.3, 0.6 }, { 1, { 2, { 0, 4 } }, 0, 0.6 } } },
    { "halt_match", "all done before", .layout = { { { 13, 3 }, .cap_tokens = 37 } },
      .attr = &(struct halt_match_attr) { .eps = 0.01f, .tau = 0.1f, .weight = 5.0f },
      .in = { { 1, { 2, { 0, 2 } } }, { 1, { 2, { 0, 4 } } }, { 1, { 2, { 0, 4 } }, 2, 2.5 } } },
    { "halt_match", "no token counts", .layout = { { { 1, 1, 1 } } },
      .attr = &(struct halt_match_attr) { .eps = 0.01f, .tau = 0.1f, .weight = 5.0f, .kept = 1 },
      .in = { { 1, { 2, { 0, 2 } } }, { 1, { 2, { 0, 4 } } } } },

    // halt_soft
    { "halt_soft", "one token, first block", .layout = { { { 1 } } }, .attr = &(struct halt_soft_attr) { 0 },
      .in = { { 1, { 2, { 0, 1 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 } } },
    { "halt_soft", "all lengths, dead rows", .layout = { { { 1, 2, 15, 16, 17, 31, 33, 197 }, .cap_tokens = 200 } },
      .attr = &(struct halt_soft_attr) { .kept = 1 },
      .in = { { 1, { 2, { 0, 3 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 }, { 1, { 2, { 0, 2 } }, 0, 3 } } },
    { "halt_soft", "long, dropped tokens",
      .layout = { { { 33, 197, 1, 64 }, .cap_tokens = 400, .prefix = 1, .holes = true } },
      .attr = &(struct halt_soft_attr) { .kept = 1 },
      .in = { { 1, { 2, { 0, 13 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 }, { 1, { 2, { 0, 2 } }, 0.01, 1.5 } } },
    { "halt_soft", "1025 tokens, far scores", .layout = { { { 1025, 3 } } }, .attr = &(struct halt_soft_attr) { 2 },
      .in = { { 1, { 2, { 0, 64 } }, -9, 9 }, { 0, { 1, { 4 } }, 0.5, 1.5 }, { 1, { 2, { 0, 2 } }, 0.4, 2.4 } } },
    { "halt_soft", "no token has a score", .layout = { { { 1, 1 }, .cap_tokens = 3 } },
      .attr = &(struct halt_soft_attr) { .kept = 1 },
      .in = { { 1, { 2, { 0, 37 } } }, { 0, { 1, { 4 } }, 0.5, 1.5 } } },

    // halt_tally (values around HALT_DONE)
    { "halt_tally", "one token", .layout = { { { 1 } } }, .attr = &(struct halt_tally_attr) { .layers = 1 },
      .in = { { 1, { 2, { 0, 4 } }, 1, 3 } } },
    { "halt_tally", "all lengths, dead rows", .layout = { { { 1, 2, 15, 16, 17, 31, 33, 197 }, .cap_tokens = 200 } },
      .attr = &(struct halt_tally_attr) { .layers = 12, .layer = 11, .kept = 1 },
      .in = { { 1, { 2, { 0, 4 } }, 1, 3 }, { 1, { 2, { 0, 4 } }, 1, 3 } } },
    { "halt_tally", "first block, dropped tokens",
      .layout = { { { 64, 1, 33, 3 }, .cap_tokens = 150, .prefix = 1, .holes = true } },
      .attr = &(struct halt_tally_attr) { .layers = 3, .kept = 2 },
      .in = { { 1, { 2, { 0, 4 } }, 0, 3 } } },
    { "halt_tally", "1025 tokens", .layout = { { { 1025, 17, 1025 } } },
      .attr = &(struct halt_tally_attr) { .layers = 37, .layer = 13 },
      .in = { { 1, { 2, { 0, 4 } }, 1.5, 3 }, { 1, { 2, { 0, 4 } }, 0, 2.2 } } },
    { "halt_tally", "no token counts", .layout = { { { 1, 1, 1 } } },
      .attr = &(struct halt_tally_attr) { .layers = 2, .layer = 1, .kept = 1 },
      .in = { { 1, { 2, { 0, 4 } }, 1, 3 }, { 1, { 2, { 0, 4 } }, 0, 2 } } },

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
    { "layernorm", "plain, wide", .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 0, { 2, { 3, 1000 } } }, { 0, { 1, { 1000 } } }, { 0, { 1, { 1000 } } } } },
    { "layernorm", "packed", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 1, { 2, { 0, 37 } } }, { 0, { 1, { 37 } } }, { 0, { 1, { 37 } } } } },
    { "layernorm", "packed", .layout = { { { 65, 1, 37 }, .cap_tokens = 65 } }, .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 1, { 2, { 0, 96 } } }, { 0, { 1, { 96 } } }, { 0, { 1, { 96 } } } } },
    { "layernorm", "packed, far from zero", .layout = { { { 3, 1 }, .cap_tokens = 13 } }, .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 1, { 2, { 0, 65 } }, 99, 101 }, { 0, { 1, { 65 } } }, { 0, { 1, { 65 } } } } },

    // linear
    { "linear", "one", .in = { { 0, { 2, { 1, 1 } } }, { 0, { 2, { 1, 1 } } }, { 0, { 1, { 1 } } } },
      .attr = &(struct linear_attr) { 0 } },
    { "linear", "no bias", .in = { { 0, { 2, { 13, 37 } } }, { 0, { 2, { 65, 37 } } } },
      .attr = &(struct linear_attr) { 0 } },
    { "linear", "plain gelu", .in = { { 0, { 2, { 37, 3 } } }, { 0, { 2, { 13, 3 } } }, { 0, { 1, { 13 } } } },
      .attr = &(struct linear_attr) { .act = LINEAR_ACT_GELU } },
    { "linear", "packed", { { { 37, 1, 13, 3 }, 65 } },
      { { 1, { 2, { 0, 65 } } }, { 0, { 2, { 37, 65 } } }, { 0, { 1, { 37 } } } },
      .attr = &(struct linear_attr) { 0 } },
    { "linear", "packed gelu, no bias", { { { 3, 13 }, 37 } },
      { { 1, { 2, { 0, 13 } } }, { 0, { 2, { 3, 13 } } } }, .attr = &(struct linear_attr) { .act = LINEAR_ACT_GELU } },
    { "linear", "whole tiles, gelu", { { { 64, 64 } } },
      { { 1, { 2, { 0, 64 } } }, { 0, { 2, { 96, 64 } } }, { 0, { 1, { 96 } } } },
      .attr = &(struct linear_attr) { .act = LINEAR_ACT_GELU } },
    { "linear", "split rows", { { { 65, 37, 3 }, 200 } },
      { { 1, { 2, { 0, 36 } } }, { 0, { 2, { 20, 36 } } }, { 0, { 1, { 20 } } } },
      .attr = &(struct linear_attr) { 0 } },
    { "linear", "groups of odd sizes", .layout = { { { 37, 1, 13, 3 }, .cap_tokens = 65 } },
      .in = { { 1, { 2, { 0, 39 } } }, { 0, { 3, { 3, 37, 13 } } }, { 0, { 1, { 111 } } } },
      .attr = &(struct linear_attr) { .groups = 3 } },
    { "linear", "groups, gelu, vec4", .layout = { { { 33, 2, 17, 15 }, .cap_tokens = 33 } },
      .in = { { 1, { 2, { 0, 192 } } }, { 0, { 3, { 3, 32, 64 } } }, { 0, { 1, { 96 } } } },
      .attr = &(struct linear_attr) { .act = LINEAR_ACT_GELU, .groups = 3 } },
    { "linear", "groups larger than a tile, no bias, vec4", .layout = { { { 65, 37 } } },
      .in = { { 1, { 2, { 0, 72 } } }, { 0, { 3, { 2, 68, 36 } } } }, .attr = &(struct linear_attr) { .groups = 2 } },
    { "linear", "groups, split rows", .layout = { { { 1025, 197, 1 } } },
      .in = { { 1, { 2, { 0, 8 } } }, { 0, { 3, { 2, 4, 4 } } }, { 0, { 1, { 8 } } } },
      .attr = &(struct linear_attr) { .groups = 2 } },
    { "linear", "one group as a stack of one", .in = { { 0, { 2, { 3, 13 } } }, { 0, { 3, { 1, 5, 13 } } }, { 0, { 1, { 5 } } } },
      .attr = &(struct linear_attr) { .groups = 1 } },
    { "linear", "rows of no whole vec4, gelu", .layout = { { { 33, 2, 17 }, .cap_tokens = 33 } },
      .in = { { 1, { 2, { 0, 36 } } }, { 0, { 2, { 67, 36 } } }, { 0, { 1, { 67 } } } },
      .attr = &(struct linear_attr) { .act = LINEAR_ACT_GELU } },
    { "linear", "an odd count of numbers", .layout = { { { 17 } } },
      .in = { { 1, { 2, { 0, 8 } } }, { 0, { 2, { 37, 8 } } }, { 0, { 1, { 37 } } } },
      .attr = &(struct linear_attr) { .act = LINEAR_ACT_GELU } },
    { "linear", "two columns", .layout = { { { 1, 2, 15 }, .cap_tokens = 16 } },
      .in = { { 1, { 2, { 0, 32 } } }, { 0, { 2, { 2, 32 } } }, { 0, { 1, { 2 } } } },
      .attr = &(struct linear_attr) { 0 } },
    { "linear", "groups of odd columns", .layout = { { { 31, 33, 1 }, .cap_tokens = 37 } },
      .in = { { 1, { 2, { 0, 24 } } }, { 0, { 3, { 3, 37, 8 } } }, { 0, { 1, { 111 } } } },
      .attr = &(struct linear_attr) { .groups = 3 } },
    { "linear", "65 groups of 1", .in = { { 0, { 2, { 37, 65 } } }, { 0, { 3, { 65, 1, 1 } } } },
      .attr = &(struct linear_attr) { .groups = 65 } },

    { "linear", "plain quick gelu", .in = { { 0, { 2, { 37, 3 } }, -3, 3 }, { 0, { 2, { 13, 3 } } }, { 0, { 1, { 13 } } } },
      .attr = &(struct linear_attr) { .act = LINEAR_ACT_QUICK_GELU } },
    { "linear", "packed quick gelu, vec4", .layout = { { { 33, 2, 17, 15 }, .cap_tokens = 33 } },
      .in = { { 1, { 2, { 0, 36 } }, -3, 3 }, { 0, { 2, { 64, 36 } } }, { 0, { 1, { 64 } } } },
      .attr = &(struct linear_attr) { .act = LINEAR_ACT_QUICK_GELU } },
    { "linear", "rows of no whole vec4, quick gelu", .layout = { { { 33, 2, 17 }, .cap_tokens = 33 } },
      .in = { { 1, { 2, { 0, 36 } } }, { 0, { 2, { 67, 36 } } } }, .attr = &(struct linear_attr) { .act = LINEAR_ACT_QUICK_GELU } },
    { "linear", "plain silu", .in = { { 0, { 2, { 37, 3 } }, -9, 9 }, { 0, { 2, { 13, 3 } } }, { 0, { 1, { 13 } } } },
      .attr = &(struct linear_attr) { .act = LINEAR_ACT_SILU } },
    { "linear", "packed silu, groups, vec4", .layout = { { { 33, 2, 17, 15 }, .cap_tokens = 33 } },
      .in = { { 1, { 2, { 0, 72 } }, -3, 3 }, { 0, { 3, { 2, 64, 36 } } }, { 0, { 1, { 128 } } } },
      .attr = &(struct linear_attr) { .act = LINEAR_ACT_SILU, .groups = 2 } },
    { "linear", "rows of no whole vec4, silu", .layout = { { { 33, 2, 17 }, .cap_tokens = 33 } },
      .in = { { 1, { 2, { 0, 36 } }, -3, 3 }, { 0, { 2, { 67, 36 } } } }, .attr = &(struct linear_attr) { .act = LINEAR_ACT_SILU } },

#include "tests/nn/ops/op_cases_half.def"

    // linear_attention
    { "linear_attention", "heads of 1", .layout = { { { 1, 3 } } }, .attr = &(struct linear_attention_attr) { .heads = 1, .head_dim = 1 },
      .in = { { 1, { 2, { 0, 3 } }, 0.01, 1 }, { 1, { 2, { 0, 3 } }, 0.01, 1 }, { 1, { 2, { 0, 1 } } } } },
    { "linear_attention", "uneven", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct linear_attention_attr) { .heads = 3, .head_dim = 3, .v_col0 = 2 },
      .in = { { 1, { 2, { 0, 39 } }, 0.01, 1 }, { 1, { 2, { 0, 39 } }, 0.01, 1 }, { 1, { 2, { 0, 13 } } } } },
    { "linear_attention", "heads of 32", .layout = { { { 65, 37 }, .cap_tokens = 65 } }, .attr = &(struct linear_attention_attr) { .heads = 3, .head_dim = 32, .v_col0 = 192 },
      .in = { { 1, { 2, { 0, 192 } }, 0.01, 1 }, { 1, { 2, { 0, 192 } }, 0.01, 1 }, { 1, { 2, { 0, 288 } } } } },
    { "linear_attention", "heads of 4", .layout = { { { 1, 3, 13, 37, 65 } } }, .attr = &(struct linear_attention_attr) { .heads = 3, .head_dim = 4, .v_col0 = 8 },
      .in = { { 1, { 2, { 0, 36 } }, 0.01, 1 }, { 1, { 2, { 0, 36 } }, 0.01, 1 }, { 1, { 2, { 0, 24 } } } } },
    { "linear_attention", "heads of 36, dead rows", .layout = { { { 3, 13 }, .cap_tokens = 37 } }, .attr = &(struct linear_attention_attr) { .heads = 1, .head_dim = 36 },
      .in = { { 1, { 2, { 0, 4 } }, 0.01, 1 }, { 1, { 2, { 0, 4 } }, 0.01, 1 }, { 1, { 2, { 0, 40 } } } } },
    { "linear_attention", "heads of 37, dead rows", .layout = { { { 3, 13 }, .cap_tokens = 37 } }, .attr = &(struct linear_attention_attr) { .heads = 1, .head_dim = 37, .v_col0 = 3 },
      .in = { { 1, { 2, { 0, 37 } }, 0.01, 1 }, { 1, { 2, { 0, 37 } }, 0.01, 1 }, { 1, { 2, { 0, 40 } } } } },
    { "linear_attention", "heads of 65", .layout = { { { 13, 1 } } }, .attr = &(struct linear_attention_attr) { .heads = 1, .head_dim = 65 },
      .in = { { 1, { 2, { 0, 65 } }, 0.01, 1 }, { 1, { 2, { 0, 65 } }, 0.01, 1 }, { 1, { 2, { 0, 65 } } } } },
    { "linear_attention", "denominator at its floor", .layout = { { { 3, 1 }, .cap_tokens = 13 } }, .attr = &(struct linear_attention_attr) { .heads = 3, .head_dim = 3 },
      .in = { { 1, { 2, { 0, 9 } }, -1, -0.01 }, { 1, { 2, { 0, 9 } }, 0.01, 1 }, { 1, { 2, { 0, 9 } } } } },

    // mean_field
    { "mean_field", "one token", .layout = { { { 1 }, .prefix = 1 }, { { 1 } } }, .to = 2,
      .attr = &(struct mean_field_attr) { .patches = 0.0f },
      .in = { { 1, { 2, { 0, 1 } } }, { 1, { 2, { 0, 4 } } } } },
    { "mean_field", "class tokens alone, all lengths",
      .layout = { { { 1, 2, 15, 16, 17, 31, 33, 197 }, .cap_tokens = 200, .prefix = 1 }, { { 1, 1, 1, 1, 1, 1, 1, 1 } } }, .to = 2,
      .attr = &(struct mean_field_attr) { .patches = 0.0f },
      .in = { { 1, { 2, { 0, 13 } } }, { 1, { 2, { 0, 4 } } } } },
    { "mean_field", "class tokens alone, some are not there",
      .layout = { { { 3, 37, 1, 16 }, .cap_tokens = 80, .holes = true }, { { 1, 1, 1, 1 } } }, .to = 2,
      .attr = &(struct mean_field_attr) { .patches = 0.0f },
      .in = { { 1, { 2, { 0, 65 } } }, { 1, { 2, { 0, 4 } } } } },
    { "mean_field", "patches, all lengths, dead rows",
      .layout = { { { 1, 2, 15, 16, 17, 31, 33, 197 }, .cap_tokens = 200, .prefix = 1 }, { { 1, 1, 1, 1, 1, 1, 1, 1 } } }, .to = 2,
      .attr = &(struct mean_field_attr) { .patches = 0.5f },
      .in = { { 1, { 2, { 0, 3 } } }, { 1, { 2, { 0, 4 } } } } },
    { "mean_field", "patches, dropped tokens",
      .layout = { { { 64, 65, 3, 1 }, .cap_tokens = 140, .prefix = 1, .holes = true }, { { 1, 1, 1, 1 } } }, .to = 2,
      .attr = &(struct mean_field_attr) { .patches = 2.0f },
      .in = { { 1, { 2, { 0, 37 } } }, { 1, { 2, { 0, 4 } } } } },
    { "mean_field", "patches, two tokens before them",
      .layout = { { { 33, 13 }, .cap_tokens = 33, .prefix = 2 }, { { 1, 1 } } }, .to = 2,
      .attr = &(struct mean_field_attr) { .patches = -1.0f },
      .in = { { 1, { 2, { 0, 64 } } }, { 1, { 2, { 0, 4 } } } } },
    { "mean_field", "patches from place 0", .layout = { { { 17, 2 } }, { { 1, 1 } } }, .to = 2,
      .attr = &(struct mean_field_attr) { .patches = 1.0f },
      .in = { { 1, { 2, { 0, 65 } } }, { 1, { 2, { 0, 4 } } } } },
    { "mean_field", "patches, 1025 tokens", .layout = { { { 1025, 31 }, .prefix = 1 }, { { 1, 1 } } }, .to = 2,
      .attr = &(struct mean_field_attr) { .patches = 0.25f },
      .in = { { 1, { 2, { 0, 32 } } }, { 1, { 2, { 0, 4 } } } } },

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

#include "tests/nn/ops/op_cases_streams.def"
#include "tests/nn/ops/op_cases_vit.def"
#include "tests/nn/ops/op_cases_bias.def"
#include "tests/nn/ops/op_cases_text.def"

    // pool
    { "pool", "one patch", .layout = { { { 2 }, .prefix = 1 }, { { 1 } } }, .to = 2, .attr = &(struct pool_attr) { 0 },
      .in = { { 1, { 2, { 0, 1 } } } } },
    { "pool", "all lengths, some without a patch", .layout = { { { 1, 2, 15, 37, 65 }, .prefix = 1 }, { { 1, 1, 1, 1, 1 } } }, .to = 2,
      .attr = &(struct pool_attr) { 0 }, .in = { { 1, { 2, { 0, 37 } } } } },
    { "pool", "with the token, dead rows", .layout = { { { 33, 6, 13 }, .cap_tokens = 37, .prefix = 5 }, { { 1, 1, 1 }, .cap_tokens = 3 } }, .to = 2,
      .attr = &(struct pool_attr) { .token = 1 }, .in = { { 1, { 2, { 0, 65 } } } } },
    { "pool", "with the token, dropped tokens", .layout = { { { 64, 3, 1 }, .cap_tokens = 140, .prefix = 1, .holes = true }, { { 1, 1, 1 } } }, .to = 2,
      .attr = &(struct pool_attr) { .token = 1 }, .in = { { 1, { 2, { 0, 13 } } } } },

    // scale
    { "scale", "one", .in = { { 0, { 2, { 1, 1 } } }, { 0, { 1, { 1 } } } }, .attr = &(struct scale_attr) { 1 } },
    { "scale", "plain", .in = { { 0, { 2, { 65, 37 } } }, { 0, { 1, { 37 } } } }, .attr = &(struct scale_attr) { 1 } },
    { "scale", "packed, dead rows", .layout = { { { 3, 1, 13 }, .cap_tokens = 37 } }, .in = { { 1, { 2, { 0, 65 } } }, { 0, { 1, { 65 } } } },
      .attr = &(struct scale_attr) { -2.5f } },
    { "scale", "no gamma, half", .layout = { { { 37, 65 } } }, .in = { { 1, { 2, { 0, 3 } } } }, .attr = &(struct scale_attr) { 0.5f } },
    { "scale", "4100 rows", .in = { { 0, { 2, { 4100, 3 } } }, { 0, { 1, { 3 } } } }, .attr = &(struct scale_attr) { 1 } },

    // swiglu
    { "swiglu", "one", .in = { { 0, { 2, { 1, 2 } } } } },
    { "swiglu", "plain", .in = { { 0, { 2, { 37, 26 } }, -6, 6 } } },
    { "swiglu", "packed, dead rows", .layout = { { { 3, 1, 13 }, .cap_tokens = 37 } }, .in = { { 1, { 2, { 0, 130 } }, -3, 3 } } },

    // l2_normalize
    // its gradient is 0, and what rounding leaves on the device is held against 1e-7
    { "l2_normalize", "one", .grad = 4, .in = { { 0, { 2, { 1, 1 } }, 0.5, 1 } } },
    { "l2_normalize", "plain", .in = { { 0, { 2, { 37, 65 } }, -3, 3 } } },
    { "l2_normalize", "packed, dead rows", .layout = { { { 3, 1, 13 }, .cap_tokens = 37 } }, .in = { { 1, { 2, { 0, 13 } } } } },
    { "l2_normalize", "images", .layout = { { { 1, 1, 1 }, .cap_tokens = 5 } }, .in = { { 1, { 2, { 0, 512 } } } } },

    // more of layernorm
    { "layernorm", "packed, 192 columns", .layout = { { { 3, 1, 13 }, .cap_tokens = 37 } }, .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 1, { 2, { 0, 192 } } }, { 0, { 1, { 192 } } }, { 0, { 1, { 192 } } } } },
    { "layernorm", "plain, 300 columns", .attr = &(struct layernorm_attr) { .eps = 1e-5f },
      .in = { { 0, { 2, { 13, 300 } } }, { 0, { 1, { 300 } } }, { 0, { 1, { 300 } } } } },
#include "tests/nn/ops/op_cases_features.def"
#include "tests/nn/ops/op_cases_causal.def"
};
const uint32_t n_op_cases = sizeof op_cases / sizeof op_cases[0];
