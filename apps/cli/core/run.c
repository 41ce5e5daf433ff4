// run.c — a run folder: started, resumed, finished.
#include "apps/cli/core/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/base/json.h"

#define MAX_INFO ((size_t) 1 << 20)

// What a run leaves in its folder; a new run in the same place takes these away and nothing else.
static const char *const leftovers[] = {
    "train.safetensors", "train.jsonl", "retain.safetensors", "match.safetensors", "transfer.safetensors",
    "transfer.jsonl", "tune.safetensors", "tune-all.safetensors", "shrink.safetensors", "log.jsonl", "search.jsonl",
    "study.jsonl", "sparsity.json", "costs.json", "report.html", "scaling.tsv", "scaling.gp", "scaling.svg",
    "retention.tsv", "models.tsv",
};
#define MAX_TAG 16                      // "transfer-2.safetensors" ... of several mixers in one run

vkc_status run_path(const run_folder *r, const char *name, char out[RUN_PATH_MAX])
{
    return nn_path_build(out, r->dir, name);
}

static vkc_status set_dir(run_folder *r, const run_params *p)
{
    size_t len = strlen(p->dir ? p->dir : p->out);
    while (!p->dir && len > 1 && p->out[len - 1] == '/')
        len--;
    int n = snprintf(r->dir, sizeof r->dir, "%.*s%s", (int) len, p->dir ? p->dir : p->out, p->dir ? "" : ".run");
    if (n < 0 || (size_t) n >= sizeof r->dir)
        return VKC_FAIL(VKC_E_ARG, "the path of the run folder is too long");
    return VKC_OK;
}

static vkc_status check_input(const run_folder *r, const char *key, json_t *old, json_t *value)
{
    if (old && value && json_equal(old, value))
        return VKC_OK;
    const size_t how = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    char *a = old ? json_dumps(old, how) : NULL, *b = value ? json_dumps(value, how) : NULL;
    vkc_status st = VKC_FAIL(VKC_E_ARG, "%s is another run: its %s is %.200s, not %.200s", r->dir, key,
                             a ? a : "not given", b ? b : "left out");
    free(a);
    free(b);
    return st;
}

// Neither has what the other has not: an option may be left out where it says nothing.
static vkc_status check_inputs(const run_folder *r, json_t *inputs)
{
    json_t *had = json_object_get(r->info, "inputs");
    const char *key;
    json_t *value;
    vkc_status st = VKC_OK;
    json_object_foreach(inputs, key, value)
        if (st == VKC_OK)
            st = check_input(r, key, json_object_get(had, key), value);
    json_object_foreach(had, key, value)
        if (st == VKC_OK)
            st = check_input(r, key, value, json_object_get(inputs, key));
    return st;
}

static vkc_status save(const run_folder *r)
{
    char path[RUN_PATH_MAX];
    vkc_status st = run_path(r, "run.json", path);
    return st == VKC_OK ? nn_json_save(path, r->info) : st;
}

static vkc_status take_away(const run_folder *r, const char *name)
{
    char path[RUN_PATH_MAX];
    vkc_status st = run_path(r, name, path);
    if (st == VKC_OK)
        unlink(path);
    return st;
}

static vkc_status take_all_away(const run_folder *r)
{
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < sizeof leftovers / sizeof leftovers[0] && st == VKC_OK; i++)
        st = take_away(r, leftovers[i]);
    for (int tag = 2; tag <= MAX_TAG && st == VKC_OK; tag++) {
        char name[40];
        snprintf(name, sizeof name, "transfer-%d.safetensors", tag);
        st = take_away(r, name);
        snprintf(name, sizeof name, "match-%d.safetensors", tag);
        if (st == VKC_OK)
            st = take_away(r, name);
    }
    return st;
}

static vkc_status start(run_folder *r, const run_params *p)
{
    vkc_status st = take_all_away(r);
    if (st != VKC_OK)
        return st;
    json_decref(r->info);
    r->info = json_pack("{s:s, s:i, s:o, s:O, s:b, s:[]}", "format", "pare-run", "version", 1, "provenance",
                        app_provenance(p->common, p->dev), "inputs", p->inputs, "finished", 0, "resumed");
    return r->info ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "run: out of host memory, or a path is not UTF-8");
}

