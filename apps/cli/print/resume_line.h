// resume_line.h — the command that goes on with a run that was stopped, from the one that was typed.
#ifndef CLI_RESUME_LINE_H
#define CLI_RESUME_LINE_H

#include <stdbool.h>
#include <stddef.h>

// `typed` is a command as app_keep_command has it, words quoted for a shell. `out` gets it with --resume, once, before
// a "--" that ends the options; with `is_over` without --max-steps, by which the run would stop at once again. Cut off
// where `size` ends.
void resume_line(const char *typed, bool is_over, char *out, size_t size);

#endif
