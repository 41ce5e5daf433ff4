// report_run.c — what `pare report` reads of a run folder.
#include "apps/cli/report/report_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/json.h"

#define MAX_INFO   ((size_t) 4 << 20)
#define MAX_LOG    ((size_t) 16 << 20)
#define MAX_LINES  20000u
#define MAX_VALUES 4096u            // of a line
#define MAX_LAYERS 128u

static const char *const names[] = {
    "distill", "study groups", "study teachers", "study orders", "train", "retain", "tune", "prune", "bench scaling",
    "bench retention", "",
};

const char *report_kind_name(report_kind kind)
{
    return names[kind];
}

double report_number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double) NAN;
}

const char *report_text(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

json_t *report_list(const json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    return json_is_array(v) ? v : NULL;
}

double report_entry(const json_t *list, size_t i)
{
    const json_t *v = json_array_get(list, i);
    return json_is_number(v) ? json_number_value(v) : (double) NAN;
}

const char *report_device(const report_run *r)
{
    const char *name = report_text(r->results, "device");
    return *name ? name : report_text(r->provenance, "device");
}

// The longer one, with its version, where both speak of one device.
const char *report_driver(const report_run *r)
{
    const char *name = report_text(r->results, "driver"), *started = report_text(r->provenance, "driver");
    return *name && strncmp(name, started, strlen(name)) != 0 ? name : started;
}

bool report_is_software(const char *device, const char *driver)
{
    static const char *const words[] = { "llvmpipe", "lavapipe", "SwiftShader", "softpipe", "swrast" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(device, words[i]) || strstr(driver, words[i]))
            return true;
    return false;
}

// By the command as it was typed: "pare study groups ...".
static report_kind get_kind(const report_run *r)
{
    const char *text = report_text(r->provenance, "command"), *space = strchr(text, ' ');
    for (int k = 0; space && k < REPORT_OTHER; k++) {
        size_t len = strlen(names[k]);
        if (strncmp(space + 1, names[k], len) == 0 && (space[1 + len] == ' ' || space[1 + len] == '\0'))
            return (report_kind) k;
    }
    for (int k = REPORT_SCALING; k < REPORT_OTHER; k++)     // or by its inputs: options may stand before the word
        if (*report_text(r->inputs, "bench") && strcmp(names[k] + sizeof "bench", report_text(r->inputs, "bench")) == 0)
            return (report_kind) k;
    if (report_list(r->results, "between_mixers"))
        return REPORT_ORDERS;
    if (report_list(r->results, "groups"))
        return REPORT_GROUPS;
    if (report_list(r->results, "path"))
        return REPORT_DISTILL;
    return REPORT_OTHER;
}

static vkc_status load_lines(const report_run *r, const char *name, json_t **out)
{
    char path[NN_PATH_MAX], where[NN_PATH_MAX + 32];
    unsigned char *text = NULL;
    size_t size, at = 0;
    uint32_t n = 0;
    json_t *list = json_array();
    vkc_status st = list ? nn_path_build(path, r->dir, name) : VKC_FAIL(VKC_E_NOMEM, "report: out of host memory");
    *out = list;
    if (st != VKC_OK || !nn_is_file(path))
        return st;
    VKC_TRY(nn_file_load(path, MAX_LOG, &text, &size));
    while (at < size) {
        const unsigned char *end = memchr(text + at, '\n', size - at);
        if (!end)
            break;                  // half a line: the run was killed, or goes on
        json_t *line = NULL;
        snprintf(where, sizeof where, "%s, line %u", path, ++n);
        if (n > MAX_LINES) {
            st = VKC_FAIL(VKC_E_FORMAT, "%s has more than %u lines", path, MAX_LINES);
            goto done;
        }
        VKC_TRY(nn_json_read(where, (const char *) text + at, (size_t) (end - text) - at, MAX_VALUES, &line));
        nn_json_append_new(list, line);
        at = (size_t) (end - text) + 1;
    }
done:
    free(text);
    return st;
}

// The shape of today from the one that had three measures by name: {layers: [{entropy, mass90, top10, heads: [..]}]}.
static json_t *update_sparsity(const json_t *old)
{
    static const char *const measures[] = { "entropy", "mass90", "top10" };
    const json_t *layers = report_list(old, "layers");
    json_t *list = json_array(), *mean = json_array();
    for (size_t m = 0; m < 3; m++)
        nn_json_append_new(list, json_pack("{s:s, s:s}", "name", measures[m], "sparser", m == 2 ? "high" : "low"));
    size_t n_heads = 0;
    for (size_t l = 0; l < json_array_size(layers) && l < MAX_LAYERS; l++) {
        const json_t *heads = report_list(json_array_get(layers, l), "heads");
        json_t *of_layer = json_array();
        n_heads = json_array_size(heads) > n_heads ? json_array_size(heads) : n_heads;
        for (size_t h = 0; h < json_array_size(heads) || h == 0; h++) {
            const json_t *from = json_array_size(heads) ? json_array_get(heads, h) : json_array_get(layers, l);
            json_t *of_head = json_array();
            for (size_t m = 0; m < 3; m++)
                nn_json_append_new(of_head, pipeline_number(report_number(from, measures[m])));
            nn_json_append_new(of_layer, of_head);
        }
        nn_json_append_new(mean, of_layer);
    }
    return json_pack("{s:o, s:I, s:I, s:o, s:{s:{s:o}}}", "images", pipeline_number(report_number(old, "images")),
                     "depth", (json_int_t) json_array_size(layers), "heads", (json_int_t) n_heads, "measures", list,
                     "keys", "all", "mean", mean);
}

static vkc_status load_sparsity(report_run *r)
{
    char path[NN_PATH_MAX];
    json_t *found = json_incref(json_object_get(r->results, "sparsity"));
    vkc_status st = nn_path_build(path, r->dir, "sparsity.json");
    if (st == VKC_OK && !json_is_object(found) && nn_is_file(path)) {
        json_decref(found);
        found = NULL;
        st = nn_json_load(path, MAX_INFO, &found);
    }
    if (st == VKC_OK && json_is_object(json_object_get(found, "keys")))
        r->sparsity = json_incref(found);
    else if (st == VKC_OK && report_list(found, "layers"))
        r->sparsity = update_sparsity(found);
    json_decref(found);
    return st;
}

vkc_status report_run_load(const char *dir, report_run *out)
{
    char path[NN_PATH_MAX];
    vkc_status st;
    *out = (report_run) { .kind = REPORT_OTHER };
    st = nn_folder_check(dir);
    if (st != VKC_OK)
        return VKC_WRAP(st, "%s; pare report wants the run folder of a command", vkc_last_error());
    snprintf(out->dir, sizeof out->dir, "%s", dir);
    VKC_TRY(nn_path_build(path, dir, "run.json"));
    if (!nn_is_file(path)) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s has no run.json: it is not the run folder of a command", dir);
        goto done;
    }
    VKC_TRY(nn_json_load(path, MAX_INFO, &out->info));
    if (strcmp(report_text(out->info, "format"), "pare-run") != 0) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s is not of a run", path);
        goto done;
    }
    out->provenance = json_object_get(out->info, "provenance");
    out->inputs = json_object_get(out->info, "inputs");
    out->results = json_object_get(out->info, "results");
    out->is_finished = json_is_true(json_object_get(out->info, "finished"));
    out->kind = get_kind(out);
    VKC_TRY(load_lines(out, "log.jsonl", &out->log));
    VKC_TRY(load_lines(out, "search.jsonl", &out->trials));
    VKC_TRY(load_lines(out, "study.jsonl", &out->study));
    st = load_sparsity(out);
done:
    return st;
}

void report_run_finish(report_run *r)
{
    json_decref(r->info);
    json_decref(r->log);
    json_decref(r->trials);
    json_decref(r->study);
    json_decref(r->sparsity);
    r->info = r->log = r->trials = r->study = r->sparsity = NULL;
}
