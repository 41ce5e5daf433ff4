// search_log.c — trials of a search on file.
#include "distill/search_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/files.h"
#include "nn/json.h"

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

// A line that is cut off, hostile or of another search is no trial; it will be tried again.
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

static vkc_status read_all(distill__log *log, bool *is_cut)
{
    vkc_status st = VKC_OK;
    unsigned char *text = NULL;
    size_t size = 0;
    *is_cut = false;
    if (!nn_is_file(log->path))
        return VKC_OK;
    VKC_TRY(nn_file_load(log->path, MAX_LOG, &text, &size));
    for (size_t at = 0; at < size;) {
        const unsigned char *end = memchr(text + at, '\n', size - at);
        size_t len = end ? (size_t) (end - (text + at)) : size - at;
        distill__trial t;
        if (end && is_trial(log, (const char *) text + at, len, &t))
            VKC_TRY(add(log, &t));
        *is_cut = end == NULL;
        at += len + 1;
    }
done:
    free(text);
    return st;
}

static vkc_status append(distill__log *log, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        ssize_t n = write(log->fd, text + at, len - at);
        if (n >= 0)
            at += (size_t) n;
        else if (errno != EINTR)
            return VKC_FAIL(VKC_E_IO, "cannot write %s: %s", log->path, strerror(errno));
    }
    return VKC_OK;
}

vkc_status distill__log_init(distill__log *log, const char *path, uint32_t n_layers, uint32_t n_choices)
{
    bool is_cut;
    *log = (distill__log) { .path = path, .n_layers = n_layers, .n_choices = n_choices, .fd = -1 };
    if (!path)
        return VKC_OK;
    vkc_status st = read_all(log, &is_cut);
    if (st != VKC_OK)
        return st;
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log->fd < 0)
        return VKC_FAIL(VKC_E_IO, "cannot write %s: %s", path, strerror(errno));
    return is_cut ? append(log, "\n") : VKC_OK;
}

void distill__log_finish(distill__log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    free(log->known);
    *log = (distill__log) { .fd = -1 };
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
        json_array_append_new(list, json_integer((json_int_t) t->choice[l]));
    json_t *v = json_pack("{s:i, s:o, s:f, s:f, s:f, s:f}", "layers", (int) log->n_layers, "choice", list, "metric",
                          t->score.metric, "tie", t->score.tie, "low", t->score.low, "high", t->score.high);
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    vkc_status st = text ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "search: out of host memory");
    if (st == VKC_OK && log->fd >= 0)
        st = append(log, text);
    if (st == VKC_OK && log->fd >= 0)
        st = append(log, "\n");
    if (st == VKC_OK)
        st = add(log, t);
    free(text);
    json_decref(v);
    return st;
}
