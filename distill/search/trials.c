// trials.c — scores of hybrids for a search, with the committed model's streams kept from trial to trial.
#include "distill/search/trials.h"

#include "distill/statistics/statistics.h"
#include "distill/transfer/student.h"
#include "nn/models/picture_loader.h"
#include "nn/infer/infer.h"
#include "nn/data/loader.h"
#include "vk/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_BATCH 128u
#define DEFAULT_CACHE ((size_t) 2 << 30)
#define DEFAULT_CONFIDENCE 0.9
#define AT_PIXELS UINT32_MAX
#define MAX_KL 1e6

struct distill_trials {
    distill_trials_params p;
    distill_trials_info info;
    uint32_t depth, classes, batch;
    nn_loader *loader;              // of the split; gone once the cache holds it
    float    *pixels;               // (batch) pictures, while there is a loader
    uint32_t *labels, n_images;     // n_images 0 = nothing has been run yet
    float    *teacher, *logits;     // (images, classes): of the base, of the last pass
    uint8_t  *teacher_hits, *hits;  // (images) top-1
    // Residual streams at the entry of layer l (images, tokens, dim). Those of layers 0 .. n_valid are of a model
    // whose layers before are `held`.
    float    *entry[NN_MAX_DEPTH];
    size_t    entry_len;            // floats a picture
    uint32_t  n_valid;
    uint8_t   held[NN_MAX_DEPTH], committed[NN_MAX_DEPTH];
};

void distill_trials_destroy(distill_trials *t)
{
    if (!t)
        return;
    nn_loader_destroy(t->loader);
    for (uint32_t l = 0; l < t->depth; l++)
        free(t->entry[l]);
    free(t->pixels);
    free(t->labels);
    free(t->teacher);
    free(t->logits);
    free(t->teacher_hits);
    free(t->hits);
    free(t);
}

static vkc_status allocate(distill_trials *t)
{
    const nn_model_config *c = &t->p.teacher->cfg;
    const size_t n = nn_loader_images(t->loader);
    bool ok = true;
    t->pixels = (float *) malloc((size_t) t->batch * nn_model_config_pixels(c) * sizeof *t->pixels);
    t->labels = (uint32_t *) malloc(n * sizeof *t->labels);
    t->teacher = (float *) malloc(n * c->classes * sizeof *t->teacher);
    t->logits = (float *) malloc(n * c->classes * sizeof *t->logits);
    t->teacher_hits = (uint8_t *) malloc(n);
    t->hits = (uint8_t *) malloc(n);
    for (uint32_t l = 0; l < t->depth && t->info.is_cached; l++) {
        t->entry[l] = (float *) malloc(n * t->entry_len * sizeof *t->entry[l]);
        ok = ok && t->entry[l];
    }
    if (!ok || !t->pixels || !t->labels || !t->teacher || !t->logits || !t->teacher_hits || !t->hits)
        return VKC_FAIL(VKC_E_NOMEM, "trials: out of host memory");
    return VKC_OK;
}

vkc_status distill_trials_create(const distill_trials_params *p, distill_trials **out)
{
    const nn_model_config *c = &p->teacher->cfg;
    vkc_status st;
    if (nn_dataset_classes(p->eval.data) != c->classes)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u", nn_dataset_spec(p->eval.data),
                        nn_dataset_classes(p->eval.data), c->classes);
    distill_trials *t = (distill_trials *) calloc(1, sizeof *t);
    if (!t)
        return VKC_FAIL(VKC_E_NOMEM, "trials: out of host memory");
    t->p = *p;
    t->p.confidence = p->confidence > 0.0 ? p->confidence : DEFAULT_CONFIDENCE;
    t->depth = c->depth;
    t->classes = c->classes;
    t->batch = p->eval.batch ? p->eval.batch : DEFAULT_BATCH;
    nn_loader_params lp = nn_loader_params_of(c, p->eval.data, p->eval.split, t->batch);
    lp.threads = p->eval.threads;
    lp.max_images = p->eval.max_images;
    VKC_TRY(nn_loader_create(&lp, &t->loader));
    t->entry_len = (size_t) nn_model_config_tokens(c) * c->dim;
    t->info.cache_size = (uint64_t) c->depth * nn_loader_images(t->loader) * t->entry_len * sizeof(float);
    t->info.is_cached = p->cached && c->retention.policy == NN_POLICY_NONE &&
                        t->info.cache_size <= (p->cache_bytes ? p->cache_bytes : DEFAULT_CACHE);
    VKC_TRY(allocate(t));
    *out = t;
    t = NULL;
done:
    distill_trials_destroy(t);
    return st;
}

