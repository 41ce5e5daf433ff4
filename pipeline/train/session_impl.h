// session_impl.h — what tuning and pruning share: models and run folder, opened and closed in one place. Internal.
#ifndef PIPELINE_SESSION_IMPL_H
#define PIPELINE_SESSION_IMPL_H

#include "pipeline/base/judge.h"
#include "pipeline/train/tune.h"

typedef struct pipeline_session {
    const pipeline_context *c;
    const pipeline_tune_params *p;
    nn_model    *teacher, *student; // teacher may be NULL; the student is trainable
    pipeline_data data;             // with the student's classes
    nn_dataset   *view;
    pipeline_run run;
    distill_tune_params train;      // of a training in the run folder, without a judge
    pipeline_judge judge;
} pipeline_session;

// Open everything; `check` may refuse models and data before a run folder is made, `more` (may be NULL; the reference
// is taken over) joins the run's inputs. pipeline__session_close it, after a failure too.
vkc_status pipeline__session_open(pipeline_session *s, const pipeline_context *c, const pipeline_tune_params *p,
                                  json_t *more, vkc_status (*check)(const pipeline_session *s, const void *user),
                                  const void *user);
// Train a model as s->train says; the best epoch is kept, unless it is to be the last.
vkc_status pipeline__session_train(pipeline_session *s, nn_model *m, distill_tune_result *out);
// Write a model with its card, and finish the run with `result` (borrowed). `last` is the last training.
vkc_status pipeline__session_save(pipeline_session *s, const nn_model *m, json_t *result,
                                  const distill_tune_result *last, double seconds, const nn_eval_result *val,
                                  const nn_eval_result *test);
// Say what became of it, free it; returns `st`.
vkc_status pipeline__session_close(pipeline_session *s, vkc_status st);

#endif
