// context.h — what every pipeline is handed besides its parameters: device, notices, progress, how it is stopped.
//
// A pipeline is a whole run, from a data set to a model folder. It writes to its folders and nowhere else: what there
// is to say goes to `notify`, how far it is to `progress`, what was found into a result struct.
// Thread-safety: a context and its device serve one call at a time; both callbacks come from the thread of the call.
#ifndef PIPELINE_CONTEXT_H
#define PIPELINE_CONTEXT_H

#include "nn/base/progress.h"
#include "vk/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pipeline_notice {
    PIPELINE_NOTE,                  // good to know
    PIPELINE_WARNING,               // not as it should be; the run goes on
    PIPELINE_FAILURE,               // the sentence of vkc_last_error(), a failure that the run outlives
    PIPELINE_STARTED,               // checks are over and the run begins: from now on it heeds `progress`
    PIPELINE_STOPPED                // told to stop; the sentence says where what is done is kept
} pipeline_notice;

// A sentence without its full stop, for a person.
typedef void (*pipeline_notify_fn)(void *user, pipeline_notice kind, const char *sentence);

typedef struct pipeline_context {
    vkc_device *dev;                // checks made before a device is opened do not read it
    const char *command;            // how the run can be had again, for its provenance; NULL = not known
    const char *dash;               // before names of parameters in sentences: "--" for a command line; NULL = ""
    // NULL = never stopped. A call whose `what` is "" has nothing to show and asks only whether to go on.
    nn_progress_fn     progress;
    pipeline_notify_fn notify;      // may be NULL
    void       *user;               // of both
} pipeline_context;

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void        pipeline_say(const pipeline_context *c, pipeline_notice kind, const char *fmt, ...);
void        pipeline_say_failure(const pipeline_context *c);       // the newest failure
const char *pipeline_dash(const pipeline_context *c);               // never NULL
bool        pipeline_tell(const pipeline_context *c, const nn_progress *p);        // false = stop
// Nn_progress_fn with a context as user, for calls inside one that tells how far it is: asks whether to go on.
bool        pipeline_ask(void *context, const nn_progress *p);

#ifdef __cplusplus
}
#endif
#endif
