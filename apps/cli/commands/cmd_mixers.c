// cmd_mixers.c — pare mixers: what a layer can have in the place of attention, with options and their values.
#include "apps/cli/core/app.h"

#include "nn/base/json.h"
#include "nn/mixers/mixer.h"

typedef struct mixers_args {
    common_args common;
} mixers_args;

static json_t *build_option(const nn_mixer_option *o)
{
    const bool is_number = strcmp(o->values[0], NN_ANY_NUMBER) == 0;
    json_t *values = is_number ? json_null() : json_array();
    for (uint32_t i = 0; !is_number && o->values[i]; i++)
        nn_json_append_new(values, json_string(o->values[i]));
    return json_pack("{s:s, s:s, s:o}", "key", o->key, "about", o->about, "values", values);
}

static json_t *build_mixer(const nn_mixer *m)
{
    json_t *options = json_array();
    for (const nn_mixer_option *o = m->options; o && o->key; o++)
        nn_json_append_new(options, build_option(o));
    return json_pack("{s:s, s:s, s:b, s:b, s:o}", "name", m->name, "about", m->about, "has_weights", m->has_weights,
                     "is_replaceable", m->is_replaceable, "options", options);
}

static vkc_status run(const void *options, const args_words *words)
{
    const mixers_args *a = options;
    (void) words;
    if (!a->common.json) {
        app_print_mixers(stdout);
        return app_flush();
    }
    json_t *list = json_array();
    for (uint32_t i = 0; i < nn_n_mixers; i++)
        nn_json_append_new(list, build_mixer(nn_mixers[i]));
    return app_print_json(json_pack("{s:o}", "mixers", list));
}

static const arg table[] = { { 0 } };
static const mixers_args defaults = { 0 };
const command cmd_mixers = {
    .name = "mixers", .help = "list the mixers that a layer can have, with their options", .usage = "",
    .table = table, .defaults = &defaults, .options_size = sizeof defaults, .uses = COMMAND_JSON, .run = run,
};
