// search.c — greedy replacement with a log that a later search picks up.
#include "distill/search.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/files.h"
#include "nn/json.h"
#include "vk/clock.h"

#define MAX_LOG ((size_t) 32 << 20)
#define MAX_LINE_VALUES 256
// Scores are ratios of counts, so a drop of exactly max_drop must not fail by rounding.
#define ROUNDING 1e-12

typedef struct trial {
    bool   replaced[DISTILL_MAX_LAYERS];
    double score;
} trial;

typedef struct search {
    const distill_search_params *p;
    trial   *known;                 // from the log
    size_t   n_known, cap_known;
    int      log;                   // -1 = none
    bool     replaced[DISTILL_MAX_LAYERS];      // committed so far
    uint32_t n_trials, n_fresh, most;           // asked for, of these not from the log, upper bound
    double   start;
} search;

static vkc_status add_known(search *s, const trial *t)
{
    if (s->n_known == s->cap_known) {
        size_t cap = s->cap_known ? 2 * s->cap_known : 64;
        trial *grown = (trial *) realloc(s->known, cap * sizeof *grown);
        if (!grown)
            return VKC_FAIL(VKC_E_NOMEM, "search: out of host memory");
        s->known = grown;
        s->cap_known = cap;
    }
    s->known[s->n_known++] = *t;
    return VKC_OK;
}

// A line that is cut off, hostile or of another search is no trial; it will be tried again.
static bool is_trial(const search *s, const char *line, size_t len, trial *out)
{
    json_t *v = NULL, *list = NULL;
    uint32_t layers = 0;
    double score = 0.0;
    *out = (trial) { .score = 0.0 };
    bool ok = nn_json_read("search log", line, len, MAX_LINE_VALUES, &v) == VKC_OK && json_is_object(v) &&
              nn_json_get_u32("search log", v, "layers", s->p->n_layers, s->p->n_layers, &layers) == VKC_OK &&
              nn_json_get_number("search log", v, "score", -1e300, 1e300, &score) == VKC_OK &&
              nn_json_get_array("search log", v, "replaced", 0, s->p->n_layers, &list) == VKC_OK;
    for (size_t i = 0; ok && i < json_array_size(list); i++) {
        json_int_t l = json_integer_value(json_array_get(list, i));
        ok = json_is_integer(json_array_get(list, i)) && l >= 0 && l < (json_int_t) layers;
        if (ok)
            out->replaced[l] = true;
    }
    out->score = score;
    json_decref(v);
    return ok;
}

static vkc_status read_log(search *s, bool *is_cut)
{
    vkc_status st = VKC_OK;
    unsigned char *text = NULL;
    size_t size = 0;
    *is_cut = false;
    if (!nn_is_file(s->p->log_path))
        return VKC_OK;
    VKC_TRY(nn_file_load(s->p->log_path, MAX_LOG, &text, &size));
    for (size_t at = 0; at < size;) {
        const unsigned char *end = memchr(text + at, '\n', size - at);
        size_t len = end ? (size_t) (end - (text + at)) : size - at;
        trial t;
        if (end && is_trial(s, (const char *) text + at, len, &t))
            VKC_TRY(add_known(s, &t));
        *is_cut = end == NULL;
        at += len + 1;
    }
done:
    free(text);
    return st;
}

static vkc_status append(search *s, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        ssize_t n = write(s->log, text + at, len - at);
        if (n >= 0)
            at += (size_t) n;
        else if (errno != EINTR)
            return VKC_FAIL(VKC_E_IO, "cannot write %s: %s", s->p->log_path, strerror(errno));
    }
    return VKC_OK;
}

