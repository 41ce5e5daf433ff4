// study_log.c — a file of JSON lines, read once and added to.
#include "distill/study/study_log.h"

#include <jansson.h>
#include <stdlib.h>

#include "nn/base/json.h"
#include "nn/base/lines.h"

#define MAX_LOG ((size_t) 64 << 20)
#define MAX_LINE_VALUES ((size_t) 1 << 20)

struct distill_study_log {
    nn_lines *file;
    json_t   *lines;                // array of objects
};

static vkc_status read_line(void *user, const char *text, size_t len)
{
    distill_study_log *log = (distill_study_log *) user;
    json_t *line = NULL;
    if (nn_json_read("study log", text, len, MAX_LINE_VALUES, &line) == VKC_OK && json_is_object(line))
        nn_json_append(log->lines, line);
    json_decref(line);
    return VKC_OK;
}

vkc_status distill_study_log_create(const char *path, distill_study_log **out)
{
    distill_study_log *log = (distill_study_log *) calloc(1, sizeof *log);
    if (!log || !(log->lines = json_array())) {
        free(log);
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    }
    const vkc_status st = nn_lines_create(path, MAX_LOG, read_line, log, &log->file);
    if (st == VKC_OK)
        *out = log;
    else
        distill_study_log_destroy(log);
    return st;
}

void distill_study_log_destroy(distill_study_log *log)
{
    if (!log)
        return;
    nn_lines_destroy(log->file);
    json_decref(log->lines);
    free(log);
}

static bool has_all(json_t *line, json_t *key)
{
    const char *name;
    json_t *value;
    json_object_foreach(key, name, value)
        if (!json_equal(json_object_get(line, name), value))
            return false;
    return true;
}

const json_t *distill_study_log_get(const distill_study_log *log, json_t *key)
{
    const json_t *found = NULL;
    for (size_t i = log && key ? json_array_size(log->lines) : 0; i > 0 && !found; i--)
        if (has_all(json_array_get(log->lines, i - 1), key))
            found = json_array_get(log->lines, i - 1);
    json_decref(key);
    return found;
}

vkc_status distill_study_log_write(distill_study_log *log, json_t *key, json_t *value)
{
    vkc_status st = VKC_OK;
    char *text = NULL;
    if (key && value && json_object_update(key, value) != 0)
        st = VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    if (st == VKC_OK && log) {
        text = key ? nn_json_print(key, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
        st = text ? nn_lines_write(log->file, text)
                  : VKC_FAIL(VKC_E_NOMEM, "study: out of host memory, or a name is not UTF-8");
        if (st == VKC_OK)
            nn_json_append(log->lines, key);
    }
    free(text);
    json_decref(key);
    json_decref(value);
    return st;
}