// A pass over the pictures: logits, from the pixels or from the entry of block `first` on.
typedef struct pass {
    uint32_t first;                 // or AT_PIXELS
    bool     keep;                  // streams at the entries behind it
    nn_infer *inf;
} pass;

// Streams of n pictures from picture `at` on.
static void keep_entries(distill_trials *t, const pass *s, uint32_t at, uint32_t n)
{
    const size_t from = (size_t) at * t->entry_len, size = (size_t) n * t->entry_len * sizeof(float);
    const bool is_whole = s->first == AT_PIXELS;
    if (is_whole)
        memcpy(t->entry[0] + from, nn_infer_captured(s->inf, "tokens"), size);
    for (uint32_t l = is_whole ? 0 : s->first; l + 1 < t->depth; l++)
        memcpy(t->entry[l + 1] + from, nn_infer_captured(s->inf, "blocks.%u", l), size);
}

static vkc_status run_batches(distill_trials *t, const pass *s, uint32_t *n_images)
{
    const bool is_whole = s->first == AT_PIXELS;
    const uint32_t n_all = t->n_images ? t->n_images : nn_loader_images(t->loader);
    const uint32_t n_batches = is_whole ? nn_loader_batches(t->loader) : (n_all - 1) / t->batch + 1;
    nn_pace pace = nn_pace_start();
    uint32_t at = 0;
    vkc_status st = is_whole ? nn_loader_seek(t->loader, 0, 0) : VKC_OK;
    for (uint32_t k = 0; k < n_batches && st == VKC_OK; k++) {
        uint32_t n = n_all - at < t->batch ? n_all - at : t->batch;
        const float *input = is_whole ? t->pixels : t->entry[s->first] + (size_t) at * t->entry_len;
        if (is_whole)
            st = nn_loader_get(t->loader, t->pixels, t->labels + at, &n);
        if (st != VKC_OK || n == 0)
            continue;
        st = nn_infer_run(s->inf, input, n, t->logits + (size_t) at * t->classes);
        if (st != VKC_OK)
            break;
        if (s->keep)
            keep_entries(t, s, at, n);
        at += n;
        if (!nn_progress_report(t->p.eval.progress, t->p.eval.user, "trial", "images", "", &pace, at, n_all))
            st = VKC_FAIL(VKC_E_STOPPED, "trial: stopped after %u of %u images", at, n_all);
    }
    *n_images = at;
    return st;
}

static vkc_status run_pass(distill_trials *t, const uint8_t *choice, uint32_t first, bool keep, uint32_t *n_images)
{
    const double start = vkc_seconds();
    nn_model hybrid = { .block = NULL };
    pass s = { .first = first, .keep = keep };
    vkc_status st;
    VKC_TRY(distill_hybrid_init(&hybrid, t->p.teacher, t->p.student, t->p.n_students, choice));
    const bool is_whole = first == AT_PIXELS;
    const nn_infer_params ip = { .cap_images = t->batch, .check_finite = t->p.eval.check_finite, .stream = !is_whole,
                                 .first = is_whole ? 0 : first,
                                 .capture = { keep ? "blocks.*" : NULL, keep && is_whole ? "tokens" : NULL } };
    VKC_TRY(nn_infer_create_with(&hybrid, &ip, &s.inf));
    t->info.prepare_seconds += vkc_seconds() - start;
    VKC_TRY(run_batches(t, &s, n_images));
done:
    nn_infer_destroy(s.inf);
    distill_hybrid_finish(&hybrid);
    t->info.n_runs++;
    t->info.n_layers_run += first == AT_PIXELS ? t->depth : t->depth - first;
    t->info.seconds += vkc_seconds() - start;
    return st;
}

static void fill_hits(const distill_trials *t, uint8_t *hits)
{
    for (uint32_t i = 0; i < t->n_images; i++)
        hits[i] = nn_logits_rank(t->logits + (size_t) i * t->classes, t->classes, t->labels[i]) == 0;
}

// The base: what is kept of every picture, and what trials are compared with.
static vkc_status run_base(distill_trials *t)
{
    const uint8_t none[NN_MAX_DEPTH] = { 0 };
    uint32_t n = 0;
    vkc_status st = run_pass(t, none, AT_PIXELS, t->info.is_cached, &n);
    if (st == VKC_OK && n == 0)
        st = VKC_FAIL(VKC_E_FORMAT, "no usable image in %s", nn_dataset_spec(t->p.eval.data));
    if (st != VKC_OK)
        return st;
    t->n_images = t->info.images = n;
    t->info.bad = nn_loader_bad(t->loader);
    memcpy(t->teacher, t->logits, (size_t) n * t->classes * sizeof *t->logits);
    fill_hits(t, t->teacher_hits);
    if (!t->info.is_cached)
        return VKC_OK;
    t->n_valid = t->depth - 1;
    nn_loader_destroy(t->loader);
    t->loader = NULL;
    free(t->pixels);
    t->pixels = NULL;
    return VKC_OK;
}

