// steps.h — how a text is split into words before merging: pre-tokenizers, one behind another.
//
// Thread-safety: safe once read; scratch belongs to one thread. Errors: E_FORMAT, E_NOMEM.
#ifndef NN_STEPS_H
#define NN_STEPS_H

#include <stdbool.h>

#include "nn/text/bytes.h"
#include "nn/text/pattern.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;

#define NN_MAX_STEPS 16

typedef enum {
    NN_STEP_REGEX,          // by an expression
    NN_STEP_STRING,         // by a text
    NN_STEP_DIGITS,         // by characters that are numbers
    NN_STEP_BYTE_LEVEL,     // by GPT-2's expression, or not; words are bytes then; the last step
    NN_STEP_METASPACE,      // spaces become another character, which begins words
    NN_STEP_RUNS,           // before a text that does not follow itself
} nn_step_kind;

// What becomes of what a step looks for; the rest is always a word of its own.
typedef enum { NN_ISOLATED, NN_REMOVED, NN_WITH_PREVIOUS, NN_WITH_NEXT, NN_CONTIGUOUS } nn_step_behavior;

typedef struct nn_step {
    nn_step_kind      kind;
    const nn_pattern *pattern;          // NULL in a BYTE_LEVEL: no splitting
    nn_bytes          text;             // to look for, or what a space becomes
    nn_step_behavior  behavior;
    bool              invert;           // what is found and the rest change roles
    bool              prefix;           // a space, or what it becomes, goes before a text that does not begin with it
    bool              first_only;       // only before the first
} nn_step;

typedef struct nn_steps { nn_step steps[NN_MAX_STEPS]; size_t len; } nn_steps;

// From "pre_tokenizer" of a tokenizer.json, NULL or null: none. Free it after a failure too.
vkc_status nn_steps_read(const char *where, const struct json_t *value, nn_steps *s);
void       nn_steps_free(nn_steps *s);
bool       nn_steps_are_byte_level(const nn_steps *s);

typedef vkc_status nn_steps_word(void *user, const char *word, size_t len);

// Calls `word` with each word of a text, front to back, none of them empty. is_first: the text is where all begins.
vkc_status nn_steps_run(const nn_steps *s, nn_bytes scratch[NN_MAX_STEPS], const char *text, size_t len, bool is_first,
                        nn_steps_word *word, void *user);

#ifdef __cplusplus
}
#endif
#endif
