// main.c — pare, the command line: finds the command, reads its options, turns its status into an exit code.
#include "apps/cli/core/app.h"
#include "apps/cli/core/hub.h"
#include "pipeline/base/version.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_CHECK = 1, EXIT_USAGE, EXIT_NO_DEVICE, EXIT_MEMORY, EXIT_LOST, EXIT_FILE, EXIT_STOPPED = 130 };

static const command *const commands[] = {
    &cmd_devices, &cmd_train, &cmd_eval, &cmd_classify, &cmd_inspect, &cmd_export, &cmd_sparsity, &cmd_distill,
    &cmd_retain, &cmd_tune, &cmd_prune, &cmd_study, &cmd_report, &cmd_mixers, &cmd_bench, &cmd_selftest,
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

#define AT(member) offsetof(common_args, member)
static const arg common_table[] = {
    { "device", 0, ARG_TEXT, AT(device), 0, 0, "X", "index, uuid or part of the name (also PARE_DEVICE)" },
    { "disable", 0, ARG_TEXT, AT(disable), 0, 0, "LIST", "optional device features not to use, such as fp16,subgroup" },
    { "seed", 0, ARG_U64, AT(seed), 0, 0, "N", "random seed [0]" },
    { "json", 0, ARG_FLAG, AT(json), 0, 0, NULL, "print one JSON object instead of a table" },
    { "verbose", 'v', ARG_FLAG, AT(verbose), 0, 0, NULL, "print more on standard error" },
    { "quiet", 'q', ARG_FLAG, AT(quiet), 0, 0, NULL, "print only errors there" },
    { "validate", 0, ARG_FLAG, AT(validate), 0, 0, NULL,
      "use the Khronos validation layer; any message of it means exit code 1" },
    { "check-cpu", 0, ARG_FLAG, AT(check_cpu), 0, 0, NULL,
      "compare each op on the device with the CPU; exit code 1 when they differ" },
    { "check-every", 0, ARG_U32, AT(check_every), 1, 4e9, "N",
      "run --check-cpu on every N-th batch, from the first [1, in training 100]" },
    { "no-cache", 0, ARG_FLAG, AT(no_cache), 0, 0, NULL, "do not use the pipeline cache on disk" },
    { "from-cache", 0, ARG_FLAG, AT(from_cache), 0, 0, NULL,
      "models by name, from the cache folders of Hugging Face and PyTorch" },
    { "checkpoint-key", 0, ARG_TEXT, AT(checkpoint_key), 0, 0, "K",
      "of a checkpoint of PyTorch, the entry that has the model's weights; MODEL#K is the same" },
    { "help", 'h', ARG_FLAG, AT(help), 0, 0, NULL, "print this help" },
    { 0 },
};

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

static void print_help(FILE *f)
{
    fputs("pare pares attention down to what a task needs: it trains vision transformers, measures their\n"
          "attention, replaces attention layers by cheaper mixers and prunes tokens, on any Vulkan device.\n\n",
          f);
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(f, "  pare %-9s %s\n", commands[i]->name, commands[i]->help);
    fputs("\n  pare COMMAND --help lists its options; pare --version prints the version.\n"
          "Data is a folder of class folders, optionally below train/, val/ and test/, or synth:ringed-digit.\n"
          "Exit codes: 0 ok, 1 check failed, 2 usage, 3 no device, 4 out of memory, 5 device lost, 6 bad file,\n"
          "130 stopped by Ctrl-C.\n", f);
}

static void print_command_help(const command *c)
{
    printf("usage: pare %s %s\n\n%s\n", c->name, c->usage, c->help);
    if (c->table->name) {
        putchar('\n');
        args_print(stdout, c->table);
    }
    putchar('\n');
    args_print(stdout, common_table);
    if (c->about)
        printf("\n%s\n", c->about);
    if (c->print_more)
        c->print_more(stdout);
}

static void print_version(void)
{
    printf("pare %s%s%s%s\n", pipeline_version, *pipeline_commit ? ", commit " : "", pipeline_commit,
           *pipeline_commit && pipeline_commit[strlen(pipeline_commit) - 1] == '+' ? " with changes" : "");
#if defined(__clang__)
    printf("built with clang %s\n", __clang_version__);
#elif defined(__GNUC__)
    printf("built with gcc %s\n", __VERSION__);
#endif
}

static const char *get_command_name(const void *user, size_t i)
{
    (void) user;
    return i < N_COMMANDS ? commands[i]->name : NULL;
}

static const command *find_command(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    const char *close = args_closest(name, get_command_name, NULL);
    if (close)
        warn("no command \"%.40s\"; did you mean %s?", name, close);
    else
        warn("no command \"%.40s\"; pare --help lists them", name);
    return NULL;
}

#define MAX_MODELS 80               // of a command

typedef struct resolved { char *path[MAX_MODELS]; int n; } resolved;    // owned

// A model that is no path may be a name that a cache knows: with --from-cache *word becomes the path, and without it
// the sentence says that there is one.
static vkc_status resolve(const common_args *common, bool takes_names, const char **word, resolved *r)
{
    hub_found f;
    if (r->n == MAX_MODELS)
        return VKC_OK;              // more than any command takes
    if (common->from_cache) {
        char **path = &r->path[r->n];
        const vkc_status st = hub_resolve(*word, path);
        if (st == VKC_OK && *path) {
            say("%s: %s", *word, *path);
            *word = *path;
            r->n++;
        }
        return st;
    }
    if (takes_names || hub_is_path(*word))
        return VKC_OK;
    hub_find(*word, &f);
    return f.names.n == 0 ? VKC_OK : VKC_FAIL(VKC_E_IO, "%s is not a model folder; %s has weights of that name: "
                                              "--from-cache reads them", *word, f.path);
}

static vkc_status resolve_all(const command *c, void *options, args_words *words, resolved *r)
{
    const common_args *common = options;
    vkc_status st = VKC_OK;
    for (int i = c->model_from; i < c->model_to && i < words->n && st == VKC_OK; i++) {
        const char *word = words->word[i];
        st = resolve(common, c->takes_names, &word, r);
        words->word[i] = (char *) word;
    }
    for (const arg *a = c->table; a->name && st == VKC_OK; a++) {
        const char *word = NULL;
        if (a->type != ARG_MODEL)
            continue;
        memcpy(&word, (const char *) options + a->offset, sizeof word);
        if (word)
            st = resolve(common, false, &word, r);
        memcpy((char *) options + a->offset, &word, sizeof word);
    }
    return st;
}

// --checkpoint-key is what stands behind a # in the name of the command's model, the only one among its words; *model
// becomes the two together, owned.
static vkc_status add_key(const command *c, args_words *words, const char *key, char **model)
{
    const int end = words->n < c->model_to ? words->n : c->model_to;
    if (end - c->model_from != 1)
        return VKC_FAIL(VKC_E_ARG, "--checkpoint-key is for commands with one model among their words; elsewhere write "
                        "MODEL#%.60s", key);
    const char *before = words->word[c->model_from];
    *model = malloc(strlen(before) + strlen(key) + 2);
    if (!*model)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory");
    sprintf(*model, "%s#%s", before, key);
    words->word[c->model_from] = *model;
    return VKC_OK;
}

static vkc_status run_with_models(const command *c, void *options, args_words *words)
{
    const common_args *common = options;
    resolved models = { .n = 0 };
    char *with_key = NULL;
    vkc_status st = resolve_all(c, options, words, &models);
    if (st == VKC_OK && common->checkpoint_key)
        st = add_key(c, words, common->checkpoint_key, &with_key);
    if (st == VKC_OK)
        st = c->run(options, words);
    free(with_key);
    while (models.n > 0)
        free(models.path[--models.n]);
    return st;
}

static vkc_status run(const command *c, int argc, char **argv)
{
    const arg *tables[] = { c->table, common_table, NULL };
    args_words words;
    void *options = malloc(c->options_size);
    if (!options)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory");
    memcpy(options, c->defaults, c->options_size);
    const common_args *common = options;
    vkc_status st = args_read(tables, options, argc, argv, &words);
    console_init(common->quiet, common->verbose);
    if (st == VKC_OK && common->help)
        print_command_help(c);
    else if (st == VKC_OK && (words.n < c->min_words || words.n > c->max_words))
        st = VKC_FAIL(VKC_E_ARG, "usage: pare %s %s", c->name, c->usage);
    else if (st == VKC_OK)
        st = run_with_models(c, options, &words);
    free(options);
    return st;
}

// Decoding takes and gives back the same few large buffers for every picture. By default the kernel gets them back, or
// the end of the heap that they lay in, and zeroes them anew: a tenth of the time of a run that only classifies.
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_TOP_PAD, 1 << 20);
#endif
}

int main(int argc, char **argv)
{
    keep_memory();
    signal(SIGXFSZ, SIG_IGN);           // a file that grows too large is an error of its write
    console_init(false, false);
    app_keep_command(argc, argv);
    vkc_status st = VKC_OK;
    const char *first = argc > 1 ? argv[1] : "";
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0) {
        print_help(stdout);
    } else if (strcmp(first, "--version") == 0) {
        print_version();
    } else {
        const command *c = find_command(first);
        if (!c)
            return EXIT_USAGE;
        st = run(c, argc - 2, argv + 2);
    }
    console_clear();
    if (st == VKC_OK)
        st = app_flush();
    if (st != VKC_OK)
        warn_failure();
    return exit_code(st);
}