// The last entry that a model of this choice shares with what is held.
static uint32_t find_entry(const distill_trials *t, const uint8_t *choice)
{
    uint32_t l = 0;
    while (l < t->n_valid && choice[l] == t->held[l])
        l++;
    return l;
}

// Bring the entries up to the committed model. *is_run: all of it was run, and its logits are there.
static vkc_status follow(distill_trials *t, bool *is_run)
{
    const uint32_t first = find_entry(t, t->committed);
    uint32_t n;
    *is_run = false;
    if (first + 1 >= t->depth)
        return VKC_OK;
    t->n_valid = first;             // until all pictures are through
    vkc_status st = run_pass(t, t->committed, first, true, &n);
    if (st != VKC_OK)
        return st;
    memcpy(t->held, t->committed, sizeof t->held);
    t->n_valid = t->depth - 1;
    *is_run = true;
    return VKC_OK;
}

static double get_log_sum(const float *logits, uint32_t classes)
{
    double most = (double) logits[0], sum = 0.0;
    for (uint32_t k = 1; k < classes; k++)
        most = fmax(most, (double) logits[k]);
    for (uint32_t k = 0; k < classes; k++)
        sum += exp((double) logits[k] - most);
    return most + log(sum);
}

// KL(softmax(p) || softmax(q)) in nats; MAX_KL where q is not of finite numbers.
static double get_divergence(const float *p, const float *q, uint32_t classes)
{
    const double sum_p = get_log_sum(p, classes), sum_q = get_log_sum(q, classes);
    double kl = 0.0;
    for (uint32_t k = 0; k < classes; k++) {
        const double log_p = (double) p[k] - sum_p, log_q = (double) q[k] - sum_q;
        kl += exp(log_p) * (log_p - log_q);
    }
    return kl < MAX_KL ? kl : MAX_KL;
}

// Compare the logits of the last pass with the base's.
static vkc_status judge(distill_trials *t, distill_score *out)
{
    const uint32_t n = t->n_images;
    distill_score s = { 0 };
    distill_interval drop = { 0 };
    uint32_t n_hits = 0;
    fill_hits(t, t->hits);
    for (uint32_t i = 0; i < n; i++) {
        const size_t at = (size_t) i * t->classes;
        n_hits += t->hits[i];
        s.tie += get_divergence(t->teacher + at, t->logits + at, t->classes);
    }
    vkc_status st = distill_bootstrap(t->hits, t->teacher_hits, n, t->p.confidence, 0, t->p.seed, &drop);
    *out = (distill_score) { (double) n_hits / n, s.tie / n, drop.low, drop.high };
    return st;
}

vkc_status distill_trials_score(void *user, const uint8_t *choice, uint32_t n_layers, distill_score *out)
{
    distill_trials *t = (distill_trials *) user;
    const uint8_t none[NN_MAX_DEPTH] = { 0 };
    uint32_t n = 0;
    vkc_status st;
    if (n_layers != t->depth)
        return VKC_FAIL(VKC_E_ARG, "trials: %u layers, the teacher has %u", n_layers, t->depth);
    if (t->n_images == 0)
        VKC_TRY(run_base(t));
    if (memcmp(choice, none, n_layers) == 0) {
        memcpy(t->logits, t->teacher, (size_t) t->n_images * t->classes * sizeof *t->logits);
        return judge(t, out);
    }
    bool is_run = false;
    if (t->info.is_cached)
        VKC_TRY(follow(t, &is_run));
    if (is_run && memcmp(choice, t->held, n_layers) == 0)
        return judge(t, out);
    VKC_TRY(run_pass(t, choice, t->info.is_cached ? find_entry(t, choice) : AT_PIXELS, false, &n));
    if (!t->info.is_cached && n != t->n_images) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: %u pictures can be read now, %u before", nn_dataset_spec(t->p.eval.data), n,
                      t->n_images);
        goto done;
    }
    st = judge(t, out);
done:
    return st;
}

vkc_status distill_trials_commit(void *user, const uint8_t *choice, uint32_t n_layers)
{
    distill_trials *t = (distill_trials *) user;
    if (n_layers != t->depth)
        return VKC_FAIL(VKC_E_ARG, "trials: %u layers, the teacher has %u", n_layers, t->depth);
    memcpy(t->committed, choice, n_layers);
    return VKC_OK;
}

distill_trials_info distill_trials_get_info(const distill_trials *t)
{
    return t->info;
}