static vkc_status resume(run_folder *r, const run_params *p)
{
    vkc_status st = check_inputs(r, p->inputs);
    if (st != VKC_OK)
        return st;
    const char *was = json_string_value(json_object_get(json_object_get(r->info, "provenance"), "device"));
    const char *is = vkc_device_get_info(p->dev)->name;
    if (was && nn_is_printable(was) && strcmp(was, is) != 0)
        warn("the run was started on %.200s; on another device the last bits may differ", was);
    json_t *list = json_object_get(r->info, "resumed");
    if (!json_is_array(list))
        json_object_set_new(r->info, "resumed", list = json_array());
    json_array_append_new(list, app_provenance(p->common, p->dev));
    json_object_set_new(r->info, "finished", json_false());
    r->is_resumed = true;
    return VKC_OK;
}

static vkc_status open_folder(run_folder *r, const run_params *p)
{
    char path[RUN_PATH_MAX];
    vkc_status st;
    if (!p->inputs)
        return VKC_FAIL(VKC_E_NOMEM, "run: out of host memory, or a path is not UTF-8");
    VKC_TRY(set_dir(r, p));
    VKC_TRY(run_path(r, "run.json", path));
    bool is_there = nn_is_file(path);
    if (is_there) {
        VKC_TRY(nn_json_load(path, MAX_INFO, &r->info));
        const char *format = json_string_value(json_object_get(r->info, "format"));
        if (!format || strcmp(format, "pare-run") != 0) {
            st = VKC_FAIL(VKC_E_FORMAT, "%s is not of a run", path);
            goto done;
        }
    } else {
        VKC_TRY(app_check_output(r->dir, false));
    }
    if (is_there && p->resume) {
        VKC_TRY(resume(r, p));
    } else {
        if (is_there && !p->force && !json_is_true(json_object_get(r->info, "finished"))) {
            st = VKC_FAIL(VKC_E_ARG, "%s holds a run that is not finished; --resume continues it, --force starts anew",
                          r->dir);
            goto done;
        }
        if (p->resume)
            say("no run in %s yet: starting one", r->dir);
        VKC_TRY(nn_folder_create(r->dir));
        VKC_TRY(start(r, p));
    }
    st = save(r);
done:
    return st;
}

vkc_status run_open(run_folder *r, const run_params *p)
{
    *r = (run_folder) { .is_resumed = false };
    vkc_status st = open_folder(r, p);
    json_decref(p->inputs);
    return st;
}

vkc_status run_finish(run_folder *r, json_t *results)
{
    json_object_set_new(r->info, "finished", json_true());
    json_object_set_new(r->info, "results", results ? results : json_null());
    return save(r);
}

vkc_status run_make_config(const run_folder *r, const nn_model_config *from, json_t *measured, nn_model_config *out)
{
    vkc_status st = nn_model_config_copy(from, out);
    if (st != VKC_OK)
        return st;
    json_decref(out->provenance);
    json_decref(out->measured);
    out->provenance = json_deep_copy(json_object_get(r->info, "provenance"));
    if (out->provenance)
        json_object_set(out->provenance, "inputs", json_object_get(r->info, "inputs"));
    out->measured = json_incref(measured);
    return VKC_OK;
}

void run_close(run_folder *r)
{
    json_decref(r->info);
    r->info = NULL;
}

void run_say_stopped(const run_folder *r)
{
    const char *again = strstr(app_command(), " --resume") ? "" : " --resume";
    warn("stopped; what is done is kept in %s. To go on: %s%s", r->dir, app_command(), again);
}

void run_say_failed(const run_folder *r)
{
    static const char *const names[] = { "train.safetensors", "transfer.safetensors", "retain.safetensors",
                                        "tune.safetensors", "tune-all.safetensors", "shrink.safetensors" };
    char path[RUN_PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (*r->dir && run_path(r, names[i], path) == VKC_OK && nn_is_file(path))
            warn("a check failed; the last checkpoint is as it was: %s", path);
}
