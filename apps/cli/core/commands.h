// commands.h — all commands, the options that they share, and how a command line is divided between them.
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "apps/cli/core/app.h"

const command *commands_get(int i);     // NULL behind the last
vkc_status     commands_find(const char *name, const command **out);    // E_ARG names the closest

// The option tables of a command, its own first, then the shared ones that it uses; a NULL ends them. c = NULL: all
// shared ones.
void commands_tables(const command *c, const arg *tables[ARGS_MAX_TABLES + 1]);

// Options may stand before the command: words is argv without the program's name. Moves the command's name to the
// front, behind it what stood before it. Stays as it is where there is no command.
void commands_bring_forward(int n, char **words);

// What --help shows: of the program; of a command.
void commands_print_help(FILE *f);
void commands_print_help_of(const command *c);
void commands_print_version(void);

#endif
