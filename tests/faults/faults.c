// faults.c — one call of pare that fails, of all calls that can: memory, Vulkan, files, threads.
//
// The linker sends the calls of pare's own objects here (--wrap), and Jansson gets its memory here. They are counted:
//   PARE_FAIL_AT=N           the N-th fails, from 0, as the function itself fails;
//   PARE_FAIL_AT=STACK.K     the K-th fails of those with this stack of callers, which threads do not change;
//   PARE_FAIL_LIST=FILE      gets a line for each: number, kind, function, stack, callers as offsets in the program;
//   PARE_FAIL_LOG=FILE       gets that line for the one that failed.
// What libraries and drivers call is not counted. Thread-safe.
#define _GNU_SOURCE                     // fopencookie

#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#define MAX_DEPTH 40

extern const char __executable_start[], etext[];         // the linker's

static atomic_uint_fast64_t n_calls, n_same;
static uint64_t fail_at, fail_stack, fail_same;
static bool is_on, wants_number, wants_stack;
static int list_fd = -1, log_fd = -1;
static FILE *_Atomic bad_stream;                // of which a write failed: ferror() says so

ssize_t __real_write(int fd, const void *bytes, size_t n);
int __real_open(const char *path, int flags, ...);
VkResult __real_vkDeviceWaitIdle(VkDevice device);

// The callers in the program itself, from the nearest on; what lies between them in libraries is left out.
static int find_callers(uintptr_t *out)
{
    void *frame[MAX_DEPTH];
    int n = 0;
    const int depth = backtrace(frame, MAX_DEPTH);
    for (int i = 2; i < depth; i++) {           // not this function and hit()
        const uintptr_t at = (uintptr_t) frame[i], start = (uintptr_t) __executable_start;
        if (at >= start && at < (uintptr_t) etext)
            out[n++] = at - start;
    }
    return n;
}

static uint64_t hash(const char *name, const uintptr_t *at, int n)
{
    uint64_t h = 14695981039346656037u;
    for (; *name; name++)
        h = (h ^ (unsigned char) *name) * 1099511628211u;
    for (int i = 0; i < n; i++)
        h = (h ^ at[i]) * 1099511628211u;
    return h;
}

// One write, so that threads do not mix their lines.
static void write_line(int fd, uint64_t number, const char *kind, const char *name, uint64_t stack,
                       const uintptr_t *at, int n)
{
    char line[160 + MAX_DEPTH * 20];
    int len = snprintf(line, sizeof line, "%" PRIu64 "\t%s\t%s\t%016" PRIx64 "\t", number, kind, name, stack);
    for (int i = 0; i < n; i++)
        len += snprintf(line + len, sizeof line - (size_t) len, "%s%" PRIxPTR, i ? " " : "", at[i]);
    line[len] = '\n';
    if (__real_write(fd, line, (size_t) len + 1) != len + 1)
        abort();
}

// Whether this call is to fail.
static bool hit(const char *kind, const char *name)
{
    if (!is_on)
        return false;
    const int before = errno;
    const uint64_t number = atomic_fetch_add(&n_calls, 1);
    bool fails = wants_number && number == fail_at;
    if (list_fd >= 0 || wants_stack || fails) {
        uintptr_t at[MAX_DEPTH];
        const int n = find_callers(at);
        const uint64_t stack = hash(name, at, n);
        if (wants_stack && stack == fail_stack)
            fails = atomic_fetch_add(&n_same, 1) == fail_same;
        if (list_fd >= 0)
            write_line(list_fd, number, kind, name, stack, at, n);
        if (fails && log_fd >= 0)
            write_line(log_fd, number, kind, name, stack, at, n);
    }
    errno = before;
    return fails;
}

static int fail_with(int error)
{
    errno = error;
    return -1;
}

static void *fail_null(int error)
{
    errno = error;
    return NULL;
}

// Not standard error, and not a text in memory: what that needs is counted by itself.
static bool can_fail(FILE *f)
{
    return f != stderr && (!f || fileno(f) >= 0);
}

