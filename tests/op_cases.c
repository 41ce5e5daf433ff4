// op_cases.c — one row a case: odd sizes (1, 3, 13, 37, 65) in every place, dead rows, uneven images.
#include "tests/op_cases.h"
#include "spv/args.h"

const op_case op_cases[] = {
    // add

    // attention

    // cross_entropy

    // dwconv

    // embed

    // feature_map

    // first_rows

    // gelu
    { "gelu", "plain", .in = { { 0, { 2, { 13, 37 } }, -6, 6 } } },
    { "gelu", "one", .in = { { 0, { 2, { 1, 1 } } } } },
    { "gelu", "packed", { { { 3, 1, 13 }, 37 } }, { { 1, { 2, { 0, 65 } }, -3, 3 } } },

    // kl

    // layernorm

    // linear
    { "linear", "one", .in = { { 0, { 2, { 1, 1 } } }, { 0, { 2, { 1, 1 } } }, { 0, { 1, { 1 } } } },
      .attr = &(struct linear_attr) { 0 } },
    { "linear", "no bias", .in = { { 0, { 2, { 13, 37 } } }, { 0, { 2, { 65, 37 } } } },
      .attr = &(struct linear_attr) { 0 } },
    { "linear", "plain gelu", .in = { { 0, { 2, { 37, 3 } } }, { 0, { 2, { 13, 3 } } }, { 0, { 1, { 13 } } } },
      .attr = &(struct linear_attr) { LINEAR_ACT_GELU } },
    { "linear", "packed", { { { 37, 1, 13, 3 }, 65 } },
      { { 1, { 2, { 0, 65 } } }, { 0, { 2, { 37, 65 } } }, { 0, { 1, { 37 } } } },
      .attr = &(struct linear_attr) { 0 } },
    { "linear", "packed gelu, no bias", { { { 3, 13 }, 37 } },
      { { 1, { 2, { 0, 13 } } }, { 0, { 2, { 3, 13 } } } }, .attr = &(struct linear_attr) { LINEAR_ACT_GELU } },
    { "linear", "whole tiles, gelu", { { { 64, 64 } } },
      { { 1, { 2, { 0, 64 } } }, { 0, { 2, { 96, 64 } } }, { 0, { 1, { 96 } } } },
      .attr = &(struct linear_attr) { LINEAR_ACT_GELU } },
    { "linear", "split rows", { { { 65, 37, 3 }, 200 } },
      { { 1, { 2, { 0, 36 } } }, { 0, { 2, { 20, 36 } } }, { 0, { 1, { 20 } } } },
      .attr = &(struct linear_attr) { 0 } },

    // linear_attention

    // mse

    // patchify

};
const uint32_t n_op_cases = sizeof op_cases / sizeof op_cases[0];
