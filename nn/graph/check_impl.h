// check_impl.h — the check's insides, shared by check.c, check_call.c and check_judge.c only.
#ifndef NN_CHECK_IMPL_H
#define NN_CHECK_IMPL_H

#include "nn/graph/check.h"
#include "nn/graph/graph_impl.h"

#include <pthread.h>

struct nn_check {
    nn_check_params p;
    vkc_device  *dev;
    nn_context  *context;           // of the device
    uint64_t     n_replays, n_calls;
    nn_check_op *op;                // (nn_n_ops)
    nn_check_found first;
    bool         has_first;
};

// One call on the host: what the device read and wrote, and what it should have written.
typedef struct nn__checked {
    const nn_node *node;
    size_t  in_len[NN_MAX_IO], out_len[NN_MAX_IO];      // live values
    double *in[NN_MAX_IO], *ref[NN_MAX_IO];             // of the whole tensors, dead rows zero; owned
    float  *out[NN_MAX_IO];                             // as the device wrote them, words in place; owned
    bool    is_plain;               // all that it read is finite
} nn__checked;

// The worst value of a call's outputs.
typedef struct nn__verdict {
    bool     is_wrong;
    uint32_t output;
    size_t   at;                    // of its values
    double   error, bar;            // where the whole tensor is off: root mean square error, and the bar of that
    double   nmse;
    double   value, want;
} nn__verdict;

// Values that are live: of a packed tensor those of its live rows.
size_t     nn__live(const nn_shape *s, const nn_rows *rows);
// Read a call's tensors; those that g->before has from there. Errors: E_NOMEM, device errors.
vkc_status nn__checked_read(nn_graph *g, const nn_node *n, nn__checked *out);
// Run the definition and compare. Errors: E_NOMEM.
vkc_status nn__checked_judge(nn__checked *k, nn__verdict *out);
void       nn__checked_finish(nn__checked *k);          // zeroed is fine

// Let k->ref follow the device where a decision of it is as good. Errors: E_NOMEM.
vkc_status nn__settle(nn__checked *k);
// Compare out against ref of the tensors of k; moved[i] is how far rounding of the inputs may move output i, or NULL.
void       nn__compare(const nn__checked *k, const double *const *moved, nn__verdict *out);

#endif
