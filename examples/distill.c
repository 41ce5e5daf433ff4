// distill.c — attention replaced by linear attention where that costs little: distill TEACHER DATA OUT [MAX_DROP]
// MAX_DROP are points of top-1 that may be lost. Ctrl-C stops it; the same command again goes on.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <pare/pare.h>

static volatile sig_atomic_t is_stopped;

static void stop(int number)
{
    (void) number;
    is_stopped = 1;
}

static int progress(void *user, const pare_progress *p)
{
    (void) user;
    if (*p->what && p->total > 0)
        fprintf(stderr, "\r%-12s %3.0f %%  %s\033[K", p->what, 100.0 * (double) p->done / (double) p->total, p->note);
    return !is_stopped;
}

static void notice(void *user, pare_notice kind, const char *sentence)
{
    (void) user;
    fprintf(stderr, "\r\033[K%s%s\n", kind == PARE_WARNING ? "warning: " : "", sentence);
}

static void print(const pare_distill_result *r)
{
    printf("replaced   %u of %u layers, after %u trials\n", r->replaced, r->depth, r->trials);
    printf("top-1      %.1f %%, the teacher %.1f %%\n", 100.0 * r->student_top1, 100.0 * r->teacher_top1);
    printf("parameters %.2f million, the teacher %.2f million\n", (double) r->student_params / 1e6,
           (double) r->teacher_params / 1e6);
    if (r->timing_batch)
        printf("time       %.1f ms for %u pictures, the teacher %.1f ms\n", r->student_ms, r->timing_batch,
               r->teacher_ms);
}

int main(int argc, char **argv)
{
    const char *const mixers[] = { "linear", "conv" };
    pare_callbacks callbacks = pare_callbacks_default();
    pare_distill_options options = pare_distill_options_default();
    pare_distill_result result = pare_distill_result_default();
    pare_data *data = NULL;
    pare_device *device = NULL;
    if (argc < 4)
        return fprintf(stderr, "usage: distill TEACHER DATA OUT [MAX_DROP]\n"), PARE_E_ARG;
    callbacks.progress = progress;
    callbacks.notice = notice;
    options.callbacks = &callbacks;
    options.mixers = mixers;
    options.n_mixers = 2;
    options.max_drop = argc > 4 ? strtod(argv[4], NULL) : 2.0;
    options.tune_epochs = 1;
    options.resume = 1;             // a new run where there is none
    signal(SIGINT, stop);
    pare_status st = pare_data_open(argv[2], &data);
    if (st == PARE_OK)
        st = pare_device_open(NULL, &device);
    if (st == PARE_OK)
        st = pare_distill(device, argv[1], data, argv[3], &options, &result);
    fputs("\r\033[K", stderr);
    if (st == PARE_OK)
        print(&result);
    else
        fprintf(stderr, "distill: %s\n", pare_last_error());
    pare_device_close(device);
    pare_data_close(data);
    return st;
}
