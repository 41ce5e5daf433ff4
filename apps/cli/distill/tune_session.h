// tune_session.h — what commands share that train a student: its options, models, data and run folder, opened and
// closed in one place.
#ifndef CLI_TUNE_SESSION_H
#define CLI_TUNE_SESSION_H

#include "apps/cli/core/run.h"
#include "apps/cli/distill/tune_setup.h"

typedef struct tune_args {          // a command with options of its own has this as its first member
    common_args  common;
    data_args    d;
    tune_options t;
    const char  *teacher, *out, *run;
    uint32_t     max_steps;
    bool         no_augment, resume, force;
} tune_args;

// Rows of an option table. `to` is the letter of the model that is written.
#define TUNE_SESSION_ROWS(to, stops) \
    DATA_ROW(tune_args), \
    { "teacher", 't', ARG_TEXT, offsetof(tune_args, teacher), 0, 0, "M", "model that the student is compared with" }, \
    { "out", 'o', ARG_TEXT, offsetof(tune_args, out), 0, 0, to, "model folder to write" }, \
    RUN_ROWS(tune_args, to ".run"), \
    BATCH_ROW(tune_args, "64"), \
    TUNE_ROWS(tune_args, t, "", "1"), \
    { "no-augment", 0, ARG_FLAG, offsetof(tune_args, no_augment), 0, 0, NULL, "no flips, transposes and shifts" }, \
    { "max-steps", 0, ARG_U32, offsetof(tune_args, max_steps), 1, 4e9, "N", stops }, \
    FINITE_ROWS(tune_args, "on in training"), THREADS_ROW(tune_args), LIMIT_ROW(tune_args)

typedef struct tune_session {
    const tune_args *a;
    const char *dir;                // of the student
    nn_dataset *data;
    vkc_device *dev;
    nn_model     *teacher, *v;        // teacher may be NULL; v is trainable
    run_folder  run;
    distill_tune_params params;     // of a training in the run folder
} tune_session;

// Open everything; `check` may refuse the models and data before a run folder is made, `more` (may be NULL; the
// reference is taken over) joins the run's inputs. `usage` is said when there is nothing to write to.
// tune_session_close it, after a failure too.
vkc_status tune_session_open(tune_session *s, const tune_args *a, const char *dir, const char *usage, json_t *more,
                             vkc_status (*check)(const tune_session *s));
// Write model v with its card, and finish the run with `result` (borrowed).
vkc_status tune_session_save(tune_session *s, const nn_model *v, json_t *result, double seconds,
                             const nn_eval_result *val, const nn_eval_result *test);
// Say what became of it, free it; returns `st`.
vkc_status tune_session_close(tune_session *s, vkc_status st);

#endif
