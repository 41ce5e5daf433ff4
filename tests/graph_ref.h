// graph_ref.h — a built graph in double: its calls in order, each by its op's definition.
//
// The reference of whatever a graph can hold, with no second implementation of it. The graph needs no plan; its
// layouts' host copies say which rows are live; the definition of an op that makes a layout writes the copy of that one,
// so two references at a time need layouts of their own. Words are doubles that are whole.
#ifndef TESTS_GRAPH_REF_H
#define TESTS_GRAPH_REF_H

#include "nn/graph.h"

typedef struct graph_ref graph_ref;

// Values are zero at first, in dead rows too. The graph must outlive it. NULL when out of memory.
graph_ref *graph_ref_create(const nn_graph *g);
void       graph_ref_destroy(graph_ref *r);
// The values of a tensor: inputs and parameters to write, then graph_ref_touch; all others to read after a run.
double    *graph_ref_values(graph_ref *r, const nn_tensor *t);
void       graph_ref_touch(graph_ref *r, const nn_tensor *t);      // its values have changed
void       graph_ref_touch_all(graph_ref *r);                      // or layouts have
void       graph_ref_run(graph_ref *r);                            // what depends on the touched tensors
#endif
