// plot.h — a gnuplot script run without a shell.
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include <stdbool.h>
#include <stdio.h>

#include "vk/status.h"

// Run gnuplot, with no initialisation files, on the script `from`; what it prints becomes the file `to`, written
// beside and renamed. *is_there: gnuplot is installed; when not, nothing happens and that is VKC_OK.
// Errors: E_IO (files, gnuplot ended badly).
vkc_status plot_run(const char *from, const char *to, bool *is_there);

// Write text for a quoted string of a script: what gnuplot could read as more than a letter becomes a blank.
void plot_text_write(FILE *f, const char *text);

#endif
