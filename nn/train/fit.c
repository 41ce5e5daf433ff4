// fit.c — the training loop: while the device works on one slot, the next batch goes into the other.
#include "nn/train/fit.h"

#include "nn/base/files.h"
#include "nn/base/lines.h"
#include "nn/train/best.h"
#include "vk/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHECKPOINT_SECONDS 60.0
#define MAX_TERM 40                             // characters of a term's name in the log
#define MAX_LINE (512 + (24 + MAX_TERM + 4) * NN_MAX_LOSSES)    // of the log

// What a checkpoint holds beside the parameters; 64-bit words so that doubles keep their bits.
typedef struct state {
    uint64_t step, samples, epoch, batch;       // batch = next one of this epoch
    uint64_t epoch_steps;
    double   sum[NN_MAX_LOSSES];                // of this epoch
    double   mean[NN_MAX_LOSSES];               // of the last whole epoch
} state;
// Behind them those of the hook, and of the best epoch where there is a judge.
#define STATE_WORDS (sizeof(state) / sizeof(uint64_t))
#define MAX_WORDS (STATE_WORDS + NN_FIT_MAX_STATE + NN__BEST_WORDS)

typedef struct fit {
    const nn_fit_params *p;
    state    s;
    uint64_t tuned[NN_FIT_MAX_STATE];
    nn__best best;
    uint32_t batches;
    nn_pace  pace;
    double   waited, last_progress, last_checkpoint;
    float    watch[NN_MAX_LOSSES], norm;
    char     path[NN_PATH_MAX];
} fit;

static nn_stepper_state hold(const fit *f, uint64_t *words)
{
    const uint32_t least = (uint32_t) STATE_WORDS + f->p->n_state;
    return (nn_stepper_state) { .words = words, .least = least, .kept = f->best.kept,
                                .n = least + (f->p->judge.fn ? (uint32_t) NN__BEST_WORDS : 0) };
}

static vkc_status load_state(fit *f)
{
    char name[64];
    snprintf(name, sizeof name, "%s.safetensors", f->p->what);
    if (!f->p->run_dir)
        return VKC_OK;
    vkc_status st = nn_path_build(f->path, f->p->run_dir, name);
    if (st != VKC_OK || !f->p->resume || !nn_is_file(f->path))
        return st;
    uint64_t words[MAX_WORDS];
    nn_stepper_state held = hold(f, words);
    const uint32_t n = held.n;
    st = nn_stepper_load(f->p->stepper, f->path, &held);
    if (st != VKC_OK)
        return st;
    memcpy(&f->s, words, sizeof f->s);
    memcpy(f->tuned, words + STATE_WORDS, f->p->n_state * sizeof *words);
    if (held.n == n && f->p->judge.fn) {
        memcpy(&f->best.s, words + held.least, sizeof f->best.s);
        f->norm = (float) f->best.s.norm;
        st = nn__best_check(&f->best, f->s.epoch, held.kept != NULL, f->path);
    } else {                            // begun by a version without a judge: only what follows is judged
        f->best.s.judged = f->s.epoch;
    }
    if (st != VKC_OK)
        return st;
    if (f->s.epoch > f->p->epochs || f->s.batch > f->batches || f->s.step > f->p->schedule.total)
        return VKC_FAIL(VKC_E_FORMAT, "%s is of a longer run than this one", f->path);
    return VKC_OK;
}

static vkc_status save_state(fit *f)
{
    if (!f->p->run_dir)
        return VKC_OK;
    uint64_t words[MAX_WORDS];
    nn_stepper_state held = hold(f, words);
    memcpy(words, &f->s, sizeof f->s);
    memcpy(words + STATE_WORDS, f->tuned, f->p->n_state * sizeof *words);
    f->best.s.norm = (double) f->norm;
    if (f->p->judge.fn)
        memcpy(words + held.least, &f->best.s, sizeof f->best.s);
    if (f->best.s.epoch == 0)
        held.kept = NULL;               // nothing is in it yet
    f->last_checkpoint = vkc_seconds();
    return nn_stepper_save(f->p->stepper, f->path, &held);
}

