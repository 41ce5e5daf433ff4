// reference.h — a built graph in double: its calls in order, each by its op's definition.
//
// The reference of whatever a graph can hold, with no second implementation of it. The graph needs no plan; its
// layouts' host copies say which rows are live; the definition of an op that makes a layout writes the copy of that
// one, so two references at a time need layouts of their own. Words are doubles that are whole. To compare a graph's
// calls on the device one by one, see nn/graph/check.h.
// Thread-safety: one reference, and the layouts of its graph, by one thread at a time.
#ifndef NN_REFERENCE_H
#define NN_REFERENCE_H

#include "nn/graph/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_reference nn_reference;

// Values are zero at first, in dead rows too. The graph must outlive it. Errors: E_NOMEM.
vkc_status nn_reference_create(const nn_graph *g, nn_reference **out);
void       nn_reference_destroy(nn_reference *r);       // NULL is fine
// The values of a tensor: inputs and parameters to write, then nn_reference_touch; all others to read after a run.
double    *nn_reference_values(nn_reference *r, const nn_tensor *t);
void       nn_reference_touch(nn_reference *r, const nn_tensor *t);     // its values have changed
void       nn_reference_touch_all(nn_reference *r);                     // or layouts have
void       nn_reference_run(nn_reference *r);                           // what depends on the touched tensors

#ifdef __cplusplus
}
#endif
#endif
