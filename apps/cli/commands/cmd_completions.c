// cmd_completions.c — pare completions: what a shell needs to complete commands and options, from the option tables.
#include "apps/cli/core/commands.h"

#include <stdio.h>
#include <string.h>

typedef struct completions_args { common_args common; } completions_args;

// Called for every option of a command.
typedef void (*option_fn)(const command *c, const arg *a);

static void for_options(const command *c, option_fn print)
{
    const arg *tables[ARGS_MAX_TABLES + 1];
    commands_tables(c, tables);
    for (int i = 0; tables[i]; i++)
        for (const arg *a = tables[i]; a->name; a++)
            print(c, a);
}

// Text between single quotes, which shells end and begin again around one.
static void print_quoted(const char *text)
{
    putchar('\'');
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    putchar('\'');
}

// ---- bash

static void bash_option(const command *c, const arg *a)
{
    (void) c;
    printf(" --%s", a->name);
    if (a->letter)
        printf(" -%c", a->letter);
}

static void bash_value(const command *c, const arg *a)
{
    if (a->type == ARG_FLAG)
        return;
    printf("|%s:--%s", c->name, a->name);
    if (a->letter)
        printf("|%s:-%c", c->name, a->letter);
}

static void print_bash(void)
{
    const command *c;
    fputs("# bash completion for pare, written by `pare completions bash`.\n"
          "_pare()\n"
          "{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= word\n"
          "    COMPREPLY=()\n"
          "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
          "        [[ $word == -* ]] || { command=$word; break; }\n"
          "    done\n"
          "    if [[ -z $command || ( $command == help && $cur != -* ) ]]; then\n"
          "        COMPREPLY=($(compgen -W '", stdout);
    for (int i = 0; (c = commands_get(i)) != NULL; i++)
        printf("%s ", c->name);
    fputs("help --help --version' -- \"$cur\"))\n"
          "        return\n"
          "    fi\n"
          "    case $command:$previous in\n"
          "        :*", stdout);
    for (int i = 0; (c = commands_get(i)) != NULL; i++)
        for_options(c, bash_value);
    fputs(") compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
          "    esac\n"
          "    local options=\n"
          "    case $command in\n", stdout);
    for (int i = 0; (c = commands_get(i)) != NULL; i++) {
        printf("        %s) options='", c->name);
        for_options(c, bash_option);
        fputs("' ;;\n", stdout);
    }
    fputs("    esac\n"
          "    if [[ $cur == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
          "    else\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
          "    fi\n"
          "}\n"
          "complete -F _pare pare\n", stdout);
}

// ---- zsh

// Brackets and colons have a meaning in what _arguments is given.
static void zsh_option(const command *c, const arg *a)
{
    char spec[400], *to = spec;
    (void) c;
    to += snprintf(to, sizeof spec, "--%s%s[", a->name, a->type == ARG_FLAG ? "" : "=");
    for (const char *p = a->help; *p && to < spec + sizeof spec - 40; p++) {
        if (strchr("[]:\\", *p))
            *to++ = '\\';
        *to++ = *p;
    }
    *to++ = ']';
    *to = '\0';
    if (a->type != ARG_FLAG)
        snprintf(to, 40, ":%.20s:_files", a->value);
    fputs("            ", stdout);
    print_quoted(spec);
    fputs(" \\\n", stdout);
    if (a->letter) {
        printf("            '-%c%s[--%s]%s' \\\n", a->letter, a->type == ARG_FLAG ? "" : "+", a->name,
               a->type == ARG_FLAG ? "" : ":value:_files");
    }
}

static void print_zsh(void)
{
    const command *c;
    fputs("#compdef pare\n"
          "# zsh completion for pare, written by `pare completions zsh`.\n"
          "_pare()\n"
          "{\n"
          "    local -a commands=(\n", stdout);
    for (int i = 0; (c = commands_get(i)) != NULL; i++) {
        char line[200];
        snprintf(line, sizeof line, "%s:%s", c->name, c->help);
        fputs("        ", stdout);
        print_quoted(line);
        putchar('\n');
    }
    fputs("    )\n"
          "    if (( CURRENT == 2 )) || [[ $words[2] == help ]]; then\n"
          "        _describe command commands\n"
          "        return\n"
          "    fi\n"
          "    local command=$words[2]\n"
          "    shift words\n"
          "    (( CURRENT-- ))\n"
          "    case $command in\n", stdout);
    for (int i = 0; (c = commands_get(i)) != NULL; i++) {
        printf("        %s) _arguments -s \\\n", c->name);
        for_options(c, zsh_option);
        fputs("            '*:file:_files' ;;\n", stdout);
    }
    fputs("    esac\n"
          "}\n"
          "_pare \"$@\"\n", stdout);
}

// ---- fish

static void fish_option(const command *c, const arg *a)
{
    printf("complete -c pare -n '__fish_seen_subcommand_from %s' -l %s", c->name, a->name);
    if (a->letter)
        printf(" -s %c", a->letter);
    fputs(a->type == ARG_FLAG ? " -d " : " -r -F -d ", stdout);
    print_quoted(a->help);
    putchar('\n');
}

static void print_fish(void)
{
    const command *c;
    puts("# fish completion for pare, written by `pare completions fish`.");
    puts("complete -c pare -n __fish_use_subcommand -f -l version -d 'print the version'");
    puts("complete -c pare -n __fish_use_subcommand -f -a help -d 'list the options of a command'");
    for (int i = 0; (c = commands_get(i)) != NULL; i++) {
        printf("complete -c pare -n __fish_use_subcommand -f -a %s -d ", c->name);
        print_quoted(c->help);
        putchar('\n');
        printf("complete -c pare -n '__fish_seen_subcommand_from help' -f -a %s\n", c->name);
        for_options(c, fish_option);
    }
}

static vkc_status run(const void *options, const args_words *words)
{
    static const struct { const char *shell; void (*print)(void); } shells[] = {
        { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish },
    };
    (void) options;
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(words->word[0], shells[i].shell) == 0) {
            shells[i].print();
            return app_flush();
        }
    return VKC_FAIL(VKC_E_ARG, "completions: no shell %.40s; want bash, zsh or fish", words->word[0]);
}

static const arg table[] = { { 0 } };
static const completions_args defaults = { 0 };
const command cmd_completions = {
    .name = "completions", .help = "print completions of commands and options for a shell",
    .usage = "bash | zsh | fish", .table = table, .defaults = &defaults, .options_size = sizeof defaults,
    .min_words = 1, .max_words = 1, .run = run,
    .about = "For the shell that runs: source <(pare completions bash). `cmake --install` puts all three in place.",
};