static int print_number(char *at, size_t size, const char *name, double x)
{
    return isfinite(x) ? snprintf(at, size, ", \"%s\": %.8g", name, x) : snprintf(at, size, ", \"%s\": null", name);
}

// Behind the first epoch's losses: what they are.
static int print_terms(const nn_fit_params *p, char *line, int at)
{
    at += snprintf(line + at, (size_t) (MAX_LINE - at), ", \"terms\": [");
    for (uint32_t i = 0; i < p->n_watch && at < MAX_LINE; i++)
        at += snprintf(line + at, (size_t) (MAX_LINE - at), "%s\"%.*s\"", i ? ", " : "", MAX_TERM, p->term[i]);
    return at < MAX_LINE ? at + snprintf(line + at, (size_t) (MAX_LINE - at), "]") : at;
}

static vkc_status log_epoch(const fit *f, double lr)
{
    if (!f->p->run_dir)
        return VKC_OK;
    char path[NN_PATH_MAX];
    vkc_status st = nn_path_build(path, f->p->run_dir, "log.jsonl");
    if (st != VKC_OK)
        return st;
    char line[MAX_LINE];
    int at = snprintf(line, sizeof line, "{\"what\": \"%s\", \"epoch\": %llu, \"step\": %llu, \"lr\": %.6g, "
                      "\"norm\": %.6g, \"seconds\": %.1f, \"loss\": [", f->p->what, (unsigned long long) f->s.epoch,
                      (unsigned long long) f->s.step, lr, (double) f->norm, vkc_seconds() - f->pace.start);
    for (uint32_t i = 0; i < f->p->n_watch && at < MAX_LINE; i++)
        at += snprintf(line + at, (size_t) (MAX_LINE - at), "%s%.8g", i ? ", " : "", f->s.mean[i]);
    if (at < MAX_LINE)
        at += snprintf(line + at, (size_t) (MAX_LINE - at), "]");
    if (at < MAX_LINE && f->p->term && f->s.epoch == 1)
        at = print_terms(f->p, line, at);
    if (at < MAX_LINE && f->p->judge.fn)
        at += print_number(line + at, (size_t) (MAX_LINE - at), "val_top1", f->best.s.last.top1);
    if (at < MAX_LINE && f->p->judge.fn)
        at += print_number(line + at, (size_t) (MAX_LINE - at), "val_loss", f->best.s.last.loss);
    if (at < MAX_LINE)
        at += snprintf(line + at, (size_t) (MAX_LINE - at), "}");
    return at < MAX_LINE ? nn_lines_append(path, line)
                         : VKC_FAIL(VKC_E_ARG, "%s: a line of the log is too long", f->p->what);
}

// What is minimised, of scalars watched.
static double loss_of(const nn_fit_params *p, const double *watch)
{
    double sum = 0;
    for (uint32_t i = 0; p->weight && i < p->n_watch; i++)
        sum += (double) p->weight[i] * watch[i];
    return p->weight ? sum : watch[0];
}

// False when told to stop.
static bool report(fit *f, double lr)
{
    double now = vkc_seconds();
    uint64_t total = f->p->schedule.total;
    if (f->p->max_steps && f->p->max_steps < total)
        total = f->p->max_steps;
    bool last = f->s.step >= total;
    if (!f->p->progress || (!last && now - f->last_progress < 0.25))
        return true;
    f->last_progress = now;
    char note[96];
    snprintf(note, sizeof note, "epoch %llu loss %.4f lr %.1e", (unsigned long long) f->s.epoch + 1,
             f->s.epoch_steps ? loss_of(f->p, f->s.sum) / (double) f->s.epoch_steps : loss_of(f->p, f->s.mean), lr);
    return nn_progress_report(f->p->progress, f->p->user, f->p->what, "steps", note, &f->pace, f->s.step, total);
}

