// judge.h — what a training asks after every epoch, and what it says of the epoch that it kept.
#ifndef NN_JUDGE_H
#define NN_JUDGE_H

#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_score {           // on pictures that are not trained on
    double top1;                    // larger is better; NaN = the epoch is none to keep
    double loss;                    // NaN = not known
} nn_score;

// Called between two steps, on the thread of the training, when epoch `epoch`, counted from 1, is over: the model's
// parameters are those to judge. It must leave them as they are. Errors end the training; with E_STOPPED it is stopped,
// and the epoch is judged when it is resumed.
typedef vkc_status (*nn_judge_fn)(void *user, uint64_t epoch, nn_score *out);

typedef struct nn_judge {
    nn_judge_fn fn;                 // NULL = nothing is judged
    void       *user;
} nn_judge;

typedef struct nn_best {
    uint32_t epoch, epochs;         // the one kept, from 1, of so many; 0 = none was judged, the last one is there
    nn_score score;                 // its own
} nn_best;

#ifdef __cplusplus
}
#endif
#endif
