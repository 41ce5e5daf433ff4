// model_words.c — the models that a command line names: --from-cache and --checkpoint-key.
#include "apps/cli/core/model_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli/core/hub.h"
#include "apps/cli/core/list.h"
#include "pipeline/base/text.h"

#define MAX_MODELS 80               // of a command

// What replaces words: paths, and lists of them. Owned.
typedef struct resolved {
    char *path[MAX_MODELS], *list[MAX_MODELS];
    int n, n_lists;
} resolved;

// A model that is no path may be a name that a cache knows: with --from-cache *word becomes the path, and without it
// the sentence says that there is one.
static vkc_status resolve(const common_args *common, bool takes_names, const char **word, resolved *r)
{
    hub_found f;
    if (r->n == MAX_MODELS)
        return VKC_OK;              // more than any command takes
    if (common->from_cache) {
        char **path = &r->path[r->n];
        const vkc_status st = hub_resolve(*word, path);
        if (st == VKC_OK && *path) {
            say("%s: %s", *word, *path);
            *word = *path;
            r->n++;
        }
        return st;
    }
    if (takes_names || hub_is_path(*word))
        return VKC_OK;
    hub_find(*word, &f);
    return f.names.n == 0 ? VKC_OK : VKC_FAIL(VKC_E_IO, "%s is not a model folder; %s has weights of that name: "
                                              "--from-cache reads them", *word, f.path);
}

// Each of a list, which becomes a list of what each has become.
static vkc_status resolve_list(const common_args *common, const char **words, resolved *r)
{
    text_list models;
    pipeline_text text;
    vkc_status st = list_split(*words, &models);
    if (st == VKC_OK && r->n_lists < MAX_MODELS)
        st = pipeline_text_open(&text);
    if (st != VKC_OK || r->n_lists == MAX_MODELS) {
        text_list_free(&models);
        return st;
    }
    for (uint32_t i = 0; i < models.n && st == VKC_OK; i++) {
        const char *word = models.item[i];
        if (*word)
            st = resolve(common, false, &word, r);
        if (st == VKC_OK && strchr(word, ','))
            st = VKC_FAIL(VKC_E_ARG, "%s: %s has a comma, which stands between the models of a list", models.item[i],
                          word);
        fprintf(text.f, i ? ",%s" : "%s", word);
    }
    text_list_free(&models);
    const vkc_status closed = pipeline_text_close(&text, &r->list[r->n_lists], NULL);
    if (closed != VKC_OK)
        return st == VKC_OK ? closed : st;
    *words = r->list[r->n_lists++];
    return st;
}

static vkc_status resolve_all(const command *c, void *options, args_words *words, resolved *r)
{
    const common_args *common = options;
    vkc_status st = VKC_OK;
    for (int i = c->model_from; i < c->model_to && i < words->n && st == VKC_OK; i++) {
        const char *word = words->word[i];
        st = resolve(common, c->takes_names, &word, r);
        words->word[i] = (char *) word;
    }
    for (const arg *a = c->table; a->name && st == VKC_OK; a++) {
        const char *word = NULL;
        if (a->type != ARG_MODEL && a->type != ARG_MODELS)
            continue;
        memcpy(&word, (const char *) options + a->offset, sizeof word);
        if (word)
            st = a->type == ARG_MODEL ? resolve(common, false, &word, r) : resolve_list(common, &word, r);
        memcpy((char *) options + a->offset, &word, sizeof word);
    }
    return st;
}

// --checkpoint-key is what stands behind a # in the name of the command's model, the only one among its words; *model
// becomes the two together, owned.
static vkc_status add_key(const command *c, args_words *words, const char *key, char **model)
{
    const int end = words->n < c->model_to ? words->n : c->model_to;
    if (end - c->model_from != 1)
        return VKC_FAIL(VKC_E_ARG, "--checkpoint-key is for commands with one model among their words; elsewhere write "
                        "MODEL#%.60s", key);
    const char *before = words->word[c->model_from];
    *model = malloc(strlen(before) + strlen(key) + 2);
    if (!*model)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory");
    sprintf(*model, "%s#%s", before, key);
    words->word[c->model_from] = *model;
    return VKC_OK;
}

vkc_status model_words_run(const command *c, void *options, args_words *words)
{
    const common_args *common = options;
    resolved models = { .n = 0 };
    char *with_key = NULL;
    vkc_status st = resolve_all(c, options, words, &models);
    if (st == VKC_OK && common->checkpoint_key)
        st = add_key(c, words, common->checkpoint_key, &with_key);
    if (st == VKC_OK)
        st = c->run(options, words);
    free(with_key);
    while (models.n > 0)
        free(models.path[--models.n]);
    while (models.n_lists > 0)
        free(models.list[--models.n_lists]);
    return st;
}
