// mixer.c — the mixer table, from mixers.def.
#include "nn/mixer.h"

#include <stdio.h>
#include <string.h>

const nn_mixer *const nn_mixers[] = {
#define NN_MIXER(name) &nn_mixer_##name,
#include "nn/mixers.def"
#undef NN_MIXER
};
const uint32_t nn_n_mixers = sizeof nn_mixers / sizeof nn_mixers[0];

static void append(char *list, size_t size, const char *word)
{
    size_t len = strlen(list);
    snprintf(list + len, size - len, "%s%s", len ? ", " : "", word);
}

vkc_status nn_mixer_get(const char *name, const nn_mixer **out)
{
    char list[256] = "";
    for (uint32_t i = 0; i < nn_n_mixers; i++) {
        if (strcmp(nn_mixers[i]->name, name) == 0) {
            *out = nn_mixers[i];
            return VKC_OK;
        }
        append(list, sizeof list, nn_mixers[i]->name);
    }
    return VKC_FAIL(VKC_E_ARG, "no mixer \"%.64s\"; there are: %s", name, list);
}

vkc_status nn_mixer_get_option(const nn_mixer *m, const char *option, const char **out)
{
    char list[256] = "";
    if (!option || !*option) {
        *out = m->options ? m->options[0] : "";
        return VKC_OK;
    }
    for (const char *const *o = m->options; o && *o; o++) {
        if (strcmp(*o, option) == 0) {
            *out = *o;
            return VKC_OK;
        }
        append(list, sizeof list, *o);
    }
    return VKC_FAIL(VKC_E_ARG, "mixer %s has no option \"%.64s\"; it has: %s", m->name, option,
                    *list ? list : "none");
}
