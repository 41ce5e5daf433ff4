// bench_ops.h — the device time of every op at the shapes of a small vision transformer.
#ifndef CLI_BENCH_OPS_H
#define CLI_BENCH_OPS_H

#include "apps/cli/core/app.h"
#include "nn/graph/op.h"

typedef struct bench_input {
    uint8_t  layout;                // 0 = plain; 1 or 2 = packed by that layout, dim[0] is filled in
    nn_shape shape;
    uint32_t below;                 // of inputs that hold whole numbers: values 0 .. below - 1
} bench_input;

typedef struct bench_case {
    const char *op, *note;
    const char *form;               // forced (setting linear or attention); NULL = as is chosen
    struct { uint32_t images, tokens, prefix, side; } layout[2];   // dense; images 0 = none
    bench_input in[NN_MAX_IO];
    uint8_t     to;
    const void *attr;
} bench_case;

extern const bench_case bench_cases[];
extern const uint32_t   n_bench_cases;

typedef struct bench_time {
    double   ms, gflops, gbps;      // NaN where an op has no such figure
    uint32_t repeats;
    bool     is_wall;               // no timestamps on this device: wall time
} bench_time;

typedef enum { BENCH_FWD, BENCH_BWD } bench_pass;

// Time one pass: the median over several replays of the device time of its kernels. Forward work is counted
// in full, backward work as twice that; bytes are those of all inputs, outputs and gradients, once.
vkc_status bench_run(vkc_device *dev, const bench_case *c, bench_pass pass, bench_time *out);

#endif
