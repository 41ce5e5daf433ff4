// op_run.h — one op case on the device: memory with guard bands, NaN in dead rows, the definition in
// double beside it. Used by test_ops.c.
#ifndef TESTS_OP_RUN_H
#define TESTS_OP_RUN_H

#include "nn/graph/run.h"
#include "tests/device.h"
#include "tests/nn/ops/op_cases.h"

bool op_run_is_poison(float f);      // still the NaN that dead rows and unwritten outputs start with
extern const float op_din_dead;     // what gradient memory of dead rows holds

typedef struct op_run {
    vkc_device    *dev;
    const op_case *oc;
    const nn_op   *op;
    nn_call        call;
    nn_rows       *rows[2];
    vkc_buffer    *buf;             // every tensor, a guard band before and after each
    size_t         used;
    nn_bind        bind;
    nn_run         run;
    vkc_recording *rec;
    float  *in[NN_MAX_IO], *out[NN_MAX_IO], *din[NN_MAX_IO], *dout;     // host copies, fp16 widened
    double *ref_in[NN_MAX_IO], *ref_out[NN_MAX_IO];
    unsigned char *image;           // host copy of buf
    uint32_t n_runs, fail_run;      // op_run_execute fails at this one, as on a lost device; 0 = at none
} op_run;

typedef struct op_snapshot { float *out[NN_MAX_IO], *din[NN_MAX_IO]; } op_snapshot;

vkc_status  op_run_init(op_run *t, vkc_device *dev, const op_case *oc, uint64_t seed);
void        op_run_finish(op_run *t);
// Upload, forward, backward, read back. Gradients start at `base`.
vkc_status  op_run_execute(op_run *t, float base);
void        op_run_ref(op_run *t);
size_t      op_run_live(const op_run *t, const nn_shape *s, const nn_rows *rows);   // live elements
int         op_run_check_guards(const op_run *t, const char *label);
op_snapshot op_run_snapshot(const op_run *t);
bool        op_snapshot_is_same(const op_run *t, const op_snapshot *s);
void        op_snapshot_free(op_snapshot *s);

#endif
