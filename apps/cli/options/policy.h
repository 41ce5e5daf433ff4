// policy.h — --policy: the token-pruning policy of a model, and its description in messages.
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include "apps/cli/core/app.h"

// Row of an option table, for a `const char *policy` member.
#define POLICY_ROW(type) \
    { "policy", 0, ARG_TEXT, offsetof(type, policy), 0, 0, "P", \
      "none: disable token pruning [the model's own]" }

// Let a model's settings be what --policy asks for: its own (NULL or by name) or none. E_ARG for any other, with how
// to get such a model.
vkc_status policy_apply(const char *policy, const char *model, nn_model_config *cfg);
// A line or two of the settings; nothing for a model that keeps all tokens.
void       policy_print(FILE *f, const nn_model_config *cfg);

#endif
