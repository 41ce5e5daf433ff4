// graph_impl.h — the graph's insides, shared by graph*.c, plan.c, record.c, finite.c, fault.c, reference.c and
// check*.c, and by the tests that look into them.
#ifndef NN_GRAPH_IMPL_H
#define NN_GRAPH_IMPL_H

#include "nn/graph/graph.h"
#include "nn/graph/run.h"

#define NN_NO_NODE UINT32_MAX

typedef enum { NN_KIND_ACTIVATION, NN_KIND_INPUT, NN_KIND_PARAM } nn_tensor_kind;

// Memory with a lifetime in program order; plan.c gives it a block and an offset.
typedef struct nn_piece {
    size_t   size;                  // bytes; 0 = not needed
    uint32_t start, end;            // first and last time in use, inclusive
    uint32_t block;
    size_t   offset;
} nn_piece;

struct nn_tensor {
    nn_graph *g;
    nn_tensor_kind kind;
    nn_tensor *root;                // itself, or the tensor whose values it shares (nn_stop_gradient)
    nn_shape  shape;
    nn_dtype  dtype;
    nn_rows  *rows;
    uint32_t  node, out;            // producer and which output; NN_NO_NODE for inputs, parameters
    bool      requires_grad;        // a trained parameter lies upstream
    bool      has_grad;             // a loss lies downstream: set by plan
    bool      kept;
    float     seed;                 // weight as a loss; 0 = none
    nn_tensor *seed_from;           // input whose values its gradient starts as; NULL = none
    nn_tensor *grad_root;           // whose gradient memory it uses: its own, or that of a sum it goes into
    vkc_slice value, grad;          // inputs: own buffer; parameters: borrowed; activations: by plan
    vkc_buffer *own, *own_grad;     // memory of an input, and of its gradient
    char     *name;                 // of an input; owned
    nn_piece  piece, grad_piece;
};

typedef struct nn_node {
    const nn_op *op;
    char         scope[NN_MAX_SCOPE];
    nn_call      call;
    void        *attr;              // owned copy
    nn_tensor   *in[NN_MAX_IO], *out[NN_MAX_IO];
    bool         backward;          // plan: its backward pass runs
    bool         passed;            // plan: and is empty, the gradients share memory
    nn_piece     scratch_fwd[NN_MAX_SCRATCH], scratch_bwd[NN_MAX_SCRATCH];
} nn_node;

typedef struct nn_watched {         // nn/graph/finite.h
    const nn_tensor *t;
    char what[96];
} nn_watched;

struct nn_graph {
    vkc_device *dev;
    nn_context *context;            // of the device
    vkc_status  status;             // sticky
    vkc_failure failure;
    nn_node    *node;
    uint32_t    n_nodes, cap_nodes;
    nn_tensor **tensor;             // all, owned
    uint32_t    n_tensors, cap_tensors;
    nn_rows    *layouts[NN_MAX_LAYOUTS];
    uint32_t    n_layouts;
    vkc_buffer *block[NN_MAX_BLOCKS];
    size_t      block_size[NN_MAX_BLOCKS];
    uint32_t    n_blocks;
    nn_piece    discard;            // scratch for gradients that nothing reads
    uint64_t    unplanned_bytes;
    bool        planned;
    nn_run      run;
    bool        recorded;
    nn_watched *watched;            // in the order of reporting
    uint32_t    n_watched;
    vkc_buffer *counters;           // one for each, aligned; made when recorded
    char        scope[NN_MAX_SCOPE];        // of the calls to come
    struct nn_check *check;         // nn/graph/check.h; NULL = nothing is compared. Borrowed
    uint64_t    n_replays;          // counted while there is one
    bool        is_due;             // the replay that is on its way will be compared
    float     **before;             // (n_tensors) trained parameters as that replay reads them;
                                    // NULL = as they are after
};

// Does a backward pass start here?
static inline bool nn__is_seeded(const nn_tensor *t)
{
    return t->seed != 0.0f || t->seed_from;
}

// Times: forward of node i at i; backward of node i at 2 * n_nodes - i.
static inline uint32_t nn__bwd_time(const nn_graph *g, uint32_t node)
{
    return 2 * g->n_nodes - node;
}

// `size` bytes of a placed piece; an empty slice for 0.
static inline vkc_slice nn__slice(const nn_graph *g, const nn_piece *p, size_t size)
{
    return size ? (vkc_slice) { g->block[p->block], p->offset, size } : (vkc_slice) { 0 };
}

// Place pieces in blocks of at most `most` bytes so that no two in use at a time overlap; a larger piece gets a block
// of its size, which others may share at other times.
// Reorders `p`. Errors: E_UNSUPPORTED, E_NOMEM.
vkc_status nn__place(nn_piece **p, uint32_t n, size_t align, size_t most, size_t *block_size,
                     uint32_t *n_blocks);

// Counters of watched tensors: to zero; after the calls of `node`; freed.
vkc_status nn__finite_start(nn_graph *g, vkc_recording *rec);
vkc_status nn__finite_record_node(nn_graph *g, uint32_t node, vkc_recording *rec);
void       nn__finite_finish(nn_graph *g);

// For tests of what is above: PARE_FAULT=OP@PLACE spoils the first four values of the first call of OP whose scope is
// PLACE ("gelu@blocks.1.mlp") or, where PLACE is a number, in that block ("linear@1"), on the device, right after it.
// E_ARG when it reads otherwise. `node` of which it is, NN_NO_NODE without it or when the graph has no such call.
vkc_status nn__fault_find(const nn_graph *g, uint32_t *node);
vkc_status nn__fault_record(const nn_graph *g, uint32_t node, vkc_recording *rec);

void       nn__check_finish(nn_graph *g);       // frees `before`

#endif
