// args.h — the words of a command line into a struct, by a table of typed options.
//
// "--name value" and "--name=value" are the same, and so are "-k 1" and "-k1", "-v -q" and "-vq"; "--" ends the
// options. Errors: E_ARG with a sentence and, for an
// option that does not exist, the closest one that does.
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "nn/image/preprocess.h"
#include "vk/status.h"

typedef enum {
    ARG_FLAG, ARG_TEXT, ARG_MODEL, ARG_U32, ARG_U64, ARG_REAL, ARG_RANGE, ARG_SIZE, ARG_OUT, ARG_OUT_STREAM
} arg_type;
// bool, const char *, const char * (a model: with --from-cache a name becomes a path), uint32_t, uint64_t, double,
// double[2] ("0.08,1": from, to), nn_size ("224" or "224x160": height, width), and const char * for a path that is
// written to (nn/base/destination.h); ARG_OUT_STREAM: or "-", standard output

typedef struct arg {
    const char *name;               // without the dashes; NULL ends a table
    char        letter;             // "-o"; 0 = none
    arg_type    type;
    size_t      offset;             // of the member in the options struct
    double      min, max;           // of numbers; both 0 = any that fits
    const char *value, *help;       // "N", "what it is"; value may be NULL for a flag
} arg;

typedef struct args_words { char **word; int n; } args_words;   // words that are no options, borrowed from argv

#define ARGS_MAX_TABLES 8

// Parse argv[0 .. argc) into `options` by up to ARGS_MAX_TABLES tables; a NULL ends the list. The words that are no
// options are moved to the front of argv. Members whose option does not appear stay as they are.
vkc_status args_read(const arg *const *tables, void *options, int argc, char **argv, args_words *words);

// A finite number in decimal, of an option that is a list; *end: what is behind it. False when there is none.
bool args_read_number(const char *text, const char **end, double *out);
// Does this word, an option, take the next one as its value? False for an option that there is not.
bool args_takes_next(const arg *const *tables, const char *word);

// The options as --help shows them, help in a column of its own, in lines of at most `width` characters.
void args_print(FILE *f, const arg *table, int width);

// The candidate closest to `word` by edit distance, or NULL when none is close. next(user, i) gives
// candidate i, NULL at the end.
const char *args_closest(const char *word, const char *(*next)(const void *user, size_t i), const void *user);

#endif