static void fail_stream(FILE *f)
{
    errno = ENOSPC;
    bad_stream = f;
}

#define FAULT(kind, type, name, params, args, failed) \
    type __real_##name params;                        \
    type __wrap_##name params;                        \
    type __wrap_##name params                         \
    {                                                 \
        return hit(#kind, #name) ? (failed) : __real_##name args; \
    }
#define FAULT_CREATE(name, info, object, failed)                                                            \
    FAULT(device, VkResult, name, (VkDevice a, const info *b, const VkAllocationCallbacks *c, object *d), \
          (a, b, c, d), failed)
#define FAULT_STREAM(stream, type, name, params, args, failed) \
    type __real_##name params;                                 \
    type __wrap_##name params;                                 \
    type __wrap_##name params                                  \
    {                                                          \
        if (!can_fail(stream) || !hit("write", #name))         \
            return __real_##name args;                         \
        fail_stream(stream);                                   \
        return failed;                                         \
    }
#define FAULT_OWN(name)
#include "tests/faults/calls.def"

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    const unsigned mode = flags & O_CREAT ? va_arg(ap, unsigned) : 0;
    va_end(ap);
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (hit(writes ? "write" : "read", "open"))
        return fail_with(writes ? ENOSPC : EMFILE);
    return __real_open(path, flags, mode);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    const int flags = fcntl(fd, F_GETFL), done = __real_close(fd);      // it is closed, but late writes failed
    return flags != -1 && (flags & O_ACCMODE) != O_RDONLY && hit("write", "close") ? fail_with(EIO) : done;
}

int __real_fclose(FILE *f);
int __wrap_fclose(FILE *f);
int __wrap_fclose(FILE *f)
{
    const int fd = fileno(f), flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1, done = __real_fclose(f);
    FILE *was = f;
    atomic_compare_exchange_strong(&bad_stream, &was, NULL);
    return flags != -1 && (flags & O_ACCMODE) != O_RDONLY && hit("write", "fclose") ? fail_with(EIO) : done;
}

int __real_ferror(FILE *f);
int __wrap_ferror(FILE *f);
int __wrap_ferror(FILE *f)
{
    return bad_stream == f || __real_ferror(f);
}

int __real_vfprintf(FILE *f, const char *fmt, va_list ap);
int __wrap_vfprintf(FILE *f, const char *fmt, va_list ap);
int __wrap_vfprintf(FILE *f, const char *fmt, va_list ap)
{
    if (!can_fail(f) || !hit("write", "vfprintf"))
        return __real_vfprintf(f, fmt, ap);
    fail_stream(f);
    return -1;
}

int __wrap_fprintf(FILE *f, const char *fmt, ...);
int __wrap_fprintf(FILE *f, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = __wrap_vfprintf(f, fmt, ap);
    va_end(ap);
    return n;
}

int __wrap_printf(const char *fmt, ...);
int __wrap_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = __wrap_vfprintf(stdout, fmt, ap);
    va_end(ap);
    return n;
}

// Before main(): what pare does first can fail too.
__attribute__((constructor)) static void start(void)
{
    const char *at = getenv("PARE_FAIL_AT"), *list_path = getenv("PARE_FAIL_LIST"), *log_path = getenv("PARE_FAIL_LOG");
    const char *dot = at ? strchr(at, '.') : NULL;
    if (dot) {
        fail_stack = strtoull(at, NULL, 16);
        fail_same = strtoull(dot + 1, NULL, 10);
        wants_stack = true;
    } else if (at && *at) {
        fail_at = strtoull(at, NULL, 10);
        wants_number = true;
    }
    void *frame[1];
    backtrace(frame, 1);                // loads what it needs, once
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC;
    list_fd = list_path ? __real_open(list_path, flags, 0666) : -1;
    log_fd = log_path ? __real_open(log_path, flags, 0666) : -1;
    json_set_alloc_funcs(__wrap_malloc, free);
    is_on = true;
}
