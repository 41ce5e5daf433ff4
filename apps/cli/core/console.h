// console.h — standard error: messages, the progress line, and stopping on Ctrl-C.
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include <stdio.h>

#include "nn/base/progress.h"
#include "vk/device.h"

void console_init(bool is_quiet, bool is_verbose);

// A line to standard error; the progress line makes way. `say` is silent with --quiet, `warn` never.
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void say(const char *fmt, ...);
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void warn(const char *fmt, ...);
// The sentence of the newest failure, without the place in the sources unless -v was given.
void warn_failure(void);

// Characters of a line: those of the terminal that it is, else 100.
int console_width(FILE *f);

// A name of a file, a class, a device: its control characters written out (vk/status.h).
void print_name(FILE *f, const char *name);

// A vkc_log_fn: warnings and errors always, the rest with -v.
void console_log(void *user, vkc_log_level level, const char *msg);

// Nn_progress_fn: show how far it is, and return false once Ctrl-C was pressed. On a terminal one line
// that is written over, elsewhere a line every 30 seconds; none when there is nothing to show
// (pipeline/base/context.h).
bool console_progress(void *user, const nn_progress *p);
void console_clear(void);                                   // end the progress line

// From now on SIGINT, SIGTERM and SIGHUP end the program at once with exit code 130, and no half of a file is left. One
// that was ignored when the program began stays so (nohup).
void console_end_on_signals(void);
// From now on the first of them asks the running call to stop: console_progress returns false. One that has not stopped
// after a second is ended, but for a training, which writes its checkpoint first. The second ends the program.
void console_catch_signals(void);
// The same for a run that can be resumed; `sentence` says how, when it is ended before it could say so itself.
void console_begin_run(const char *sentence);
bool console_is_stopped(void);

#endif
