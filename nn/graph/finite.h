// finite.h — which tensor of a graph was the first to hold a NaN or an infinity.
//
// Values are counted on the device, after the call that made the tensor, in one counter a tensor; nothing is
// written while all are finite, and no memory is planned for longer. Counters start at 0 in each replay.
//
//   nn_finite_watch(g, t, "layer %u: its input", l) ... -> nn_graph_plan, nn_graph_record
//   -> nn_finite_record (a copy to the host behind it) -> submit, wait -> nn_finite_check
// Thread-safety: as the device.
#ifndef NN_FINITE_H
#define NN_FINITE_H

#include "nn/graph/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

// Count in the live rows of t, which an op made. The first watched is the first reported.
void nn_finite_watch(nn_graph *g, const nn_tensor *t, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;
size_t nn_finite_size(const nn_graph *g);   // bytes of all counters; 0 = none is watched
// Append the copy of the counters to a slice of nn_finite_size() bytes. After nn_graph_record.
vkc_status nn_finite_record(nn_graph *g, vkc_recording *rec, vkc_slice dst);
// Judge the copy. E_CHECK: "layer 3 (ssd): its input has 12 values that are not finite <when>".
vkc_status nn_finite_check(const nn_graph *g, const void *counters, const char *when);

#ifdef __cplusplus
}
#endif
#endif
