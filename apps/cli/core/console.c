// console.c — standard error: messages, the progress line, and stopping on Ctrl-C.
#include "apps/cli/core/console.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vk/clock.h"
#include "vk/status.h"

#define EXIT_STOPPED 130
#define TERMINAL_PAUSE 0.2          // seconds between two updates
#define FILE_PAUSE 30.0

static bool is_terminal, is_quiet, is_verbose, line_is_open, stop_was_said;
static double last_shown = -1e9;
static char last_what[32];
static volatile sig_atomic_t n_signals;

void console_init(bool quiet, bool verbose)
{
    is_quiet = quiet;
    is_verbose = verbose;
    is_terminal = isatty(STDERR_FILENO) == 1;
    last_shown = vkc_seconds();
}

void console_clear(void)
{
    if (line_is_open)
        fputs("\r\033[K", stderr);
    line_is_open = false;
}

static void put(const char *fmt, va_list ap)
{
    console_clear();
    fputs("pare: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

void say(const char *fmt, ...)
{
    if (is_quiet)
        return;
    va_list ap;
    va_start(ap, fmt);
    put(fmt, ap);
    va_end(ap);
}

void warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put(fmt, ap);
    va_end(ap);
}

void warn_failure(void)
{
    if (is_verbose && *vkc_last_error_place())
        warn("%s [%s]", vkc_last_error(), vkc_last_error_place());
    else
        warn("%s", vkc_last_error());
}

void console_log(void *user, vkc_log_level level, const char *msg)
{
    (void) user;
    if (level <= VKC_LOG_WARN)
        warn("%s", msg);
    else if (is_verbose)
        say("%s", msg);
}

static void print_time(char *out, size_t size, double seconds)
{
    unsigned long s = seconds > 0.0 ? (unsigned long) (seconds + 0.5) : 0;
    if (s < 60)
        snprintf(out, size, "%lu s", s);
    else if (s < 3600)
        snprintf(out, size, "%lu:%02lu min", s / 60, s % 60);
    else
        snprintf(out, size, "%lu:%02lu h", s / 3600, s / 60 % 60);
}

static void show(const nn_progress *p)
{
    char line[240], rate[48] = "", left[48] = "", share[48];
    if (p->total > 0)
        snprintf(share, sizeof share, "%3.0f %%", 100.0 * (double) p->done / (double) p->total);
    else
        snprintf(share, sizeof share, "%llu", (unsigned long long) p->done);
    if (p->rate > 0.0)
        snprintf(rate, sizeof rate, ", %.*f %s/s", p->rate < 10.0 ? 2 : 0, p->rate, p->unit);
    if (p->left >= 0.0) {
        char time[32];
        print_time(time, sizeof time, p->left);
        snprintf(left, sizeof left, ", %s left", time);
    }
    snprintf(line, sizeof line, "%s: %s%s%s%s%s", p->what, share, rate, left, p->note && *p->note ? ", " : "",
             p->note ? p->note : "");
    if (!is_terminal) {
        fprintf(stderr, "%s\n", line);
        return;
    }
    fprintf(stderr, "\r%.110s\033[K", line);
    fflush(stderr);
    line_is_open = true;
}

bool console_progress(void *user, const nn_progress *p)
{
    (void) user;
    double t = vkc_seconds();
    bool is_new = strncmp(last_what, p->what, sizeof last_what - 1) != 0, is_shown = *p->what && !is_quiet;
    if (is_shown && (t - last_shown >= (is_terminal ? TERMINAL_PAUSE : FILE_PAUSE) || (is_new && is_terminal))) {
        show(p);
        last_shown = t;
        snprintf(last_what, sizeof last_what, "%s", p->what);
    }
    if (n_signals > 0 && !stop_was_said) {
        stop_was_said = true;
        warn("stopping at the next step; once more ends at once");
    }
    return n_signals == 0;
}

bool console_is_stopped(void)
{
    return n_signals > 0;
}

static void count_signal(int number)
{
    (void) number;
    if (n_signals > 0)
        _exit(EXIT_STOPPED);
    n_signals = 1;
}

void console_catch_signals(void)
{
    struct sigaction a = { .sa_handler = count_signal };
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}
