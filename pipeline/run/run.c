// run.c — a run folder: started, resumed, finished.
#include "pipeline/run/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/base/limits.h"
#include "pipeline/run/inputs.h"
#include "pipeline/run/output.h"
#include "pipeline/run/provenance.h"

#define MAX_INFO ((size_t) 1 << 20)

// What a run leaves in its folder; a new run in the same place takes these away and nothing else.
static const char *const leftovers[] = {
    "train.safetensors", "train.jsonl", "retain.safetensors", "match.safetensors", "transfer.safetensors",
    "transfer.jsonl", "tune.safetensors", "tune-all.safetensors", "shrink.safetensors", "log.jsonl", "search.jsonl",
    "schedule.jsonl", "study.jsonl", "sparsity.json", "costs.json", "report.html", "scaling.tsv", "scaling.gp",
    "scaling.svg", "retention.tsv", "models.tsv",
};
#define MAX_TAG NN_MAX_DEPTH            // "transfer-2.safetensors" ... of several mixers or steps in one run

vkc_status pipeline_run_path(const pipeline_run *r, const char *name, char out[PIPELINE_PATH_MAX])
{
    return nn_path_build(out, r->dir, name);
}

// Inputs that earlier versions did not keep: a run without them may go on.
static bool is_newer(const char *key)
{
    static const char *const keys[] = { PIPELINE_DATA_KEY, "limit", "init_weights", "weights" };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

// The number of a list with commas that begins at *at, which then stands behind it.
static bool read_item(const char **at, double *out)
{
    char *end;
    if (!strchr("+-.0123456789", **at) || !**at)
        return false;
    *out = strtod(*at, &end);
    const bool is_item = end != *at && (*end == ',' || *end == '\0');
    *at = end;
    return is_item;
}

// Lists of numbers in text, "0.70,0.5" and "0.7,0.5", as earlier versions kept them as typed.
static bool are_equal_lists(const char *a, const char *b)
{
    for (double x, y; read_item(&a, &x) && read_item(&b, &y) && x == y && *a == *b; a++, b++)
        if (*a == '\0')
            return true;
    return false;
}

static bool are_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    if (json_is_string(a) && json_is_string(b) && are_equal_lists(json_string_value(a), json_string_value(b)))
        return true;
    return json_equal(a, b);
}

static vkc_status check_input(const pipeline_run *r, const char *key, json_t *old, json_t *value)
{
    if (old && value && are_equal(old, value))
        return VKC_OK;
    if (!old && is_newer(key))
        return VKC_OK;
    if (strcmp(key, PIPELINE_DATA_KEY) == 0)
        return VKC_FAIL(VKC_E_ARG, "%s is another run: since then pictures of its data were added, taken away, renamed "
                        "or changed in size", r->dir);
    const size_t how = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    char *a = old ? nn_json_print(old, how) : NULL, *b = value ? nn_json_print(value, how) : NULL;
    vkc_status st = VKC_FAIL(VKC_E_ARG, "%s is another run: its %s is %.200s, not %.200s", r->dir, key,
                             a ? a : "not given", b ? b : "left out");
    free(a);
    free(b);
    return st;
}

// Neither has what the other has not: an option may be left out where it says nothing.
static vkc_status check_inputs(const pipeline_run *r, json_t *inputs)
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

static vkc_status save(const pipeline_run *r)
{
    char path[PIPELINE_PATH_MAX];
    vkc_status st = pipeline_run_path(r, "run.json", path);
    return st == VKC_OK ? nn_json_save(path, r->info) : st;
}

static vkc_status take_away(const pipeline_run *r, const char *name)
{
    char path[PIPELINE_PATH_MAX];
    vkc_status st = pipeline_run_path(r, name, path);
    if (st == VKC_OK)
        unlink(path);
    return st;
}

static vkc_status take_all_away(const pipeline_run *r)
{
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < sizeof leftovers / sizeof leftovers[0] && st == VKC_OK; i++)
        st = take_away(r, leftovers[i]);
    for (int tag = 2; tag <= MAX_TAG; tag++) {
        static const char *const of[] = { "transfer", "match", "tune" };
        for (size_t i = 0; i < sizeof of / sizeof of[0] && st == VKC_OK; i++) {
            char name[40];
            snprintf(name, sizeof name, "%s-%d.safetensors", of[i], tag);
            st = take_away(r, name);
        }
    }
    return st;
}

typedef struct opening {
    const pipeline_context *c;
    const pipeline_place   *place;
    uint64_t seed;
    json_t  *inputs;
} opening;

static vkc_status start(pipeline_run *r, const opening *o)
{
    vkc_status st = take_all_away(r);
    if (st != VKC_OK)
        return st;
    json_decref(r->info);
    r->info = json_pack("{s:s, s:i, s:o, s:O, s:b, s:[]}", "format", "pare-run", "version", 1, "provenance",
                        pipeline_provenance(o->c, o->seed), "inputs", o->inputs, "finished", 0, "resumed");
    return r->info ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "run: out of host memory, or a path is not UTF-8");
}

static vkc_status resume(pipeline_run *r, const opening *o)
{
    vkc_status st = check_inputs(r, o->inputs);
    if (st != VKC_OK)
        return st;
    const char *was = json_string_value(json_object_get(json_object_get(r->info, "provenance"), "device"));
    const char *is = vkc_device_get_info(o->c->dev)->name;
    if (was && nn_is_printable(was) && strcmp(was, is) != 0)
        pipeline_say(o->c, PIPELINE_WARNING, "the run was started on %.200s; on another device the last bits may "
                     "differ", was);
    json_t *list = json_object_get(r->info, "resumed");
    if (!json_is_array(list))
        nn_json_set_new(r->info, "resumed", list = json_array());
    nn_json_append_new(list, pipeline_provenance(o->c, o->seed));
    nn_json_set_new(r->info, "finished", json_false());
    r->is_resumed = true;
    return VKC_OK;
}

