// commands.c — all commands, the options that they share, and their help.
#include "apps/cli/core/commands.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "nn/image/formats/format.h"
#include "pipeline/base/version.h"

static const command *const commands[] = {
    &cmd_devices, &cmd_train, &cmd_eval, &cmd_classify, &cmd_inspect, &cmd_export, &cmd_sparsity, &cmd_distill,
    &cmd_retain, &cmd_tune, &cmd_prune, &cmd_study, &cmd_report, &cmd_mixers, &cmd_bench, &cmd_selftest,
    &cmd_completions, &cmd_man,
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

#define AT(member) offsetof(common_args, member)
static const arg device_table[] = {
    { "device", 0, ARG_TEXT, AT(device), 0, 0, "X", "index, uuid or part of the name (also PARE_DEVICE)" },
    { "disable", 0, ARG_TEXT, AT(disable), 0, 0, "LIST", "optional device features not to use, such as fp16,subgroup" },
    { "validate", 0, ARG_FLAG, AT(validate), 0, 0, NULL,
      "use the Khronos validation layer; any message of it means exit code 1" },
    { "no-cache", 0, ARG_FLAG, AT(no_cache), 0, 0, NULL, "do not use the pipeline cache on disk" },
    { 0 },
};
static const arg check_table[] = {
    { "check-cpu", 0, ARG_FLAG, AT(check_cpu), 0, 0, NULL,
      "compare each op on the device with the CPU; exit code 1 when they differ" },
    { "check-every", 0, ARG_U32, AT(check_every), 1, 4e9, "N",
      "run --check-cpu on every N-th batch, from the first [1, in training 100]" },
    { 0 },
};
static const arg seed_table[] = {
    { "seed", 0, ARG_U64, AT(seed), 0, 0, "N", "random seed [0]" },
    { 0 },
};
static const arg json_table[] = {
    { "json", 0, ARG_FLAG, AT(json), 0, 0, NULL, "print one JSON object instead of a table" },
    { 0 },
};
static const arg model_table[] = {
    { "from-cache", 0, ARG_FLAG, AT(from_cache), 0, 0, NULL,
      "models by name, from the cache folders of Hugging Face and PyTorch" },
    { 0 },
};
static const arg key_table[] = {
    { "checkpoint-key", 0, ARG_TEXT, AT(checkpoint_key), 0, 0, "K",
      "of a checkpoint of PyTorch, the entry that has the model's weights; MODEL#K is the same" },
    { 0 },
};
static const arg common_table[] = {
    { "verbose", 'v', ARG_FLAG, AT(verbose), 0, 0, NULL, "print more on standard error" },
    { "quiet", 'q', ARG_FLAG, AT(quiet), 0, 0, NULL, "print only errors there" },
    { "help", 'h', ARG_FLAG, AT(help), 0, 0, NULL, "print this help" },
    { 0 },
};

static const struct { command_use use; const arg *table; } shared[] = {
    { COMMAND_DEVICE, device_table }, { COMMAND_CHECK, check_table }, { COMMAND_SEED, seed_table },
    { COMMAND_JSON, json_table }, { COMMAND_MODEL, model_table }, { COMMAND_KEY, key_table }, { 0, common_table },
};

const command *commands_get(int i)
{
    return i >= 0 && i < N_COMMANDS ? commands[i] : NULL;
}

static const char *get_name(const void *user, size_t i)
{
    (void) user;
    return i < N_COMMANDS ? commands[i]->name : NULL;
}

vkc_status commands_find(const char *name, const command **out)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0) {
            *out = commands[i];
            return VKC_OK;
        }
    const char *close = args_closest(name, get_name, NULL);
    return close ? VKC_FAIL(VKC_E_ARG, "no command \"%.40s\"; did you mean %s?", name, close)
                 : VKC_FAIL(VKC_E_ARG, "no command \"%.40s\"; pare --help lists them", name);
}

void commands_tables(const command *c, const arg *tables[ARGS_MAX_TABLES + 1])
{
    int n = 0;
    if (c && c->table->name)
        tables[n++] = c->table;
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if (!c || !shared[i].use || (c->uses & shared[i].use))
            tables[n++] = shared[i].table;
    tables[n] = NULL;
}

void commands_bring_forward(int n, char **words)
{
    const arg *tables[ARGS_MAX_TABLES + 1];
    int at = 0;
    commands_tables(NULL, tables);
    while (at < n && words[at][0] == '-')
        at += args_takes_next(tables, words[at]) ? 2 : 1;
    if (at == 0 || at >= n)
        return;
    char *name = words[at];
    memmove(words + 1, words, (size_t) at * sizeof *words);
    words[0] = name;
}

void commands_print_help(FILE *f)
{
    fputs("pare pares attention down to what a task needs: it trains vision transformers, measures their\n"
          "attention, replaces attention layers by cheaper mixers and prunes tokens, on any Vulkan device.\n\n",
          f);
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(f, "  pare %-11s %s\n", commands[i]->name, commands[i]->help);
    fputs("\n`pare help COMMAND` lists its options; `pare --version` prints the version and what images are read.\n"
          "Data is a folder of class folders, optionally below train/, val/ and test/, or synth:ringed-digit.\n"
          "Exit codes: 0 ok, 1 check failed, 2 usage, 3 no device, 4 out of memory, 5 device lost, 6 bad file,\n"
          "130 stopped by a signal.\n", f);
}

void commands_print_help_of(const command *c)
{
    const arg *tables[ARGS_MAX_TABLES + 1];
    const int width = console_width(stdout);
    commands_tables(c, tables);
    printf("usage: pare %s%s%s\n\n%s\n\n", c->name, *c->usage ? " " : "", c->usage, c->help);
    for (int i = 0; tables[i]; i++) {
        if (i == 1 && tables[0] == c->table)
            putchar('\n');
        args_print(stdout, tables[i], width);
    }
    if (c->about)
        printf("\n%s\n", c->about);
    if (c->print_more)
        c->print_more(stdout);
}

// What this build reads, and what it could read with another library.
static void print_formats(void)
{
    const nn_image_format *f;
    fputs("reads", stdout);
    for (size_t i = 0, n = 0; (f = nn_image_format_at(i)) != NULL; i++)
        if (f->size && f->library)
            printf("%s %s (%s %s)", n++ ? "," : "", f->name, f->library, f->version());
        else if (f->size)
            printf("%s %s", n++ ? "," : "", f->name);
    fputs(" images\n", stdout);
    for (size_t i = 0; (f = nn_image_format_at(i)) != NULL; i++)
        if (!f->size)
            printf("does not read %s images: built without %s\n", f->name, f->library);
}

void commands_print_version(void)
{
    printf("pare %s%s%s%s\n", pipeline_version, *pipeline_commit ? ", commit " : "", pipeline_commit,
           *pipeline_commit && pipeline_commit[strlen(pipeline_commit) - 1] == '+' ? " with changes" : "");
#if defined(__clang__)
    printf("built with clang %s\n", __clang_version__);
#elif defined(__GNUC__)
    printf("built with gcc %s\n", __VERSION__);
#endif
    print_formats();
}
