// lock.c — flock on a file that comes and goes.
#include "nn/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/base/files.h"

#define MAX_TRIES 100               // to open a file that another process takes away just then

struct nn_lock {
    int  fd;
    bool is_made;                   // the folder is ours to take away
    char folder[NN_PATH_MAX], path[NN_PATH_MAX];
};

// Locked, and still the file of that name? Its last owner may have taken it away after it was opened here.
static vkc_status try_once(nn_lock *l, bool *done)
{
    struct stat mine, there;
    *done = true;
    l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (l->fd < 0)
        return VKC_FAIL(VKC_E_IO, "cannot write %s: %s", l->folder, nn_reason(errno));
    while (flock(l->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return VKC_FAIL(VKC_E_IO, "%s is being written by another run; wait for its end or choose another folder",
                            l->folder);
        if (errno != EINTR)
            return VKC_OK;          // no locks on this file system
    }
    if (fstat(l->fd, &mine) == 0 && stat(l->path, &there) == 0 && mine.st_ino == there.st_ino &&
        mine.st_dev == there.st_dev)
        return VKC_OK;
    close(l->fd);
    l->fd = -1;
    *done = false;
    return VKC_OK;
}

vkc_status nn_lock_create(const char *folder, nn_lock **out)
{
    vkc_status st;
    bool done = false;
    nn_lock *l = (nn_lock *) calloc(1, sizeof *l);
    if (!l)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to lock %s", folder);
    l->fd = -1;
    VKC_TRY(nn_path_build(l->path, folder, NN_LOCK_NAME));
    memcpy(l->folder, folder, strlen(folder) + 1);
    l->is_made = !nn_is_folder(folder);
    for (int i = 0; i < MAX_TRIES && !done; i++) {
        VKC_TRY(nn_folder_create(folder));
        VKC_TRY(try_once(l, &done));
    }
    if (!done) {
        st = VKC_FAIL(VKC_E_IO, "%s is being written by others", folder);
        goto done;
    }
    *out = l;
    l = NULL;
done:
    if (l && l->fd >= 0)
        close(l->fd);               // whose file is another's: it stays
    free(l);
    return st;
}

void nn_lock_destroy(nn_lock *l, bool keep)
{
    if (!l)
        return;
    if (!keep) {
        unlink(l->path);
        if (l->is_made)
            rmdir(l->folder);       // which fails unless it is empty
    }
    close(l->fd);
    free(l);
}
