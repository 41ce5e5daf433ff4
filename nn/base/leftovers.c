// leftovers.c — a few paths, in memory that a handler of signals can read.
#include "nn/base/leftovers.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "nn/base/files.h"

#define N_PLACES 24

enum { FREE, FILLING, KEPT };

static struct { atomic_int state; char path[NN_PATH_MAX]; } places[N_PLACES];

int nn_leftover_add(const char *path)
{
    const size_t len = strlen(path);
    for (int i = 0; i < N_PLACES && len < NN_PATH_MAX; i++) {
        int was = FREE;
        if (!atomic_compare_exchange_strong(&places[i].state, &was, FILLING))
            continue;
        memcpy(places[i].path, path, len + 1);
        atomic_store(&places[i].state, KEPT);
        return i;
    }
    return -1;
}

void nn_leftover_drop(int place)
{
    if (place >= 0 && place < N_PLACES)
        atomic_store(&places[place].state, FREE);
}

void nn_leftovers_remove(void)
{
    for (int i = 0; i < N_PLACES; i++)
        if (atomic_load(&places[i].state) == KEPT)
            unlink(places[i].path);
    for (int i = 0; i < N_PLACES; i++)          // which are empty now
        if (atomic_load(&places[i].state) == KEPT)
            rmdir(places[i].path);
}
