// run_options.h — options of commands that have a run folder.
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include "apps/cli/core/app.h"
#include "pipeline/run/run.h"

// Rows of an option table, for members run, resume and force.
#define RUN_ROWS(type, usual) \
    { "run", 0, ARG_OUT, offsetof(type, run), 0, 0, "DIR", "run folder for checkpoint and log [" usual "]" }, \
    { "resume", 0, ARG_FLAG, offsetof(type, resume), 0, 0, NULL, "resume from the run folder" }, \
    { "force", 'f', ARG_FLAG, offsetof(type, force), 0, 0, NULL, "overwrite an existing model or run" }

// Of a training, for a bool member keep_best, which says what is so anyway where `usual` is "on", and one called
// `last`: keep the last epoch.
#define KEEP_BEST_ROWS(type, last, usual) \
    { "keep-best", 0, ARG_FLAG, offsetof(type, keep_best), 0, 0, NULL, \
      "evaluate on val after every epoch and keep the best one [" usual "]" }, \
    { "no-keep-best", 0, ARG_FLAG, offsetof(type, last), 0, 0, NULL, "keep the last epoch" }

// Of a struct with these members and `out`.
#define RUN_PLACE(a) { .out = (a)->out, .run = (a)->run, .resume = (a)->resume, .force = (a)->force }

#endif