// Before the step counts, and before its parameters can reach a checkpoint.
static vkc_status check_step(const fit *f)
{
    const nn_fit_params *p = f->p;
    const unsigned long long step = f->s.step + 1;
    vkc_status st = nn_stepper_check(p->stepper, step);
    if (st != VKC_OK)
        return VKC_WRAP(st, "%s: %s", p->what, vkc_last_error());
    for (uint32_t i = 0; i < p->n_watch; i++)
        if (!isfinite(f->watch[i]))
            return VKC_FAIL(VKC_E_CHECK, "%s: loss %u is not a number at step %llu; a lower learning rate may help",
                            p->what, i, step);
    if (nn_stepper_is_checked(p->stepper) && !isfinite(f->norm))
        return VKC_FAIL(VKC_E_CHECK, "%s: the loss and all mixers are finite, but not the norm of the gradients, at "
                        "step %llu; a lower learning rate may help", p->what, step);
    return VKC_OK;
}

static void end_step(fit *f, uint32_t n)
{
    const nn_fit_params *p = f->p;
    f->s.step++;
    if (p->tune && n)
        p->tune(p->tune_user, p->stepper, f->s.step, f->watch, f->tuned);
    f->s.samples += n;
    f->s.batch++;
    f->s.epoch_steps += n > 0;
    for (uint32_t i = 0; i < p->n_watch && n; i++)
        f->s.sum[i] += (double) f->watch[i];
    if (f->s.batch < f->batches)
        return;
    for (uint32_t i = 0; i < p->n_watch; i++) {
        f->s.mean[i] = f->s.epoch_steps ? f->s.sum[i] / (double) f->s.epoch_steps : 0;
        f->s.sum[i] = 0;
    }
    f->s.epoch++;
    f->s.batch = 0;
    f->s.epoch_steps = 0;
}

// An epoch is over, and was not judged: a run may have been stopped right then.
static bool is_to_judge(const fit *f)
{
    return f->p->judge.fn && f->s.batch == 0 && f->s.epoch > f->best.s.judged;
}

// The epoch that is over is judged and gets its line in the log, unless the judge was told to stop.
static vkc_status end_epoch(fit *f, bool *stopped)
{
    const double start = vkc_seconds();
    vkc_status st = is_to_judge(f) ? nn__best_judge(&f->best, f->p, f->s.epoch, f->tuned) : VKC_OK;
    nn_pace_skip(&f->pace, vkc_seconds() - start);      // rates and times left are the training's
    *stopped = st == VKC_E_STOPPED;
    if (*stopped)
        return VKC_OK;
    return st == VKC_OK ? log_epoch(f, nn_schedule_lr(&f->p->schedule, f->s.step - 1)) : st;
}

// After the last step: the parameters are the best, or else their average.
static vkc_status end_training(fit *f)
{
    const nn_fit_params *p = f->p;
    if (f->best.s.epoch == 0)
        return nn_stepper_write_average(p->stepper);
    memcpy(f->tuned, f->best.s.tuned, sizeof f->tuned);
    if (p->tune)
        p->tune(p->tune_user, p->stepper, f->s.step, NULL, f->tuned);
    return nn_stepper_write(p->stepper, f->best.kept);
}

// For step `step`, counted from 0.
static vkc_status next_batch(fit *f, uint64_t step, uint32_t *n)
{
    const uint32_t slot = step % NN_STEPPER_SLOTS;
    nn_feed_batch b;
    double t = vkc_seconds();
    vkc_status st = nn_stepper_want(f->p->stepper, slot, &b);
    if (st == VKC_OK)
        st = f->p->feed->get(f->p->feed->self, &b);
    f->waited += vkc_seconds() - t;
    *n = b.n;
    return st;
}

