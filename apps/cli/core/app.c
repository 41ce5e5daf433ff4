// app.c — what every command shares: the device, JSON, what pipelines are handed.
#include "apps/cli/core/app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli/print/resume_line.h"
#include "nn/graph/check.h"
#include "nn/base/files.h"
#include "nn/base/json.h"

static char command_line[4096];
static bool check_failed, was_open;
static nn_check *cpu_check;         // --check-cpu

static void append(const char *text, size_t len)
{
    size_t at = strlen(command_line), room = sizeof command_line - 1 - at;
    if (len > room)
        len = room;
    memcpy(command_line + at, text, len);
    command_line[at + len] = '\0';
}

void app_keep_command(int argc, char **argv)
{
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:,+@%";
    append("pare", 4);
    for (int i = 1; i < argc; i++) {
        append(" ", 1);
        if (argv[i][0] && argv[i][strspn(argv[i], plain)] == '\0') {
            append(argv[i], strlen(argv[i]));
            continue;
        }
        append("'", 1);
        for (const char *p = argv[i]; *p; p++)
            append(*p == '\'' ? "'\\''" : p, *p == '\'' ? 4 : 1);
        append("'", 1);
    }
}

vkc_status app_open(const common_args *c, vkc_device **dev)
{
    vkc_device_params p = { .select = c->device, .disable = c->disable, .cache_dir = c->no_cache ? "" : NULL,
                            .validate = c->validate, .log = console_log, .stopped = console_is_stopped };
    vkc_status st = vkc_device_create(&p, dev);
    if (st != VKC_OK)
        return st;
    was_open = true;
    const vkc_device_info *i = vkc_device_get_info(*dev);
    say("device %u: %s%s", i->index, i->name,
        i->type == VKC_TYPE_SOFTWARE ? ", a software driver: no GPU is used" : "");
    static nn_compile_watch watch;
    nn_compile_watch_begin(&watch, *dev, console_progress, NULL);
    nn_context *context;
    st = nn_context_get(*dev, &context);        // what the environment forces is refused before any work
    if (st == VKC_OK && (c->check_cpu || c->check_every))
        st = nn_check_create(*dev, &(nn_check_params) { .every = c->check_every }, &cpu_check);
    if (st != VKC_OK) {
        vkc_device_destroy(*dev);
        *dev = NULL;
    }
    return st;
}

// What --check-cpu has seen.
static void say_compared(const nn_check *c)
{
    const uint32_t i = nn_check_worst(c);
    char place[NN_MAX_PLACE];
    if (i == nn_n_ops) {
        if (!*vkc_last_error())     // else that is what there is to say
            say("--check-cpu: no model ran, so nothing was compared");
        return;
    }
    const nn_check_op *op = nn_check_get_op(c, i);
    say("--check-cpu: %llu calls in %llu %s compared with the CPU%s; the largest error of %s is %.1e (bar %.0e), %s "
        "(op %s)", (unsigned long long) nn_check_calls(c), (unsigned long long) nn_check_replays(c),
        nn_check_replays(c) == 1 ? "batch" : "batches", nn_check_first(c) ? ", one is wrong" : "",
        nn_check_first(c) ? "the others" : "all", op->worst, nn_check_get_bars(nn_ops[i]).error,
        nn_scope_text(op->scope, place), nn_ops[i]->name);
}

void app_close(vkc_device *dev)
{
    uint32_t n = dev ? vkc_device_validation_count(dev) : 0;
    if (n > 0) {
        warn("the validation layer had %u complaints", n);
        check_failed = true;
    }
    if (cpu_check) {
        say_compared(cpu_check);
        nn_check_destroy(cpu_check);
        cpu_check = NULL;
    }
    vkc_device_destroy(dev);
}

bool app_is_failed(void)
{
    return check_failed;
}

bool app_was_open(void)
{
    return was_open;
}

vkc_status app_flush(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return VKC_FAIL(VKC_E_IO, "cannot write to standard output: %s", nn_reason(errno));
    return VKC_OK;
}

void app_print_mixers(FILE *f)
{
    fputs("\nMixers, as NAME or NAME:OPTION=VALUE+OPTION=VALUE; the first value is the default:\n", f);
    for (uint32_t i = 0; i < nn_n_mixers; i++) {
        fprintf(f, "  %-12s %s\n", nn_mixers[i]->name, nn_mixers[i]->about);
        for (const nn_mixer_option *o = nn_mixers[i]->options; o && o->key; o++) {
            fprintf(f, "  %-12s   %s=", "", o->key);
            for (uint32_t k = 0; o->values[k]; k++)
                fprintf(f, "%s%s", k ? "|" : "", o->values[k]);
            fprintf(f, "  %s\n", o->about);
        }
    }
}

vkc_status app_print_json(json_t *value)
{
    if (!value)
        return VKC_FAIL(VKC_E_NOMEM, "cannot build the JSON: out of host memory, or a name is not UTF-8");
    console_clear();
    // Without memory to do it with, Jansson stops in the middle, and the stream does not know.
    const bool is_whole = nn_json_is_whole() &&
                          json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) == 0;
    json_decref(value);
    putchar('\n');
    const vkc_status st = app_flush();
    if (st == VKC_OK && !is_whole)
        return VKC_FAIL(VKC_E_NOMEM, "cannot print the JSON: out of host memory, or a name is not UTF-8");
    return st;
}

static void notify(void *user, pipeline_notice kind, const char *sentence)
{
    char line[sizeof command_line + 16], how[sizeof line + 32];
    (void) user;
    switch (kind) {
    case PIPELINE_NOTE: say("%s", sentence); break;
    case PIPELINE_WARNING: warn("%s", sentence); break;
    case PIPELINE_FAILURE: warn_failure(); break;
    case PIPELINE_STARTED:
        resume_line(command_line, false, line, sizeof line);
        snprintf(how, sizeof how, "stopped. To go on: %s", line);
        console_begin_run(how);
        break;
    case PIPELINE_STOPPED:
        resume_line(command_line, !console_is_stopped(), line, sizeof line);    // else --max-steps was reached
        warn("%s. To go on: %s", sentence, line);
        break;
    }
}

pipeline_context app_context(vkc_device *dev)
{
    return (pipeline_context) { .dev = dev, .command = command_line, .dash = "--", .progress = console_progress,
                                .notify = notify };
}

int app_progress(void *user, const pare_progress *p)
{
    return console_progress(user, &(nn_progress) { p->what, p->done, p->total, p->unit, p->seconds, p->left, p->rate,
                                                   p->note });
}

static void hear(void *user, pare_notice kind, const char *sentence)
{
    static const pipeline_notice kinds[] = {
        [PARE_NOTE] = PIPELINE_NOTE, [PARE_WARNING] = PIPELINE_WARNING, [PARE_STARTED] = PIPELINE_STARTED,
        [PARE_KEPT] = PIPELINE_STOPPED,
    };
    const bool is_failure = kind == PARE_WARNING && strcmp(sentence, vkc_last_error()) == 0;    // which has a place too
    notify(user, is_failure ? PIPELINE_FAILURE : kinds[kind], sentence);
}

pare_callbacks app_callbacks(void)
{
    pare_callbacks c = pare_callbacks_default();
    c.progress = app_progress;
    c.notice = hear;
    return c;
}
