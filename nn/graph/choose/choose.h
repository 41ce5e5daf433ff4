// choose.h — which kernels a call gets: the one place where op, shapes and device go in, and form, workgroup, tile and
// specialisation come out.
//
// An op describes what there is to compute (nn_problem), asks nn_choose and dispatches what it is told. No op looks at
// the kind of a device or at the environment. What may be forced is a setting of the device's context, which a call
// carries from `infer` to `bwd`, so that a setting changed in between does not tear a call apart.
//
// Thread-safety: nn_choose and what else takes a call only reads; the rest as the device.
#ifndef NN_CHOOSE_H
#define NN_CHOOSE_H

#include "nn/graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_ROW_WG 64                // local_size_x of the row-wise kernels

typedef enum nn_form {
    NN_FORM_NONE,                   // of a setting: not forced
    NN_FORM_PLAIN,                  // an invocation an element, row or column; runs everywhere
    NN_FORM_TILED,                  // tiles in shared memory
    NN_FORM_SIMD,                   // for software drivers: a workgroup is one subgroup, a subgroup one SIMD vector of
                                    // the CPU. Reads whole vec4 as texels
    NN_FORM_QUADS,                  // for software drivers: an invocation owns four columns, read as texels
} nn_form;

// How a scan comes by the states before its chunks.
typedef enum nn_order {
    NN_ORDER_NONE,                  // of a setting: not forced
    NN_ORDER_SERIAL,                // token after token
    NN_ORDER_CHUNKED,               // delta_scan: in chunks
    NN_ORDER_FUSED,                 // gated_scan: a workgroup walks the chunks
    NN_ORDER_SPLIT,                 // gated_scan: what each chunk adds, then a pass over chunks
} nn_order;

// What there is to compute, as far as kernels are chosen by it. What an op has no use for stays 0. Types of elements
// come with the call.
typedef struct nn_problem {
    const nn_op *op;
    uint32_t odd;                   // bitwise or of all columns, strides and offsets that forms which read whole vec4
                                    // need in multiples of 4
    uint64_t len;                   // elements of the longest tensor that those forms read
    uint32_t dim;                   // channels of a head; scans: of a state's rows
    uint32_t features;              // features of a head; scans: channels of a state's columns
    uint32_t rows, cols;            // of the result; row-wise ops: columns that lanes share
    uint64_t copies;                // results, walks or parts that are made side by side
    uint32_t tokens;                // of the longest image
    uint32_t chunk;                 // scans: rows of a chunk
    nn_order order;                 // gated_scan: as nn_choose_scan said
    bool     is_backward;
    bool     is_plain;              // this kernel has no other form
} nn_problem;

// Rounds of all loops of an invocation together that are not unrolled: lavapipe (Mesa 22.3) leaves them after that
// many, without a word. What a compiler unrolls is its own affair, and the end of a loop counts as well: of loops in
// loops, NN_SAFE_ROUNDS of the source are within it.
#define NN_MAX_ROUNDS 65535u
#define NN_SAFE_ROUNDS (NN_MAX_ROUNDS / 2)

// What an op does not read of it is 0.
typedef struct nn_choice {
    nn_form  form;
    uint32_t wg;                    // local_size_x; SIMD form: the subgroup size
    uint32_t wg_v;                  // gated_scan: of kernels over the channels of v
    uint32_t lanes;                 // row-wise ops: invocations that share a row
    uint32_t own;                   // rows, columns or vec4 that an invocation owns
    uint32_t tile;                  // rows or tokens that a workgroup or an invocation takes at a time
    uint32_t tile_cols;             // columns that a workgroup takes
    uint32_t slice;                 // columns that are held or staged at a time
    uint32_t parts;                 // parts in which rows, or what belongs to a row, are shared out
    uint32_t rows_each;             // rows that are worth a partial sum of their own
    uint32_t ahead;                 // tokens that are loaded ahead
    uint32_t at_once;               // lstm: columns of weights, or vec4 of them, in a round of a loop
    uint32_t most_rounds;           // of all loops of an invocation together; 0 = any
    bool     is_held;               // weights are held in registers
    nn_order order;                 // delta_scan, forward
    uint32_t spec[5];               // linear: SPEC_TILE_*
} nn_choice;

nn_choice nn_choose(const nn_call *c, const nn_problem *p);

// The frame of a scan, which its memory depends on and so its form.
typedef struct nn_scan {
    nn_order order;                 // gated_scan
    uint32_t rows;                  // of a chunk: `chunk` unless that is 0
    uint32_t group;                 // streams of a launch at most; UINT32_MAX = as many as memory allows
} nn_scan;
nn_scan  nn_choose_scan(const nn_call *c, const nn_op *op, uint32_t chunk);

// Workgroups that keep the device busy.
uint32_t nn_busy_groups(const nn_call *c);

// Lanes, which are invocations that share a row, of a row of `cols` columns: few on a software device, where barriers
// cost more than they save, else up to 32.
uint32_t nn_row_lanes(const nn_call *c, uint32_t cols);
// As many as nn_row_lanes gives a GPU, on any device: where one invocation walks a whole row of logits and more
// besides, code that lavapipe 26.1 compiles may crash, and for a batch of class scores there is nothing to gain from
// it.
uint32_t nn_many_lanes(uint32_t cols);
// Will a launch over `rows` rows at most, `tile` a workgroup, have a workgroup for every tile? Then 1: the kernel's
// SPEC_ONCE. With 32 lanes forced it says no, so that tests come by the other way.
uint32_t nn_row_once(const nn_call *c, uint32_t rows, uint32_t tile);

// Force a choice on the calls that are made from now on: setting "linear", "attention", "lanes", "scan", "scan_form" or
// "scan_group", value as in docs/environment.md. NULL: what the environment said when the device was first used; "":
// nothing. E_ARG, in words, for a setting or value that there is not.
vkc_status nn_choice_override(vkc_device *dev, const char *setting, const char *value);

// What the environment forces. E_ARG, in words, for a value that a variable does not know; *out is then undefined.
vkc_status nn_forced_read(nn_forced *out);
// The same of a setting and its value, for tests without a device. E_ARG.
vkc_status nn_forced_set(nn_forced *f, const char *setting, const char *value);

#ifdef __cplusplus
}
#endif
#endif
