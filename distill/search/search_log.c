// search_log.c — trials of a search on file.
#include "distill/search/search_impl.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"

#define MAX_LOG ((size_t) 256 << 20)
#define MAX_LINE_VALUES 256
#define WHERE "search log"

static vkc_status add(distill__log *log, const distill__trial *t)
{
    if (log->n == log->cap) {
        size_t cap = log->cap ? 2 * log->cap : 64;
        distill__trial *grown = (distill__trial *) realloc(log->known, cap * sizeof *grown);
        if (!grown)
            return VKC_FAIL(VKC_E_NOMEM, "search: out of host memory");
        log->known = grown;
        log->cap = cap;
    }
    log->known[log->n++] = *t;
    return VKC_OK;
}

// A line that is hostile or of another search is no trial; it will be tried again.
static bool is_trial(const distill__log *log, const char *line, size_t len, distill__trial *out)
{
    const double big = 1e300;
    json_t *v = NULL, *list = NULL;
    uint32_t layers;
    *out = (distill__trial) { .choice = { 0 } };
    distill_score *s = &out->score;
    bool ok = nn_json_read(WHERE, line, len, MAX_LINE_VALUES, &v) == VKC_OK && json_is_object(v) &&
              nn_json_get_u32(WHERE, v, "layers", log->n_layers, log->n_layers, &layers) == VKC_OK &&
              nn_json_get_number(WHERE, v, "metric", -big, big, &s->metric) == VKC_OK &&
              nn_json_get_number(WHERE, v, "tie", -big, big, &s->tie) == VKC_OK &&
              nn_json_get_number(WHERE, v, "low", -big, big, &s->low) == VKC_OK &&
              nn_json_get_number(WHERE, v, "high", -big, big, &s->high) == VKC_OK &&
              nn_json_get_array(WHERE, v, "choice", log->n_layers, log->n_layers, &list) == VKC_OK;
    for (size_t l = 0; ok && l < log->n_layers; l++) {
        const json_t *at = json_array_get(list, l);
        ok = json_is_integer(at) && json_integer_value(at) >= 0 && json_integer_value(at) <= log->n_choices;
        out->choice[l] = ok ? (uint8_t) json_integer_value(at) : 0;
    }
    json_decref(v);
    return ok;
}

static vkc_status read_line(void *user, const char *text, size_t len)
{
    distill__log *log = (distill__log *) user;
    distill__trial t;
    return is_trial(log, text, len, &t) ? add(log, &t) : VKC_OK;
}

vkc_status distill__log_init(distill__log *log, const char *path, uint32_t n_layers, uint32_t n_choices)
{
    *log = (distill__log) { .n_layers = n_layers, .n_choices = n_choices };
    return path ? nn_lines_create(path, MAX_LOG, read_line, log, &log->file) : VKC_OK;
}

void distill__log_finish(distill__log *log)
{
    nn_lines_destroy(log->file);
    free(log->known);
    *log = (distill__log) { .file = NULL };
}

const distill__trial *distill__log_get(const distill__log *log, const uint8_t *choice)
{
    for (size_t i = 0; i < log->n; i++)
        if (memcmp(log->known[i].choice, choice, log->n_layers) == 0)
            return &log->known[i];
    return NULL;
}

vkc_status distill__log_write(distill__log *log, const distill__trial *t)
{
    json_t *list = json_array();
    for (uint32_t l = 0; l < log->n_layers; l++)
        nn_json_append_new(list, json_integer((json_int_t) t->choice[l]));
    json_t *v = json_pack("{s:i, s:o, s:f, s:f, s:f, s:f}", "layers", (int) log->n_layers, "choice", list, "metric",
                          t->score.metric, "tie", t->score.tie, "low", t->score.low, "high", t->score.high);
    char *text = v ? nn_json_print(v, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    vkc_status st = text ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "search: out of host memory");
    if (st == VKC_OK && log->file)
        st = nn_lines_write(log->file, text);
    if (st == VKC_OK)
        st = add(log, t);
    free(text);
    json_decref(v);
    return st;
}
