// progress.h — how long calls tell how far they are, and how they are stopped.
#ifndef NN_PROGRESS_H
#define NN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_progress {
    const char *what;               // "train", "evaluate" ...
    uint64_t    done, total;        // steps of it; total 0 = not known
    const char *unit;               // "images", "trials"
    double      seconds;            // since the call began (or was resumed)
    double      left;               // seconds estimated to its end; < 0 = not known yet
    double      rate;               // units a second
    const char *note;               // "loss 1.234 lr 9.1e-04", or ""
} nn_progress;

// Called from the thread that made the long call, a few times a second at most. Return false to stop:
// the call then writes its checkpoint, where it has one, and returns VKC_E_STOPPED.
typedef bool (*nn_progress_fn)(void *user, const nn_progress *p);

// Call `fn` with rate and time left worked out; true = go on, also when fn is NULL. `start` is vkc_seconds() of the
// beginning, `from` what was already done then (a resumed run).
bool nn_progress_report(nn_progress_fn fn, void *user, const char *what, const char *unit, const char *note,
                        double start, uint64_t from, uint64_t done, uint64_t total);

#ifdef __cplusplus
}
#endif
#endif