static vkc_status run(fit *f)
{
    const nn_fit_params *p = f->p;
    const uint64_t total = p->schedule.total;
    vkc_status st = VKC_OK;
    uint32_t n[NN_STEPPER_SLOTS] = { 0 };
    bool stopped = false;
    if (p->tune)
        p->tune(p->tune_user, p->stepper, f->s.step, NULL, f->tuned);
    if (is_to_judge(f))
        VKC_TRY(end_epoch(f, &stopped));
    if (f->s.step < total && !stopped)
        st = next_batch(f, f->s.step, &n[f->s.step % NN_STEPPER_SLOTS]);
    while (st == VKC_OK && f->s.step < total && !stopped) {
        uint32_t slot = f->s.step % NN_STEPPER_SLOTS, other = (slot + 1) % NN_STEPPER_SLOTS;
        double lr = nn_schedule_lr(&p->schedule, f->s.step);
        if (n[slot])                // every sample of it may be broken: then there is nothing to learn from
            VKC_TRY(nn_stepper_submit(p->stepper, slot, n[slot], lr, f->s.step + 1));
        if (f->s.step + 1 < total)
            VKC_TRY(next_batch(f, f->s.step + 1, &n[other]));
        double t = vkc_seconds();
        if (n[slot])
            VKC_TRY(nn_stepper_wait(p->stepper, f->watch, &f->norm));
        if (n[slot])
            VKC_TRY(check_step(f));
        f->waited += vkc_seconds() - t;
        end_step(f, n[slot]);
        if (f->s.batch == 0)
            VKC_TRY(end_epoch(f, &stopped));
        stopped = stopped || !report(f, lr) || (p->max_steps && f->s.step >= p->max_steps);
        if (vkc_seconds() - f->last_checkpoint > CHECKPOINT_SECONDS)
            VKC_TRY(save_state(f));
    }
    if (st == VKC_OK)
        st = save_state(f);
    if (st == VKC_OK && stopped && (f->s.step < total || is_to_judge(f)))
        st = VKC_FAIL(VKC_E_STOPPED, "%s: stopped at step %llu of %llu", p->what,
                      (unsigned long long) f->s.step, (unsigned long long) total);
    if (st == VKC_OK && f->s.step >= total)
        st = end_training(f);
done:
    return st;
}

// Batches are to be had as the stepper reads them, from where the state is.
static vkc_status open_feed(const fit *f)
{
    nn_feed_batch b;
    vkc_status st = nn_stepper_want(f->p->stepper, 0, &b);
    if (st == VKC_OK)
        st = nn_feed_check(f->p->feed, &b);
    return st == VKC_OK ? f->p->feed->seek(f->p->feed->self, f->s.epoch, (uint32_t) f->s.batch) : st;
}

vkc_status nn_fit(const nn_fit_params *p, nn_fit_result *out)
{
    fit f = { .p = p, .batches = p->feed->batches, .pace = nn_pace_start() };
    f.last_checkpoint = f.pace.start;
    vkc_status st = p->n_state > NN_FIT_MAX_STATE
        ? VKC_FAIL(VKC_E_ARG, "%s: a hook with %u words of its own, at most %d fit", p->what, p->n_state,
                   NN_FIT_MAX_STATE)
        : VKC_OK;
    if (st == VKC_OK)
        st = nn__best_init(&f.best, p);
    if (st == VKC_OK && p->run_dir)
        st = nn_folder_create(p->run_dir);
    if (st == VKC_OK)
        st = load_state(&f);
    if (st == VKC_OK)
        st = open_feed(&f);
    if (st == VKC_OK)
        st = run(&f);
    *out = (nn_fit_result) { .steps = f.s.step, .samples = f.s.samples, .seconds = vkc_seconds() - f.pace.start,
                             .best = { (uint32_t) f.best.s.epoch, p->epochs, f.best.s.best } };
    for (uint32_t i = 0; i < p->n_watch; i++)
        out->watch[i] = f.s.epoch_steps ? f.s.sum[i] / (double) f.s.epoch_steps : f.s.mean[i];
    out->loss = loss_of(p, out->watch);
    out->host_share = out->seconds > 0 ? 1 - f.waited / out->seconds : 0;
    nn__best_finish(&f.best);
    return st;
}
