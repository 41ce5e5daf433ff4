// main.c — pare, the command line: finds the command, reads its options, turns its status into an exit code.
#include "apps/cli/core/commands.h"
#include "apps/cli/core/model_words.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_CHECK = 1, EXIT_USAGE, EXIT_NO_DEVICE, EXIT_MEMORY, EXIT_LOST, EXIT_FILE, EXIT_STOPPED = 130 };

static int exit_code(vkc_status st)
{
    switch (st) {
    case VKC_OK: return app_is_failed() ? EXIT_CHECK : EXIT_SUCCESS;
    case VKC_E_ARG: return EXIT_USAGE;
    case VKC_E_NOMEM:
    case VKC_E_DEVMEM: return EXIT_MEMORY;
    case VKC_E_NODEVICE: return EXIT_NO_DEVICE;
    case VKC_E_UNSUPPORTED: return app_was_open() ? EXIT_MEMORY : EXIT_NO_DEVICE;   // too small, or not usable
    case VKC_E_LOST: return EXIT_LOST;
    case VKC_E_IO:
    case VKC_E_FORMAT: return EXIT_FILE;
    case VKC_E_STOPPED: return EXIT_STOPPED;
    case VKC_E_CHECK: return EXIT_CHECK;
    case VKC_STATUS_COUNT: break;
    }
    return EXIT_CHECK;
}

static vkc_status run(const command *c, int argc, char **argv)
{
    const arg *tables[ARGS_MAX_TABLES + 1];
    args_words words;
    void *options = malloc(c->options_size);
    if (!options)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory");
    commands_tables(c, tables);
    memcpy(options, c->defaults, c->options_size);
    const common_args *common = options;
    vkc_status st = args_read(tables, options, argc, argv, &words);
    console_init(common->quiet, common->verbose);
    if (st == VKC_OK && common->help)
        commands_print_help_of(c);
    else if (st == VKC_OK && (words.n < c->min_words || words.n > c->max_words))
        st = VKC_FAIL(VKC_E_ARG, "usage: pare %s%s%s", c->name, *c->usage ? " " : "", c->usage);
    else if (st == VKC_OK)
        st = model_words_run(c, options, &words);
    free(options);
    return st;
}

// What is no command: --help, --version, help COMMAND. False when it is none of these.
static bool is_about_pare(int n, char **words, vkc_status *st)
{
    const command *c = NULL;
    const bool is_help = strcmp(words[0], "help") == 0;
    *st = VKC_OK;
    if (strcmp(words[0], "--version") == 0) {
        commands_print_version();
    } else if (is_help && n > 1 && words[1][0] != '-') {
        *st = commands_find(words[1], &c);
        if (*st == VKC_OK)
            commands_print_help_of(c);
    } else if (is_help || strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) {
        commands_print_help(stdout);
    } else {
        return false;
    }
    return true;
}

// Decoding takes and gives back the same few large buffers for every picture. By default the kernel gets them back, or
// the end of the heap that they lay in, and zeroes them anew: a tenth of the time of a run that only classifies.
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_TOP_PAD, 1 << 20);
    // An arena a thread takes 128 MiB of address space, which may be all there is.
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
        mallopt(M_ARENA_MAX, 1);
#endif
}

// A file that is opened while one of the three is closed would become it, and get what is meant for that. What is
// written to a standard output that was closed fails, as it should.
static void open_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_FILE);
}

int main(int argc, char **argv)
{
    open_streams();
    keep_memory();
    signal(SIGXFSZ, SIG_IGN);           // a file that grows too large is an error of its write,
    signal(SIGPIPE, SIG_IGN);           // and so is a pipe that nobody reads
    console_end_on_signals();
    console_init(false, false);
    if (argc < 2) {
        commands_print_help(stderr);
        return EXIT_USAGE;
    }
    vkc_status st;
    commands_bring_forward(argc - 1, argv + 1);
    app_keep_command(argc, argv);       // its name first, as a run folder and its report have it
    if (!is_about_pare(argc - 1, argv + 1, &st)) {
        const command *c;
        st = commands_find(argv[1], &c);
        if (st == VKC_OK)
            st = run(c, argc - 2, argv + 2);
    }
    console_clear();
    if (st == VKC_OK)
        st = app_flush();
    if (st != VKC_OK)
        warn_failure();
    return exit_code(st);
}
