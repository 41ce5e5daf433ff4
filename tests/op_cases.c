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

    // kl

    // layernorm

    // linear

    // linear_attention

    // mse

    // patchify

};
const uint32_t n_op_cases = sizeof op_cases / sizeof op_cases[0];
