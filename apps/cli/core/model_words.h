// model_words.h — the models that a command line names: --from-cache and --checkpoint-key.
#ifndef CLI_MODEL_WORDS_H
#define CLI_MODEL_WORDS_H

#include "apps/cli/core/app.h"

// Run a command on its options and words, of which those that are models become paths first: names of --from-cache, the
// key of --checkpoint-key. Errors: E_ARG, E_IO, and those of the command.
vkc_status model_words_run(const command *c, void *options, args_words *words);

#endif
