// app.h — what every command shares: its row in the table, common options, the device, JSON, provenance.
#ifndef CLI_APP_H
#define CLI_APP_H

#include "apps/cli/core/args.h"
#include "apps/cli/core/console.h"
#include "nn/models/model.h"

#include <jansson.h>

typedef struct common_args {        // the first member of every command's options
    const char *device, *disable;
    uint64_t    seed;
    bool        json, verbose, quiet, validate, no_cache, help, check_cpu;
    uint32_t    check_every;        // 0 = by default
} common_args;

typedef struct command {
    const char *name, *help;        // "eval", one line
    const char *usage;              // "M --data D"
    const char *about;              // lines after the options in --help; NULL = none
    void      (*print_more)(FILE *f);   // and after those; NULL = nothing
    const arg  *table;              // its own options
    const void *defaults;           // an options struct
    size_t      options_size;
    int         min_words, max_words;
    vkc_status (*run)(const void *options, const args_words *words);
} command;

extern const command cmd_devices, cmd_train, cmd_eval, cmd_classify, cmd_export, cmd_inspect, cmd_sparsity, cmd_distill,
    cmd_retain, cmd_tune, cmd_prune, cmd_study, cmd_report, cmd_bench, cmd_selftest;

// Open the device of --device and say which it is; with --check-cpu it is checked (nn/graph/check.h). app_close says
// what was compared, and when validation had complaints: exit code 1.
vkc_status app_open(const common_args *c, vkc_device **dev);
void       app_close(vkc_device *dev);      // NULL is fine
bool       app_is_failed(void);             // a check failed
bool       app_was_open(void);              // a device was opened

void        app_keep_command(int argc, char **argv);   // before options are read
const char *app_command(void);              // the command as typed, quoted for a shell
extern const char *const app_version;       // "0.1.0"
extern const char *const app_commit;        // "" = not known

// A line a mixer and a line an option of it, as --help shows them.
void        app_print_mixers(FILE *f);

// Print a value to standard output and drop the reference. E_IO when standard output does not take it.
vkc_status app_print_json(json_t *value);
json_t    *app_number(double x);            // null when not finite
vkc_status app_flush(void);                 // E_IO when standard output failed

// Row of an option table, for a member called `img_size`, 0 x 0 without the option.
#define IMG_SIZE_ROW(type) \
    { "img-size", 0, ARG_SIZE, offsetof(type, img_size), 1, 16384, "N", \
      "pixels a side, or HxW, positions resampled; the model stays as it is [its own]" }

// {command, seed, device, driver, version, commit, date}
json_t    *app_provenance(const common_args *c, const vkc_device *dev);
void       app_date(char out[32]);          // "2025-01-31T12:34:56Z"

// E_ARG unless `dir` can become a new model folder: it is not there, is empty, or `force` is set.
vkc_status app_check_output(const char *dir, bool force);
// Write the model folder: weights first, config.json and the rest after, so that a folder with a config is whole.
vkc_status app_save_model(const nn_model *v, const nn_model_config *cfg, const char *dir, const char *card);

// An option of which 0 means none, for the library, where 0 means the default and less none.
static inline double app_or_none(double x)
{
    return x > 0.0 ? x : -1.0;
}

#endif
