// keep_option.h — the option --keep: one share of the patches, or a series of them.
#ifndef CLI_KEEP_OPTION_H
#define CLI_KEEP_OPTION_H

#include "apps/cli/options/data_options.h"
#include "pipeline/retain/retain.h"

// "0.7", "1,0.8,0.6". E_ARG in words.
vkc_status keep_read(const char *text, double keep[PIPELINE_MAX_SERIES], uint32_t *n);

#endif
