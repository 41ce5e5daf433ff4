// run.h — a run folder: run.json says what the run is made of, so that only the same run is resumed.
//
// Beside it lie what the library writes (checkpoint, log.jsonl) and what a pipeline adds. A folder without run.json is
// never written to unless it is empty.
#ifndef PIPELINE_RUN_H
#define PIPELINE_RUN_H

#include "nn/base/lock.h"
#include "pipeline/run/output.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_run {
    char    dir[PIPELINE_PATH_MAX]; // "" = not open
    bool    is_resumed;             // an earlier part of this run is there
    json_t *info;                   // run.json, owned
    const char *out, *beside;       // model folders, borrowed; NULL = none
    nn_lock *lock, *out_lock, *beside_lock;     // of these folders, owned
} pipeline_run;

// Start a run, or with `resume` find the one that is there; then say PIPELINE_STARTED. `inputs` is all that decides the
// result; the reference is taken over, NULL = E_NOMEM. All folders are locked until pipeline_run_close: a second call
// gets E_IO. Errors: E_ARG (an unfinished run without resume or force, a finished one that has no model without
// force, other inputs, not a run folder, a model that is there), E_IO, E_FORMAT.
vkc_status pipeline_run_open(pipeline_run *r, const pipeline_context *c, const pipeline_place *p, uint64_t seed,
                             json_t *inputs);
vkc_status pipeline_run_path(const pipeline_run *r, const char *name, char out[PIPELINE_PATH_MAX]);
// Mark it finished; the reference is taken over, NULL = E_NOMEM.
vkc_status pipeline_run_finish(pipeline_run *r, json_t *results);
void       pipeline_run_close(pipeline_run *r);                         // zeroed is fine
// Say where a run is kept that E_STOPPED ended, and which checkpoints there are from before an E_CHECK. Returns `st`.
vkc_status pipeline_run_end(const pipeline_run *r, const pipeline_context *c, vkc_status st);

#ifdef __cplusplus
}
#endif
#endif
