// eval.h — accuracy of a model on a split of a data set, or on what any feed gives.
#ifndef NN_EVAL_H
#define NN_EVAL_H

#include "nn/base/progress.h"
#include "nn/data/dataset.h"
#include "nn/data/feed.h"
#include "nn/infer/infer.h"
#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_eval_params {
    const nn_dataset *data;
    nn_split    split;
    uint32_t    batch;              // 0 = 128
    uint32_t    max_images;         // 0 = all
    uint32_t    threads;            // decoding; 0 = as many as cores
    bool        check_finite;       // E_CHECK with layer and mixer for a NaN or infinity in a mixer's input or output
    nn_progress_fn progress;        // may be NULL
    void       *user;
    nn_infer  **kept;               // the model's graph, kept from call to call: NULL at first, later of the same
                                    // model, batch and check_finite; the caller destroys it. Values of the model and
                                    // the gate of its config may change in between. NULL again after an error. May be
                                    // NULL
} nn_eval_params;

typedef struct nn_eval_result {
    double   top1, top5, loss;      // fractions; mean cross-entropy, where scores are sigmoids mean binary one
    uint32_t images, bad;           // judged; broken ones skipped
    double   seconds;               // wall time, decoding included
    double   images_per_s;          // the same, of all batches but the first, which waits for kernels to be compiled
    uint32_t n_keep;                // blocks of the model when it drops tokens, else 0
    double   keep;                  // share of its patches that a picture enters a block with: mean of blocks, pictures
    double   keep_layer[NN_MAX_DEPTH];      // (n_keep) the same, block by block
} nn_eval_result;

// Place of the label's logit among the logits: 0 = it is the highest; ties and NaN count against it.
uint32_t nn_logits_rank(const float *logits, uint32_t classes, uint32_t label);

// A model whose scores are sigmoids is judged by its highest one. Errors: E_ARG (one class: nothing to judge), E_FORMAT
// (classes of data and model differ, no usable image), E_STOPPED, device errors.
vkc_status nn_eval(const nn_model *m, const nn_eval_params *p, nn_eval_result *out);
// The same on epoch 0 of a feed with what the model reads and the field "labels"; of `p` check_finite and progress are
// looked at, "images" of the result are samples, and nothing is known to be broken. Errors: E_ARG too, for a feed that
// lacks something.
vkc_status nn_eval_feed(const nn_model *m, const nn_feed *feed, const nn_eval_params *p, nn_eval_result *out);

#ifdef __cplusplus
}
#endif
#endif
