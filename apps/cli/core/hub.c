// hub.c — the layout of the caches: models--ORG--NAME/snapshots/REVISION with refs/main; checkpoints/NAME-HASH.pth.
#include "apps/cli/core/hub.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 200

static bool is_set(const char *name, const char **value)
{
    *value = getenv(name);
    return *value && **value;
}

// FIRST or BELOW/more of the environment, else ~/.cache/rest; false: there is no home either.
static bool find_root(const char *first, const char *below, const char *more, const char *rest, char out[NN_PATH_MAX])
{
    const char *dir;
    int n;
    if (first && is_set(first, &dir))
        n = snprintf(out, NN_PATH_MAX, "%s", dir);
    else if (is_set(below, &dir))
        n = snprintf(out, NN_PATH_MAX, "%s/%s", dir, more);
    else if (is_set("XDG_CACHE_HOME", &dir))
        n = snprintf(out, NN_PATH_MAX, "%s/%s/%s", dir, rest, more);
    else if (is_set("HOME", &dir))
        n = snprintf(out, NN_PATH_MAX, "%s/.cache/%s/%s", dir, rest, more);
    else
        return false;
    return n > 0 && n < NN_PATH_MAX;
}

// Letters, digits and . _ - with at most one slash inside: no way out of a cache.
static bool is_name(const char *name)
{
    const size_t n = strlen(name);
    const char *slash = strchr(name, '/');
    return n > 0 && n <= MAX_NAME && name[0] != '.' && !strstr(name, "..") && (!slash || slash[1] != '\0') &&
           name[0] != '/' && !(slash && strchr(slash + 1, '/')) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") == n;
}

// The only folder below `dir`; false: none, or several.
static bool find_only(const char *dir, char out[NN_PATH_MAX])
{
    DIR *d = opendir(dir);
    uint32_t n = 0;
    char path[NN_PATH_MAX];
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.' && nn_path_build(path, dir, e->d_name) == VKC_OK && nn_is_folder(path)) {
            n++;
            memcpy(out, path, sizeof path);
        }
    if (d)
        closedir(d);
    return n == 1;
}

// The folder of a repository's main revision.
static bool find_snapshot(const char *repo, char out[NN_PATH_MAX])
{
    char snapshots[NN_PATH_MAX], path[NN_PATH_MAX];
    unsigned char *text = NULL;
    size_t size = 0;
    bool is_there = false;
    if (nn_path_build(snapshots, repo, "snapshots") != VKC_OK || nn_path_build(path, repo, "refs/main") != VKC_OK)
        return false;
    if (nn_file_load(path, 256, &text, &size) == VKC_OK) {
        char *revision = (char *) text;
        revision[strcspn(revision, "\r\n \t")] = '\0';
        is_there = is_name(revision) && !strchr(revision, '/') &&
                   nn_path_build(out, snapshots, revision) == VKC_OK && nn_is_folder(out);
    }
    free(text);
    return is_there || find_only(snapshots, out);
}

static void add(hub_found *f, const char *name, const char *path)
{
    nn_name_list_add(&f->names, name);
    if (f->names.n == 1)
        snprintf(f->path, sizeof f->path, "%s", path);
}

// Is `entry` what a cache calls `want`, or want and a tag?
static bool is_match(const char *entry, const char *want, bool takes_tag)
{
    const size_t n = strlen(want);
    return strncmp(entry, want, n) == 0 && (entry[n] == '\0' || (takes_tag && entry[n] == '.'));
}

static void find_in_hub(const char *name, hub_found *f)
{
    char root[NN_PATH_MAX], repo[NN_PATH_MAX], path[NN_PATH_MAX], want[MAX_NAME + 32];
    const char *slash = strchr(name, '/');
    if (!find_root("HF_HUB_CACHE", "HF_HOME", "hub", "huggingface", root))
        return;
    if (slash)
        snprintf(want, sizeof want, "models--%.*s--%s", (int) (slash - name), name, slash + 1);
    else
        snprintf(want, sizeof want, "models--timm--%s", name);
    DIR *d = opendir(root);
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (is_match(e->d_name, want, !slash) && nn_path_build(repo, root, e->d_name) == VKC_OK &&
            find_snapshot(repo, path))
            add(f, slash ? name : e->d_name + strlen("models--timm--"), path);
    if (d)
        closedir(d);
}

// NAME.pth, or NAME-HASH.pth.
static void find_in_torch(const char *name, hub_found *f)
{
    char root[NN_PATH_MAX], path[NN_PATH_MAX];
    const size_t n = strlen(name);
    if (strchr(name, '/') || !find_root(NULL, "TORCH_HOME", "hub/checkpoints", "torch", root))
        return;
    DIR *d = opendir(root);
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        const char *end = strrchr(e->d_name, '.');
        const bool is_of_name = strncmp(e->d_name, name, n) == 0 && (e->d_name + n == end || e->d_name[n] == '-');
        if (is_of_name && end && (strcmp(end, ".pth") == 0 || strcmp(end, ".pt") == 0) &&
            nn_path_build(path, root, e->d_name) == VKC_OK && nn_is_file(path))
            add(f, e->d_name, path);
    }
    if (d)
        closedir(d);
}

void hub_find(const char *model, hub_found *out)
{
    char before[MAX_NAME + 16];
    const char *name = before;
    const size_t len = strcspn(model, "#");
    *out = (hub_found) { .path = "" };
    if (len >= sizeof before)
        return;
    memcpy(before, model, len);
    before[len] = '\0';
    if (strncmp(name, "hf-hub:", 7) == 0 || strncmp(name, "hf_hub:", 7) == 0)
        name += 7;
    if (!is_name(name))
        return;
    find_in_hub(name, out);
    if (out->names.n == 0)
        find_in_torch(name, out);
}

bool hub_is_path(const char *name)
{
    char path[NN_PATH_MAX];
    if (nn_is_folder(name) || nn_is_file(name))
        return true;
    snprintf(path, sizeof path, "%.*s", (int) strcspn(name, "#"), name);
    return nn_is_folder(path) || nn_is_file(path);
}

vkc_status hub_resolve(const char *name, char **out)
{
    hub_found f;
    *out = NULL;
    if (hub_is_path(name))
        return VKC_OK;
    hub_find(name, &f);
    if (f.names.n == 0)
        return VKC_FAIL(VKC_E_IO, "%s is neither a model folder nor in the caches of Hugging Face and PyTorch "
                        "(HF_HUB_CACHE, HF_HOME, TORCH_HOME)", name);
    if (f.names.n > 1)
        return VKC_FAIL(VKC_E_ARG, "%s is in a cache more than once: %s; say which", name, nn_name_list_end(&f.names));
    const char *key = name + strcspn(name, "#");
    const size_t size = strlen(f.path) + strlen(key) + 1;
    *out = malloc(size);
    if (!*out)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory");
    snprintf(*out, size, "%s%s", f.path, key);
    return VKC_OK;
}
