// runner.h — a built graph with host memory of its inputs and outputs: planned and recorded once, replayed a batch.
//
//   nn_runner_create (plans, records) -> fill nn_runner_input(r, slot, "pixels") -> nn_runner_run(r, "in batch 3")
//   -> nn_runner_output(r, 0)
//
// With two slots the host fills one while the device works on the other: nn_runner_submit(r, slot), fill the other one,
// nn_runner_wait, nn_runner_check. What the device is to know beside the inputs (layouts, parameters) the caller
// writes between a wait and the next submit. What tensors of the graph are watched (nn/graph/finite.h) is counted in
// every replay, and calls are compared where the device is checked (nn/graph/check.h).
// Thread-safety: as the device; the memory of a slot that is not submitted may be written by any thread.
#ifndef NN_RUNNER_H
#define NN_RUNNER_H

#include "nn/graph/graph.h"
#include "vk/recording.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_RUNNER_SLOTS 2           // at most

typedef struct nn_runner nn_runner;

// Append to the recording of a graph that is planned by then. May call nn_runner_add_output.
typedef vkc_status (*nn_runner_hook)(void *user, nn_runner *r, vkc_recording *rec);

typedef struct nn_runner_params {
    nn_graph   *graph;              // built, not yet planned; borrowed
    const char *name;               // of the recording
    nn_tensor *const *inputs;       // of the graph, each with host memory a slot; other names each. A NULL is left out
    uint32_t    n_inputs;
    nn_tensor *const *live;         // the same, but of one host memory whatever the slot: settings that may change
    uint32_t    n_live;             // from replay to replay
    uint32_t    slots;              // 1 (or 0) or NN_RUNNER_SLOTS
    nn_tensor *const *outputs;      // read back after each replay; a NULL has none
    uint32_t    n_outputs;
    nn_runner_hook before, after;   // the graph; may be NULL
    void       *user;               // of both
    bool        profile;            // time every dispatch, one after the other
} nn_runner_params;

// Host memory is 0 at first. Errors: those of nn_graph_plan, E_ARG (two inputs of one name, a tensor that is no input),
// E_NOMEM, E_DEVMEM, those of the hooks.
vkc_status nn_runner_create(const nn_runner_params *p, nn_runner **out);
void       nn_runner_destroy(nn_runner *r);             // before the graph; NULL is fine

// Read back a slice too; its number is the next one behind params.outputs. While a hook runs, else E_ARG.
vkc_status nn_runner_add_output(nn_runner *r, vkc_slice src);

// The host memory of an input in a slot: as its tensor, whatever is live of it. NULL: there is none of that name.
void      *nn_runner_input(const nn_runner *r, uint32_t slot, const char *name);
size_t     nn_runner_input_size(const nn_runner *r, const char *name);      // bytes; 0: there is none
// By number, in the order of params.inputs without those that are NULL; live ones do not count.
uint32_t   nn_runner_n_inputs(const nn_runner *r);
const nn_tensor *nn_runner_input_tensor(const nn_runner *r, uint32_t i);
// What the last replay left in an output, until the next is submitted. NULL: a tensor that was NULL.
const void *nn_runner_output(const nn_runner *r, uint32_t i);

// Start a replay on the inputs of a slot; the one before must have been waited for.
vkc_status nn_runner_submit(nn_runner *r, uint32_t slot);
vkc_status nn_runner_wait(nn_runner *r);
// After the wait: E_CHECK with the first call that differs from its reference, where the device is checked and this
// replay is one to compare, or with the first tensor watched that was not finite. `when` ends the sentence.
vkc_status nn_runner_check(const nn_runner *r, const char *when);
bool       nn_runner_is_watched(const nn_runner *r);    // are tensors of the graph counted in?
// All three, on slot 0.
vkc_status nn_runner_run(nn_runner *r, const char *when);

// For measuring. Replay once more on what slot 0 holds, nothing checked; wall time from submit to done.
vkc_status nn_runner_repeat(nn_runner *r, double *seconds);
// Borrowed: to submit it past the runner (one slot only), for its counts and times.
vkc_recording *nn_runner_recording(nn_runner *r);
// nn_runner_check of a replay that was submitted like that, on inputs and parameters that have not changed since.
vkc_status nn_runner_compare(nn_runner *r, const char *when);

#ifdef __cplusplus
}
#endif
#endif