// The run.json that is there, if one is. Whether it is a run's, pipeline_check_place has told.
static vkc_status find(pipeline_run *r, bool *is_there)
{
    char path[PIPELINE_PATH_MAX];
    vkc_status st = pipeline_run_path(r, "run.json", path);
    *is_there = st == VKC_OK && nn_is_file(path);
    return *is_there ? nn_json_load(path, MAX_INFO, &r->info) : st;
}

// What is in the way of a run that starts anew.
static vkc_status check_new(const pipeline_run *r, const opening *o, bool is_there)
{
    const pipeline_place *p = o->place;
    const bool is_finished = is_there && json_is_true(json_object_get(r->info, "finished"));
    if (is_finished && !p->out && !p->force)            // no model: the run is what was asked for
        return VKC_FAIL(VKC_E_ARG, "%s holds a finished run; %sforce replaces it", r->dir, pipeline_dash(o->c));
    if (is_there && !is_finished && !p->force)
        return VKC_FAIL(VKC_E_ARG, "%s holds a run that is not finished; %sresume continues it, %sforce starts anew",
                        r->dir, pipeline_dash(o->c), pipeline_dash(o->c));
    if (p->resume)
        pipeline_say(o->c, PIPELINE_NOTE, "no run in %s yet: starting one", r->dir);
    return VKC_OK;
}

static vkc_status open_folder(pipeline_run *r, const opening *o)
{
    const pipeline_place *p = o->place;
    bool is_there = false;
    vkc_status st;
    if (!o->inputs)
        return VKC_FAIL(VKC_E_NOMEM, "run: out of host memory, or a path is not UTF-8");
    VKC_TRY(pipeline_place_run(p, r->dir));
    VKC_TRY(pipeline_check_place(o->c, &(pipeline_place) { .run = r->dir }, NULL, 0));
    VKC_TRY(nn_lock_create(r->dir, &r->lock));
    VKC_TRY(find(r, &is_there));
    const bool goes_on = is_there && p->resume;
    st = goes_on ? resume(r, o) : check_new(r, o, is_there);
    if (st == VKC_OK && p->out)     // before the lock, which would make any folder ours
        st = pipeline_check_place(o->c, &(pipeline_place) { .out = p->out, .beside = p->beside, .run = r->dir,
                                                            .force = p->force || goes_on }, NULL, 0);
    if (st == VKC_OK && p->out)
        st = nn_lock_create(p->out, &r->out_lock);
    if (st == VKC_OK && p->beside)
        st = nn_lock_create(p->beside, &r->beside_lock);
    if (st == VKC_OK && !goes_on)
        st = start(r, o);
    if (st == VKC_OK)
        st = save(r);
done:
    return st;
}

vkc_status pipeline_run_open(pipeline_run *r, const pipeline_context *c, const pipeline_place *p, uint64_t seed,
                             json_t *inputs)
{
    *r = (pipeline_run) { .out = p->out, .beside = p->beside };
    vkc_status st = open_folder(r, &(opening) { c, p, seed, inputs });
    json_decref(inputs);
    if (st == VKC_OK)
        pipeline_say(c, PIPELINE_STARTED, "the run is kept in %s", r->dir);
    return st;
}

vkc_status pipeline_run_finish(pipeline_run *r, json_t *results)
{
    nn_json_set_new(r->info, "finished", json_true());
    nn_json_set_new(r->info, "results", results);
    return save(r);
}

void pipeline_run_close(pipeline_run *r)
{
    nn_lock_destroy(r->out_lock, r->out && pipeline_is_partial(r->out));
    nn_lock_destroy(r->beside_lock, r->beside && pipeline_is_partial(r->beside));
    nn_lock_destroy(r->lock, false);
    r->lock = r->out_lock = r->beside_lock = NULL;
    json_decref(r->info);
    r->info = NULL;
}

static void say_checkpoint(const pipeline_run *r, const pipeline_context *c, const char *name)
{
    char path[PIPELINE_PATH_MAX];
    if (pipeline_run_path(r, name, path) == VKC_OK && nn_is_file(path))
        pipeline_say(c, PIPELINE_WARNING, "a check failed; the last checkpoint is as it was: %s", path);
}

// Which checkpoints there are from before a check that failed.
static void say_checkpoints(const pipeline_run *r, const pipeline_context *c)
{
    static const char *const names[] = { "train.safetensors", "transfer.safetensors", "retain.safetensors",
                                        "tune.safetensors", "tune-all.safetensors", "shrink.safetensors" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        say_checkpoint(r, c, names[i]);
    for (int tag = 2; tag <= MAX_TAG; tag++) {
        char name[40];
        snprintf(name, sizeof name, "transfer-%d.safetensors", tag);
        say_checkpoint(r, c, name);
        snprintf(name, sizeof name, "tune-%d.safetensors", tag);
        say_checkpoint(r, c, name);
    }
}

vkc_status pipeline_run_end(const pipeline_run *r, const pipeline_context *c, vkc_status st)
{
    if (*r->dir && st == VKC_E_STOPPED)
        pipeline_say(c, PIPELINE_STOPPED, "stopped; what is done is kept in %s", r->dir);
    if (*r->dir && st == VKC_E_CHECK)
        say_checkpoints(r, c);
    return st;
}
