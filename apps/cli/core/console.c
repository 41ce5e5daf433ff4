// console.c — standard error: messages, the progress line, and stopping on Ctrl-C.
#include "apps/cli/core/console.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "nn/base/leftovers.h"
#include "vk/clock.h"
#include "vk/status.h"

#define EXIT_STOPPED 130
#define TERMINAL_PAUSE 0.2          // seconds between two updates
#define FILE_PAUSE 30.0
#define MAX_SENTENCE (2 * VKC_MAX_ERROR)
#define LONG_RUN 60.0               // seconds from which on a call is announced as soon as its time is known
#define GRACE 1u                    // seconds in which a call that keeps nothing may end by itself

static bool is_run, is_terminal, is_quiet, is_verbose, line_is_open, stop_was_said;
static double last_shown = -1e9;
static char last_what[32];
static volatile sig_atomic_t n_signals, keeps_work;
static char farewell[MAX_SENTENCE];             // how to go on, when the program is ended by a signal

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
    char text[MAX_SENTENCE], clean[MAX_SENTENCE];
    vsnprintf(text, sizeof text, fmt, ap);
    vkc_text_clean(clean, sizeof clean, text);
    console_clear();
    fprintf(stderr, "pare: %s\n", clean);
}

int console_width(FILE *f)
{
    struct winsize size;
    return isatty(fileno(f)) && ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 100;
}

void print_name(FILE *f, const char *name)
{
    char clean[MAX_SENTENCE];
    vkc_text_clean(clean, sizeof clean, name);
    fputs(clean, f);
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
    if (strcmp(p->what, NN_COMPILING) == 0)
        snprintf(line, sizeof line, "%s %llu of %llu", p->what, (unsigned long long) p->done,
                 (unsigned long long) p->total);
    else
        snprintf(line, sizeof line, "%s: %s%s%s%s%s", p->what, share, rate, left, p->note && *p->note ? ", " : "",
             p->note ? p->note : "");
    char clean[sizeof line];
    vkc_text_clean(clean, sizeof clean, line);
    if (!is_terminal) {
        fprintf(stderr, "%s\n", clean);
        return;
    }
    fprintf(stderr, "\r%.110s\033[K", clean);
    fflush(stderr);
    line_is_open = true;
}

// Was the time of this call told before? It is from now on.
static bool is_announced(const char *what)
{
    static char told[32];
    const bool is = strncmp(told, what, sizeof told - 1) == 0;
    const size_t len = strnlen(what, sizeof told - 1);
    memcpy(told, what, len);
    told[len] = '\0';
    return is;
}

bool console_progress(void *user, const nn_progress *p)
{
    (void) user;
    double t = vkc_seconds();
    bool is_new = strncmp(last_what, p->what, sizeof last_what - 1) != 0, is_shown = *p->what && !is_quiet;
    bool is_long = p->left > LONG_RUN && !is_announced(p->what);
    if (is_shown && (t - last_shown >= (is_terminal ? TERMINAL_PAUSE : FILE_PAUSE) || (is_new && is_terminal) ||
                     is_long)) {
        show(p);
        last_shown = t;
        snprintf(last_what, sizeof last_what, "%s", p->what);
    }
    // A training that has made a step writes a checkpoint first, however long that takes; all else has nothing to keep
    // that is not on the disk already.
    if (*p->what)
        keeps_work = is_run && p->unit && strcmp(p->unit, "steps") == 0 && p->done > 0;
    if (n_signals > 0 && !keeps_work)
        alarm(GRACE);
    if (n_signals > 0 && !stop_was_said) {
        stop_was_said = true;
        warn(keeps_work ? "stopping at the next step; once more ends at once" : "stopping");
    }
    return n_signals == 0;
}

bool console_is_stopped(void)
{
    return n_signals > 0;
}

// Of a signal before there is anything to stop, of the second one, and of the alarm that the first one has set.
static void end_now(int number)
{
    (void) number;
    nn_leftovers_remove();
    if (*farewell && write(STDERR_FILENO, farewell, strlen(farewell)) < 0)
        _exit(EXIT_STOPPED);
    _exit(EXIT_STOPPED);
}

static void count_signal(int number)
{
    if (n_signals > 0)
        end_now(number);
    n_signals = 1;
    if (!keeps_work)
        alarm(GRACE);
}

static void catch(void (*handler)(int))
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction a = { .sa_handler = handler }, end = { .sa_handler = end_now }, was;
    sigemptyset(&a.sa_mask);
    sigemptyset(&end.sa_mask);
    sigaction(SIGALRM, &end, NULL);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sigaction(signals[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)    // nohup, or a shell's &
            sigaction(signals[i], &a, NULL);
}

void console_end_on_signals(void)
{
    catch(end_now);
}

void console_catch_signals(void)
{
    catch(count_signal);
}

void console_begin_run(const char *sentence)
{
    is_run = true;
    snprintf(farewell, sizeof farewell, "\npare: %s\n", sentence);
    console_catch_signals();
}
