// op.h — what an op is: one row in ops.def, one C file, one shader family, one definition in double.
//
// An op's C file defines `const nn_op nn_op_<name>`; its attributes and the arguments of its shaders
// are structs of 4-byte scalars in shaders/<name>.h, read by C and GLSL. `bwd` ADDS into the gradients
// of its inputs; the engine clears gradient memory before the first addition. Kernels write live rows
// only, never beyond; rows past the live count may hold NaN and must not reach any result.
//
// Kernels over packed rows get their group count from the live row count on the device (tile_rows
// below) and must stride: for (tile = gl_WorkGroupID.x; tile * TILE < Tok.n; tile += gl_NumWorkGroups.x)
#ifndef NN_OP_H
#define NN_OP_H

#include "nn/graph/choose/context.h"
#include "nn/graph/tensor.h"
#include "vk/recording.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_IO 8
#define NN_MAX_SCRATCH 4

// Slots a dispatch can bind; 0 = none.
#define IN(i)       (1 + (i))       // input i; an absent optional input binds a small zero buffer
#define OUT(i)      (9 + (i))       // output i
#define DOUT(i)     (17 + (i))      // gradient of output i, read
#define DIN(i)      (25 + (i))      // gradient of input i, added into
#define SCRATCH(i)  (33 + (i))      // this call's private memory, undefined before
#define ROWS_IN(i)  (37 + (i))      // packed layout of input i
#define ROWS_OUT(i) (45 + (i))      // packed layout of output i
#define LAUNCHES_OUT 53             // launch table of output 0's layout (shaders/engine/rows_plan.comp), for `compact`
#define COMMANDS_OUT 54             // and the indirect commands made of it
#define NN_N_SLOTS  55
#define BIT(slot)   (1u << ((slot) - 1))    // IN and OUT only

typedef struct nn_call {            // one node of the graph, shapes resolved
    nn_shape in[NN_MAX_IO], out[NN_MAX_IO];     // rank 0: an optional tensor that is not there
    nn_dtype in_dtype[NN_MAX_IO], out_dtype[NN_MAX_IO];     // outputs: filled in by nn_op_infer, before infer
    nn_rows *in_rows[NN_MAX_IO], *out_rows[NN_MAX_IO];  // NULL: not packed, dim[0] is exact
    nn_rows *to;                    // layout that a row-moving op (embed, first_rows ...) moves into
    const void *attr;               // struct <name>_attr of shaders/<name>.h, or NULL
    size_t   scratch_fwd[NN_MAX_SCRATCH], scratch_bwd[NN_MAX_SCRATCH];  // bytes wanted, by infer
    bool     train;                 // a backward pass may follow: keep what it needs
    const vkc_device_info *dev;     // limits, and what nn_choose goes by; never NULL
    nn_forced forced;               // settings of the device's context when the call was made
} nn_call;
#define NN_ATTR(c, name) ((const struct name##_attr *) (c)->attr)

typedef struct nn_run nn_run;       // a step being recorded

typedef struct nn_op {
    const char *name;
    uint8_t  n_in, n_out;           // outputs include what backward wants kept
    uint8_t  n_opt;                 // the last n_opt inputs may be absent
    uint32_t keep;                  // BIT(IN(i)) | BIT(OUT(i)) that bwd reads; all else may be reused
    uint32_t grad;                  // BIT(IN(i)) of inputs that have a gradient; 0 = not differentiable
    uint32_t pass;                  // BIT(IN(i)) of inputs whose gradient is that of output 0, unchanged: the graph
                                    // may let them share memory and leave bwd out
    uint32_t skip;                  // BIT(IN(i)) of inputs for whose gradient bwd records nothing unless it is wanted:
                                    // no memory is set aside for what a kernel that writes several would write
    // What its tensors hold: fp32, but for
    uint32_t u32;                   // BIT(IN(i)) | BIT(OUT(i)) of those that hold uint32
    uint32_t f16;                   // of those that there are kernels for in fp16 too: in one call all, or none
    vkc_status (*infer)(nn_call *c);                    // checks in[], fills out[], out_rows[], scratch
    vkc_status (*fwd)(nn_run *r, const nn_call *c);     // records dispatches
    vkc_status (*bwd)(nn_run *r, const nn_call *c);     // ADDS into DIN(i)
    // The definition. Tests compare fwd with it and bwd with its finite differences. Reads live rows
    // through c->in_rows[i]->offsets, leaves dead rows of out[] alone. Optional inputs are NULL.
    void (*ref)(const nn_call *c, const double *const *in, double *const *out);
    // Multiply-adds of the definition at capacity, whatever the kernels do to get there; NULL = 0. What is done element
    // by element (activations, norms, gates, decays of a state, sums of branches) does not count.
    uint64_t (*macs)(const nn_call *c);
} nn_op;

typedef struct nn_kernel_use {
    const vkc_shader *shader;
    uint8_t     bind[VKC_MAX_BIND]; // slot for binding 0, 1, ...
    uint32_t    groups[3];          // 0 counts as 1
    uint32_t    tile_rows;          // not 0: groups[0] = ceil(live rows / tile_rows), on the device
    uint8_t     rows;               // ROWS_IN(i) or ROWS_OUT(i) whose live rows those are
    uint32_t    wg;                 // local_size_x; 0 = the shader's default
    uint32_t    spec[VKC_MAX_SPEC]; // constant_id 1 + i; 0 = the shader's default
    const void *args;
    size_t      args_size;
} nn_kernel_use;

vkc_status nn_dispatch(nn_run *r, const nn_kernel_use *use);
#define NN_DISPATCH(r, name, a, ...) nn_dispatch((r), &(nn_kernel_use) { \
    .shader = &vkc_shader_##name, .args = (a), .args_size = sizeof *(a), __VA_ARGS__ })
#define NN_DISPATCH0(r, name, ...) nn_dispatch((r), &(nn_kernel_use) { \
    .shader = &vkc_shader_##name, __VA_ARGS__ })

// Is this gradient (DIN(i)) wanted? Skip a kernel none of whose gradients are. A kernel that writes
// several may bind an unwanted one: it goes to scratch memory that nothing reads.
bool nn_is_wanted(const nn_run *r, int din_slot);

// Fill in what follows from the inputs, attributes and layouts of a call: c->out_dtype, then all that op->infer does.
// Errors: E_UNSUPPORTED in a sentence for an input that holds what the op has no kernel for; those of op->infer.
vkc_status nn_op_infer(const nn_op *op, nn_call *c);

// Every op, in the order of ops.def.
#define NN_OP(name) extern const nn_op nn_op_##name;
#include "nn/ops/ops.def"
#undef NN_OP
extern const nn_op *const nn_ops[];
extern const uint32_t nn_n_ops;
const nn_op *nn_op_get(const char *name);               // NULL when there is none

#ifdef __cplusplus
}
#endif
#endif
