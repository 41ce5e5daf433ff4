// plot.c — gnuplot as a child process: the script on its standard input, the picture from its standard output.
#include "apps/cli/core/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nn/base/files.h"

extern char **environ;

static int spawn(const char *from, const char *to, pid_t *child)
{
    char program[] = "gnuplot", plain[] = "-d";
    char *const argv[] = { program, plain, NULL };
    posix_spawn_file_actions_t actions;
    int e = posix_spawn_file_actions_init(&actions);
    if (e != 0)
        return e;
    e = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, from, O_RDONLY, 0);
    if (e == 0)
        e = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (e == 0)
        e = posix_spawnp(child, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return e;
}

vkc_status plot_run(const char *from, const char *to, bool *is_there)
{
    char part[NN_PATH_MAX];
    pid_t child = 0;
    int code = 0, n = snprintf(part, sizeof part, "%s.part", to);
    *is_there = true;
    if (!nn_is_file(from))
        return VKC_FAIL(VKC_E_IO, "no script %s to plot", from);
    if (n < 0 || (size_t) n >= sizeof part)
        return VKC_FAIL(VKC_E_IO, "the path %.60s... is too long", to);
    int e = spawn(from, part, &child);
    if (e == ENOENT || e == ENOTDIR) {      // nowhere in PATH, whose entries may be no folders
        *is_there = false;
        unlink(part);
        return VKC_OK;
    }
    if (e != 0)
        return VKC_FAIL(VKC_E_IO, "cannot run gnuplot: %s", nn_reason(e));
    while (waitpid(child, &code, 0) < 0)
        if (errno != EINTR)
            return VKC_FAIL(VKC_E_IO, "cannot wait for gnuplot: %s", nn_reason(errno));
    if (!WIFEXITED(code) || WEXITSTATUS(code) != 0) {
        unlink(part);
        return VKC_FAIL(VKC_E_IO, "gnuplot did not draw %s", from);
    }
    if (rename(part, to) != 0)
        return VKC_FAIL(VKC_E_IO, "cannot write %s: %s", to, nn_reason(errno));
    return VKC_OK;
}

void plot_text_write(FILE *f, const char *text)
{
    for (; *text; text++) {
        bool is_plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                        (*text >= '0' && *text <= '9') || strchr(" .,:;=+-_/()", *text) != NULL;
        fputc(is_plain ? *text : ' ', f);
    }
}
