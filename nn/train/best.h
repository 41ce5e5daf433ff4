// best.h — the trained parameters after the best epoch so far, by the score of a judge. Internal to nn/train.
#ifndef NN_TRAIN_BEST_H
#define NN_TRAIN_BEST_H

#include "nn/train/fit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn__best_state {     // 64-bit words of a checkpoint
    uint64_t judged, epoch;         // the newest epoch that was judged, the best; 0 = none
    nn_score last, best;            // their scores
    double   norm;                  // of the last step's gradients: for the log, when an epoch is judged after a resume
    uint64_t tuned[NN_FIT_MAX_STATE];           // of the best epoch: state of the hook (nn_fit_tune_fn)
} nn__best_state;
#define NN__BEST_WORDS (sizeof(nn__best_state) / sizeof(uint64_t))

typedef struct nn__best {
    nn__best_state s;
    float *kept;                    // (nn_stepper_len) owned; NULL without a judge
} nn__best;

vkc_status nn__best_init(nn__best *b, const nn_fit_params *p);          // nn__best_finish it, after a failure too
void       nn__best_finish(nn__best *b);
// E_FORMAT unless a state that was read is one after so many epochs, with the parameters that it names.
vkc_status nn__best_check(const nn__best *b, uint64_t epochs, bool has_kept, const char *path);
// Judge the parameters after an epoch, their average where there is one, and keep them if no earlier ones are as good.
// The stepper's own are the same bits afterwards.
vkc_status nn__best_judge(nn__best *b, const nn_fit_params *p, uint64_t epoch, const uint64_t *tuned);

#ifdef __cplusplus
}
#endif
#endif
