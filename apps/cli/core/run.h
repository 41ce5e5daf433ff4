// run.h — a run folder: run.json says what the run is made of, so that only the same run is resumed.
//
// Beside it lie what the library writes (checkpoint, log.jsonl) and what a command adds. A folder without run.json is
// never written to unless it is empty.
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "apps/cli/core/app.h"

#define RUN_PATH_MAX 4096

// Rows of an option table, for members run, resume and force.
#define RUN_ROWS(type, usual) \
    { "run", 0, ARG_TEXT, offsetof(type, run), 0, 0, "DIR", "run folder: checkpoint and log [" usual "]" }, \
    { "resume", 0, ARG_FLAG, offsetof(type, resume), 0, 0, NULL, "continue the run of the run folder" }, \
    { "force", 'f', ARG_FLAG, offsetof(type, force), 0, 0, NULL, "replace a model or run that is there" }

typedef struct run_folder {
    char    dir[RUN_PATH_MAX];
    bool    is_resumed;             // an earlier part of this run is there
    json_t *info;                   // run.json, owned
} run_folder;

typedef struct run_params {
    const common_args *common;
    const vkc_device  *dev;
    const char *dir;                // NULL = `out` with ".run" behind it
    const char *out;
    json_t     *inputs;             // all that decides the result; the reference is taken over, NULL = E_NOMEM
    bool        resume, force;
} run_params;

// Start a run, or with `resume` find the one that is there. Errors: E_ARG (an unfinished run without resume or force,
// other inputs, not a run folder), E_IO, E_FORMAT.
vkc_status run_open(run_folder *r, const run_params *p);
vkc_status run_path(const run_folder *r, const char *name, char out[RUN_PATH_MAX]);
vkc_status run_finish(run_folder *r, json_t *results);  // mark it finished; takes the reference
// A config to save: `from` with this run's provenance, inputs among it, and `measured` (borrowed) for its figures.
// nn_model_config_finish it, after a failure too.
vkc_status run_make_config(const run_folder *r, const nn_model_config *from, json_t *measured, nn_model_config *out);
void       run_close(run_folder *r);                    // zeroed is fine
// Say where the checkpoint is and how to go on.
void       run_say_stopped(const run_folder *r);
// Say that a check failed and whether there is a checkpoint from before.
void       run_say_failed(const run_folder *r);

#endif
