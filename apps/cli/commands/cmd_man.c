// cmd_man.c — pare man: the manual page of pare or of a command, from the option tables.
#include "apps/cli/core/commands.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/version.h"

typedef struct man_args { common_args common; } man_args;

// Text as troff takes it: backslashes and hyphens escaped, no line that begins with a control character.
static void print_text(const char *text)
{
    bool is_start = true;
    for (; *text; text++) {
        if (is_start && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
        is_start = *text == '\n';
    }
}

static void print_upper(const char *text)
{
    for (; *text; text++)
        if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(toupper((unsigned char) *text));
}

static void print_head(const char *name)
{
    fputs(".TH ", stdout);
    print_upper(name);
    printf(" 1 \"\" \"pare %s\" \"User Commands\"\n.SH NAME\n", pipeline_version);
    print_text(name);
}

static void print_option(const arg *a)
{
    fputs(".TP\n", stdout);
    if (a->letter)
        printf("\\fB\\-%c\\fR, ", a->letter);
    fputs("\\fB\\-\\-", stdout);
    print_text(a->name);
    fputs("\\fR", stdout);
    if (a->value) {
        fputs(" \\fI", stdout);
        print_text(a->value);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    print_text(a->help);
    putchar('\n');
}

static void print_command(const command *c)
{
    const arg *tables[ARGS_MAX_TABLES + 1];
    char name[64];
    snprintf(name, sizeof name, "pare-%s", c->name);
    print_head(name);
    fputs(" \\- ", stdout);
    print_text(c->help);
    printf("\n.SH SYNOPSIS\n.B pare %s\n", c->name);
    if (*c->usage) {
        print_text(c->usage);
        putchar('\n');
    }
    if (c->about) {
        fputs(".SH DESCRIPTION\n", stdout);
        print_text(c->about);
        putchar('\n');
    }
    fputs(".SH OPTIONS\n", stdout);
    commands_tables(c, tables);
    for (int i = 0; tables[i]; i++)
        for (const arg *a = tables[i]; a->name; a++)
            print_option(a);
    if (c->print_more) {
        fputs(".SH VALUES\n.nf\n", stdout);
        fflush(stdout);
        c->print_more(stdout);
        fputs(".fi\n", stdout);
    }
    fputs(".SH SEE ALSO\n.BR pare (1)\n", stdout);
}

static void print_program(void)
{
    const command *c;
    print_head("pare");
    fputs(" \\- pare attention down on any Vulkan device\n"
          ".SH SYNOPSIS\n.B pare\n.I COMMAND\n[\\fIOPTION\\fR ...]\n"
          ".SH DESCRIPTION\n"
          "Trains vision transformers, measures their attention, replaces attention layers by cheaper mixers and\n"
          "prunes tokens, on any Vulkan device.\n"
          "Data is a folder of class folders, optionally below train/, val/ and test/, or synth:ringed\\-digit.\n"
          ".SH COMMANDS\n", stdout);
    for (int i = 0; (c = commands_get(i)) != NULL; i++) {
        printf(".TP\n.BR pare\\-%s (1)\n", c->name);
        print_text(c->help);
        putchar('\n');
    }
    fputs(".SH EXIT STATUS\n", stdout);
    static const char *const codes[][2] = {
        { "0", "ok" }, { "1", "a check failed" }, { "2", "usage" }, { "3", "no device" }, { "4", "out of memory" },
        { "5", "device lost" }, { "6", "bad file" }, { "130", "stopped by a signal" },
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        printf(".TP\n.B %s\n%s\n", codes[i][0], codes[i][1]);
}

static vkc_status run(const void *options, const args_words *words)
{
    (void) options;
    if (words->n == 0) {
        print_program();
        return app_flush();
    }
    const command *c;
    vkc_status st = commands_find(words->word[0], &c);
    if (st != VKC_OK)
        return st;
    print_command(c);
    return app_flush();
}

static const arg table[] = { { 0 } };
static const man_args defaults = { 0 };
const command cmd_man = {
    .name = "man", .help = "print the manual page of pare or of a command", .usage = "[COMMAND]", .table = table,
    .defaults = &defaults, .options_size = sizeof defaults, .max_words = 1, .run = run,
    .about = "In troff: pare man distill | man -l -. `cmake --install` puts all of them in place.",
};
