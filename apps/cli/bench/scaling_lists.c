// scaling_lists.c — the lists of mixers and token counts that pare bench scaling is asked for.
#include "apps/cli/bench/scaling.h"

#include <stdlib.h>
#include <string.h>

static vkc_status add_mixer(scaling *s, const char *text, size_t len)
{
    char *name = s->name[s->n_mixers];
    if (s->n_mixers == SCALING_MAX_MIXERS)
        return VKC_FAIL(VKC_E_ARG, "--mixers: more than %d mixers", SCALING_MAX_MIXERS);
    if (len >= sizeof s->name[0])
        return VKC_FAIL(VKC_E_ARG, "--mixers: \"%.40s\" is too long", text);
    memcpy(name, text, len);
    name[len] = '\0';
    for (uint32_t i = 0; i < s->n_mixers; i++)
        if (strcmp(s->name[i], name) == 0)
            return VKC_FAIL(VKC_E_ARG, "--mixers: %s is there twice", name);
    vkc_status st = nn_mixer_parse(name, &s->layer[s->n_mixers], NULL);
    s->n_mixers += st == VKC_OK;
    return st;
}

static vkc_status add_tokens(scaling *s, const char *text, size_t len)
{
    uint32_t n = 0, at = s->n_tokens;
    for (size_t i = 0; i < len && n <= NN_MAX_TOKENS; i++)
        n = text[i] >= '0' && text[i] <= '9' ? 10 * n + (uint32_t) (text[i] - '0') : NN_MAX_TOKENS + 1;
    if (n == 0 || n > NN_MAX_TOKENS)
        return VKC_FAIL(VKC_E_ARG, "--tokens: \"%.*s\" is not a whole number from 1 to %d", (int) (len < 20 ? len : 20),
                        text, NN_MAX_TOKENS);
    if (s->n_tokens == SCALING_MAX_TOKENS)
        return VKC_FAIL(VKC_E_ARG, "--tokens: more than %d counts", SCALING_MAX_TOKENS);
    for (uint32_t i = 0; i < s->n_tokens; i++)
        if (s->tokens[i] == n)
            return VKC_OK;
    for (; at > 0 && s->tokens[at - 1] > n; at--)
        s->tokens[at] = s->tokens[at - 1];
    s->tokens[at] = n;
    s->n_tokens++;
    return VKC_OK;
}

static vkc_status read_list(scaling *s, const char *text, vkc_status (*add)(scaling *, const char *, size_t))
{
    for (;;) {
        size_t len = strcspn(text, ",");
        vkc_status st = add(s, text, len);
        if (st != VKC_OK || text[len] == '\0')
            return st;
        text += len + 1;
    }
}

vkc_status scaling_init(scaling *s, const scaling_args *a)
{
    vkc_status st = VKC_OK;
    s->n_mixers = s->n_tokens = 0;
    if (a->dim % a->heads != 0)
        return VKC_FAIL(VKC_E_ARG, "--dim %u is not a multiple of --heads %u", a->dim, a->heads);
    if (a->mixers)
        st = read_list(s, a->mixers, add_mixer);
    for (uint32_t i = 0; i < nn_n_mixers && !a->mixers && st == VKC_OK; i++)
        st = add_mixer(s, nn_mixers[i]->name, strlen(nn_mixers[i]->name));
    if (st == VKC_OK)
        st = read_list(s, a->tokens ? a->tokens : "64,128,256,512,1024,2048,4096,8192", add_tokens);
    return st;
}
