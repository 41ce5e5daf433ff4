// judge.h — accuracy on the val split after every epoch of a training: the score by which the best epoch is kept.
#ifndef PIPELINE_JUDGE_H
#define PIPELINE_JUDGE_H

#include "nn/train/judge.h"
#include "pipeline/base/measure.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_judge {
    const pipeline_context *c;      // borrowed, as the next two
    const nn_model *model;          // the one in training
    const pipeline_data *data;      // with the classes of the model
    uint64_t epoch;
    uint32_t batch;                 // that fits into memory beside the training
    nn_infer *infer;                // the model's graph, from the first epoch on
} pipeline_judge;

// What a training asks, with `j` as its memory; none with `keep_last`, and none where val has no pictures. Progress is
// told as "val". A batch that does not fit into memory beside the training is halved.
nn_judge pipeline_judge_make(pipeline_judge *j, const pipeline_context *c, const nn_model *m, const pipeline_data *d,
                             bool keep_last);
void     pipeline_judge_finish(pipeline_judge *j);      // when the training is over, before the model goes

// Adds to a run's inputs that the last epoch is kept, where it is: nothing by default, as earlier versions have it.
void     pipeline_judge_add_inputs(json_t *inputs, bool keep_last);
// Adds {"epochs", "best_epoch", "best_val_top1"} to a result; both null where no epoch was judged.
void     pipeline_best_add(json_t *o, const nn_best *b);
// A sentence for a card, "The parameters are those after epoch 7 of 20, the best on val.", or an empty one.
void     pipeline_best_text(const nn_best *b, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
