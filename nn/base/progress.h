// progress.h — how long calls tell how far they are, and how they are stopped.
#ifndef NN_PROGRESS_H
#define NN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "vk/device.h"

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

// How fast a call goes: measured from its first count on, so that what comes but once (kernels are compiled, threads
// started, what an earlier part of a run did) is neither in the rate nor in the time left.
typedef struct nn_pace {
    double   start;                 // vkc_seconds() when the call began
    double   first, last;           // of the first count and the newest
    uint64_t first_done, done;      // what was done by then
    bool     is_counted;
} nn_pace;

nn_pace nn_pace_start(void);
void    nn_pace_count(nn_pace *p, uint64_t done);       // so much is done now
void    nn_pace_skip(nn_pace *p, double seconds);       // these went by, and are not the call's
double  nn_pace_rate(const nn_pace *p);                 // units a second; 0 = not known before the second count

// Count, and call `fn` with rate and time left worked out; true = go on, also when fn is NULL.
bool nn_progress_report(nn_progress_fn fn, void *user, const char *what, const char *unit, const char *note,
                        nn_pace *pace, uint64_t done, uint64_t total);

// From now on `fn` is told how many kernels of a device are compiled, whenever somebody waits for that for more than a
// second: unit "kernels", no rate; what it returns is heeded (vkc_device_on_compile). The watch stays where it is until
// it ends; then whoever was told before is told again. A device or `fn` of NULL: nothing changes.
#define NN_COMPILING "compiling kernels"                // `what` of those calls
typedef struct nn_compile_watch {
    vkc_device    *dev;             // NULL = has not begun
    nn_progress_fn fn;
    void          *user;
    vkc_compile_fn before;
    void          *before_user;
} nn_compile_watch;
void nn_compile_watch_begin(nn_compile_watch *w, vkc_device *dev, nn_progress_fn fn, void *user);
void nn_compile_watch_end(nn_compile_watch *w);         // zeroed is fine

#ifdef __cplusplus
}
#endif
#endif