static vkc_status open_log(search *s)
{
    bool is_cut;
    vkc_status st = read_log(s, &is_cut);
    if (st != VKC_OK)
        return st;
    s->log = open(s->p->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (s->log < 0)
        return VKC_FAIL(VKC_E_IO, "cannot write %s: %s", s->p->log_path, strerror(errno));
    return is_cut ? append(s, "\n") : VKC_OK;
}

static vkc_status log_trial(search *s, const trial *t)
{
    json_t *list = json_array();
    for (uint32_t l = 0; l < s->p->n_layers; l++)
        if (t->replaced[l])
            json_array_append_new(list, json_integer((json_int_t) l));
    json_t *v = json_pack("{s:i, s:o, s:f}", "layers", (int) s->p->n_layers, "replaced", list, "score", t->score);
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    vkc_status st = text ? append(s, text) : VKC_FAIL(VKC_E_NOMEM, "search: out of host memory");
    if (st == VKC_OK)
        st = append(s, "\n");
    free(text);
    json_decref(v);
    return st;
}

static bool tell(const search *s, const char *note)
{
    if (!s->p->progress)
        return true;
    double seconds = vkc_seconds() - s->start;
    nn_progress pr = { .what = "search", .done = s->n_trials, .total = s->most, .unit = "trials",
                       .seconds = seconds, .left = -1.0, .note = note };
    if (s->n_fresh > 0) {
        pr.rate = s->n_fresh / seconds;
        pr.left = seconds / s->n_fresh * (s->most - s->n_trials);
    }
    return s->p->progress(s->p->user, &pr);
}

// The score of the committed layers and one more (UINT32_MAX: none more).
static vkc_status get_score(search *s, uint32_t layer, double *score)
{
    const uint32_t n = s->p->n_layers;
    trial t = { .score = 0.0 };
    memcpy(t.replaced, s->replaced, sizeof t.replaced);
    if (layer < n)
        t.replaced[layer] = true;
    for (size_t i = 0; i < s->n_known; i++) {
        if (memcmp(s->known[i].replaced, t.replaced, sizeof t.replaced) == 0) {
            *score = s->known[i].score;
            s->n_trials++;
            return VKC_OK;
        }
    }
    char note[64] = "nothing replaced";
    if (layer < n)
        snprintf(note, sizeof note, "layer %u", layer);
    if (!tell(s, note))
        return VKC_FAIL(VKC_E_STOPPED, "search: stopped after %u trials", s->n_trials);
    vkc_status st = s->p->score(s->p->score_user, t.replaced, n, &t.score);
    if (st == VKC_OK && !isfinite(t.score))
        st = VKC_FAIL(VKC_E_ARG, "search: the score with %s is not a finite number", note);
    if (st == VKC_OK && s->log >= 0)
        st = log_trial(s, &t);
    if (st != VKC_OK)
        return st;
    s->n_trials++;
    s->n_fresh++;
    *score = t.score;
    return VKC_OK;
}

// The free layer whose replacement scores best, the first of equals; layer = UINT32_MAX when none is free.
static vkc_status find_step(search *s, distill_step *out)
{
    *out = (distill_step) { UINT32_MAX, 0.0 };
    for (uint32_t l = 0; l < s->p->n_layers; l++) {
        if (s->replaced[l] || (s->p->fixed && s->p->fixed[l]))
            continue;
        double score;
        vkc_status st = get_score(s, l, &score);
        if (st != VKC_OK)
            return st;
        if (out->layer == UINT32_MAX || score > out->score)
            *out = (distill_step) { l, score };
    }
    return VKC_OK;
}

static vkc_status walk(search *s, distill_search_result *r)
{
    vkc_status st = get_score(s, UINT32_MAX, &r->base);
    double best = r->base;
    r->refused.layer = UINT32_MAX;
    while (st == VKC_OK) {
        distill_step step;
        st = find_step(s, &step);
        if (st != VKC_OK || step.layer == UINT32_MAX)
            break;
        if (step.score < r->base - s->p->max_drop - ROUNDING) {
            r->refused = step;
            break;
        }
        s->replaced[step.layer] = true;
        r->step[r->n_steps++] = step;
        if (step.score >= best) {
            best = step.score;
            r->n_best = r->n_steps;
        }
    }
    r->n_trials = s->n_trials;
    return st;
}

vkc_status distill_search(const distill_search_params *p, distill_search_result *out)
{
    vkc_status st = VKC_OK;
    search s = { .p = p, .log = -1, .start = vkc_seconds() };
    distill_search_result r = { .base = 0.0 };
    if (p->n_layers == 0 || p->n_layers > DISTILL_MAX_LAYERS || !p->score || !(p->max_drop >= 0.0))
        return VKC_FAIL(VKC_E_ARG, "search: wants 1 to %d layers, a scorer and a drop of at least 0",
                        DISTILL_MAX_LAYERS);
    uint32_t n_free = 0;
    for (uint32_t l = 0; l < p->n_layers; l++)
        n_free += !(p->fixed && p->fixed[l]);
    s.most = 1 + n_free * (n_free + 1) / 2;
    if (p->log_path)
        VKC_TRY(open_log(&s));
    VKC_TRY(walk(&s, &r));
    tell(&s, "done");
    *out = r;
done:
    if (s.log >= 0)
        close(s.log);
    free(s.known);
    return st;
}
