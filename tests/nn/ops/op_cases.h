// op_cases.h — the table that tests/nn/ops/test_ops.c and `pare bench ops` run: one row a case.
#ifndef TESTS_OP_CASES_H
#define TESTS_OP_CASES_H

#include "nn/graph/op.h"

typedef struct op_layout {
    uint32_t lengths[8];            // tokens of each image; 0 ends the list
    uint32_t cap_tokens;            // 0 = the longest; more leaves dead rows, which the test poisons
    uint32_t prefix, grid_h, grid_w;
    bool     holes;                 // pos skips tokens, as after dropping some (needs cap_tokens > length)
    bool     made;                  // the op makes it on the device, where these lengths are what it finds
} op_layout;

typedef struct op_input {
    uint8_t  layout;                // 0 = plain; 1 or 2 = packed by layout[0] or layout[1]: dim[0] is filled in
    nn_shape shape;                 // { rank, { dims } }; rank 0 = absent optional input
    double   lo, hi;                // uniform values; both 0 = -1 .. 1; whole numbers lo .. hi for uint32
    bool     rising;                // uint32: from lo up over the live rows, no two the same where hi is far enough
} op_input;

typedef struct op_case {
    const char *op, *note;
    op_layout   layout[2];
    op_input    in[NN_MAX_IO];
    uint8_t     to;                 // layout (1 or 2) that a row-moving op moves into; 0 = none
    const void *attr;               // &(struct layernorm_attr) { .eps = 1e-5f }
    bool        f16;                // the tensors that the op takes in fp16 are
    double      nmse, grad;         // bars; 0 = 1e-10 and 1e-4. Another value needs a reason beside it
} op_case;

extern const op_case op_cases[];
extern const uint32_t n_op_cases;
#endif
