// name_list.c — names for a message, as many as are bearable.
#include "nn/base/name_list.h"

#include <stdio.h>
#include <string.h>

void nn_name_list_add(nn_name_list *l, const char *name)
{
    const size_t at = strlen(l->text);
    if (l->n < NN_NAMES_SHOWN)
        snprintf(l->text + at, sizeof l->text - at, "%s%.92s", l->n ? ", " : "", name);
    l->n++;
}

const char *nn_name_list_end(nn_name_list *l)
{
    const size_t at = strlen(l->text);
    if (l->n > NN_NAMES_SHOWN && !l->is_ended)
        snprintf(l->text + at, sizeof l->text - at, " and %u more", l->n - NN_NAMES_SHOWN);
    l->is_ended = true;
    return l->text;
}
