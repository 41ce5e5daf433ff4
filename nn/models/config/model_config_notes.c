// model_config_notes.c — sentences about how a model folder was read, collected in its config.
#include "nn/models/config/model_config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NOTE 2048

static bool is_there(const char *notes, const char *text, size_t len)
{
    for (const char *at = notes; at && *at; at = strchr(at, '\n') + 1)
        if (strncmp(at, text, len) == 0)        // its end is part of the text
            return true;
    return false;
}

void nn_model_config_note(nn_model_config *c, const char *fmt, ...)
{
    char text[MAX_NOTE + 1];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, MAX_NOTE, fmt, ap);
    va_end(ap);
    for (unsigned char *p = (unsigned char *) text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
    strcat(text, "\n");
    const size_t len = strlen(text), old = c->notes ? strlen(c->notes) : 0;
    if (is_there(c->notes, text, len))
        return;
    char *grown = (char *) realloc(c->notes, old + len + 1);
    if (!grown)
        return;
    memcpy(grown + old, text, len + 1);
    c->notes = grown;
}

bool nn_model_config_next_note(const char **at, char *line, size_t size)
{
    const char *end = *at ? strchr(*at, '\n') : NULL;
    if (!end)
        return false;
    snprintf(line, size, "%.*s", (int) (end - *at), *at);
    *at = end + 1;
    return true;
}
