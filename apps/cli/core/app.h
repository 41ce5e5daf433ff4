// app.h — what every command shares: its row in the table, common options, the device, JSON, and what pipelines are
// handed.
#ifndef CLI_APP_H
#define CLI_APP_H

#include "apps/cli/core/args.h"
#include "apps/cli/core/console.h"
#include "nn/base/destination.h"
#include "nn/models/model.h"
#include "pipeline/api/wrap.h"
#include "pipeline/base/context.h"
#include "pipeline/base/json.h"

#include <jansson.h>

typedef struct common_args {        // the first member of every command's options
    const char *device, *disable;
    uint64_t    seed;
    bool        json, verbose, quiet, validate, no_cache, help, check_cpu, from_cache;
    uint32_t    check_every;        // 0 = by default
    const char *checkpoint_key;     // of the command's model; model_words.c puts it behind the model's name
} common_args;

typedef enum command_use {          // shared options, beside --verbose, --quiet and --help
    COMMAND_DEVICE = 1,             // --device, --disable, --validate, --no-cache
    COMMAND_CHECK = 2,              // --check-cpu, --check-every
    COMMAND_SEED = 4,
    COMMAND_JSON = 8,
    COMMAND_MODEL = 16,             // --from-cache
    COMMAND_KEY = 32,               // --checkpoint-key, of commands with one model among their words
    COMMAND_ALL = 63
} command_use;

typedef struct command {
    const char *name, *help;        // "eval", one line
    const char *usage;              // "M --data D"
    const char *about;              // lines after the options in --help; NULL = none
    void      (*print_more)(FILE *f);   // and after those; NULL = nothing
    const arg  *table;              // its own options
    const void *defaults;           // an options struct
    size_t      options_size;
    int         min_words, max_words;
    int         model_from, model_to;   // words model_from to model_to - 1 are models; both 0 = none
    bool        takes_names;            // of architectures, in place of a model
    unsigned    uses;               // a command_use each
    vkc_status (*run)(const void *options, const args_words *words);
} command;

extern const command cmd_devices, cmd_train, cmd_eval, cmd_classify, cmd_export, cmd_inspect, cmd_sparsity, cmd_distill,
    cmd_retain, cmd_tune, cmd_prune, cmd_study, cmd_report, cmd_bench, cmd_selftest, cmd_mixers,
    cmd_completions, cmd_man;

// Open the device of --device and say which it is; with --check-cpu it is checked (nn/graph/check.h). app_close says
// what was compared, and when validation had complaints: exit code 1.
vkc_status app_open(const common_args *c, vkc_device **dev);
void       app_close(vkc_device *dev);      // NULL is fine
bool       app_is_failed(void);             // a check failed
bool       app_was_open(void);              // a device was opened

void        app_keep_command(int argc, char **argv);   // before options are read
// What a pipeline is handed: the command as typed, progress and messages to standard error, --names in its sentences.
// PIPELINE_STARTED catches signals from then on; PIPELINE_STOPPED says how to go on.
pipeline_context app_context(vkc_device *dev);
// The same for calls of the public interface.
pare_callbacks   app_callbacks(void);
int              app_progress(void *user, const pare_progress *p);      // a pare_progress_fn

// A line a mixer and a line an option of it, as --help shows them.
void        app_print_mixers(FILE *f);

// Print a value to standard output and drop the reference. E_IO when standard output does not take it.
vkc_status app_print_json(json_t *value);
vkc_status app_flush(void);                 // E_IO when standard output failed

// Members of an nn_destination for an option of a command.
#define OUTPUT_OF(option, to, what, replace) \
    .name = (option), .path = (to), .kind = (what), .force = (replace), .force_hint = "--force replaces it"

// Row of an option table, for a member called `img_size`, 0 x 0 without the option.
#define IMG_SIZE_ROW(type) \
    { "img-size", 0, ARG_SIZE, offsetof(type, img_size), 1, 16384, "N", \
      "image size, N or HxW; position embeddings are resampled [the model's own]" }

#endif
