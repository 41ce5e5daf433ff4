// cache.c — the pipeline cache on disk.
//
// One file a vendor, device and driver. It begins with our own header, which must match in every
// field before the driver sees a byte: drivers have crashed on a foreign or damaged cache. The file
// is written beside and renamed, so another process finds the old one or the new one.
#include "vk/cache.h"
#include "vk/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION 1
#define MAX_SIZE ((size_t) 256 << 20)

typedef struct header {
    char     magic[8];
    uint32_t version, vendor, device, driver;
    uint8_t  uuid[VK_UUID_SIZE];    // pipelineCacheUUID: changes with the driver's compiler
    uint64_t size, checksum;        // of what follows
} header;
_Static_assert(sizeof(header) == 56, "the header must have no padding");

static uint64_t checksum(const void *data, size_t size)     // FNV-1a
{
    const unsigned char *p = data;
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

static header make_header(const vkc_device *dev, const void *data, size_t size)
{
    VkPhysicalDeviceProperties p;
    vkGetPhysicalDeviceProperties(dev->physical, &p);
    header h = {
        .magic = "pareVkP",
        .version = VERSION, .vendor = p.vendorID, .device = p.deviceID, .driver = p.driverVersion,
        .size = size, .checksum = checksum(data, size),
    };
    memcpy(h.uuid, p.pipelineCacheUUID, sizeof h.uuid);
    return h;
}

// ---- where it lies

static char *join(const char *a, const char *b)
{
    size_t n = strlen(a) + strlen(b) + 1;
    char *s = malloc(n);
    if (s)
        snprintf(s, n, "%s%s", a, b);
    return s;
}

// Is the folder of the first `len` bytes of a path there?
static bool is_folder(const char *path, size_t len)
{
    struct stat sb;
    char *folder = strndup(path, len);
    bool is = folder && stat(folder, &sb) == 0 && S_ISDIR(sb.st_mode);
    free(folder);
    return is;
}

// Where the last folder of a path begins: behind the slash, which the root has alone.
static size_t find_last(const char *path)
{
    size_t at = strlen(path);
    while (at > 1 && path[at - 1] == '/')
        at--;
    while (at > 1 && path[at - 1] != '/')
        at--;
    return at;
}

// NULL = none: switched off, out of memory, or the user's folder is not there. Such a folder is never made, for its
// absence may be meant (an account without a home, a disk not mounted); $XDG_CACHE_HOME itself is, as its
// specification wants, but nothing above it.
// The first *there bytes are a folder that exists.
static char *find_path(const vkc_device *dev, const char *dir, size_t *there)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char name[80], *folder = NULL;
    *there = 0;
    if (dir) {
        folder = *dir ? join(dir, "") : NULL;
    } else if (xdg && *xdg == '/') {    // a relative one is to be ignored, says its specification
        *there = find_last(xdg);
        folder = is_folder(xdg, *there) ? join(xdg, "/pare") : NULL;
    } else if (home && *home) {
        *there = strlen(home);
        folder = is_folder(home, *there) ? join(home, "/.cache/pare") : NULL;
    }
    if (!folder)
        return NULL;
    snprintf(name, sizeof name, "/pipelines-%04x-%04x-%016llx.bin", dev->info.vendor_id, dev->info.device_id,
             (unsigned long long) checksum(dev->info.driver, strlen(dev->info.driver)));
    char *path = join(folder, name);
    free(folder);
    return path;
}

// Every folder above the file, as far as missing, behind the first `there` bytes.
static bool make_folders(char *path, size_t there)
{
    for (char *slash = strchr(path + (there ? there : 1), '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool ok = mkdir(path, 0777) == 0 || errno == EEXIST;
        *slash = '/';
        if (!ok)
            return false;
    }
    return true;
}

// ---- reading and writing

// The driver's part of the file in new memory, or NULL when anything at all is odd.
static void *read_file(const vkc_device *dev, const char *path, size_t *size)
{
    header h;
    void *data = NULL;
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    bool good = fread(&h, sizeof h, 1, f) == 1 && h.size > 0 && h.size <= MAX_SIZE;
    if (good)
        data = malloc((size_t) h.size);
    good = data && fread(data, (size_t) h.size, 1, f) == 1 && fgetc(f) == EOF;
    fclose(f);
    if (good) {
        header want = make_header(dev, data, (size_t) h.size);
        good = memcmp(&h, &want, sizeof h) == 0;
    }
    if (!good) {
        vkc__log_write(&dev->log, VKC_LOG_INFO, "pipeline cache %s does not fit and is left out", path);
        free(data);
        return NULL;
    }
    *size = (size_t) h.size;
    return data;
}

static bool write_file(const vkc_device *dev, char *path, const void *data, size_t size)
{
    header h = make_header(dev, data, size);
    char *temp = join(path, ".XXXXXX");
    int fd = temp && make_folders(path, dev->cache_there) ? mkstemp(temp) : -1;
    FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    bool ok = f && fwrite(&h, sizeof h, 1, f) == 1 && fwrite(data, size, 1, f) == 1;
    if (f)
        ok = fclose(f) == 0 && ok;
    else if (fd >= 0)
        close(fd);
    if (fd >= 0 && (!ok || rename(temp, path) != 0)) {
        unlink(temp);
        ok = false;
    }
    free(temp);
    return ok;
}

vkc_status vkc__cache_open(vkc_device *dev, const char *dir)
{
    size_t size = 0;
    dev->cache_path = find_path(dev, dir, &dev->cache_there);
    void *data = dev->cache_path ? read_file(dev, dev->cache_path, &size) : NULL;
    VkPipelineCacheCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
        .initialDataSize = size,
        .pInitialData = data,
    };
    VkResult res = vkCreatePipelineCache(dev->vk, &info, NULL, &dev->cache);
    if (res == VK_SUCCESS && data)
        dev->cache_sum = checksum(data, size);
    if (res != VK_SUCCESS && data) {    // the driver may refuse it for reasons of its own
        info.initialDataSize = 0;
        info.pInitialData = NULL;
        res = vkCreatePipelineCache(dev->vk, &info, NULL, &dev->cache);
    }
    free(data);
    return vkc__check(dev, res, "making a pipeline cache");
}

static void save(vkc_device *dev)
{
    size_t size = 0;
    void *data = NULL;
    if (vkGetPipelineCacheData(dev->vk, dev->cache, &size, NULL) == VK_SUCCESS && size > 0 && size <= MAX_SIZE)
        data = malloc(size);
    // What was loaded and comes back the same held every kernel of this run.
    if (data && vkGetPipelineCacheData(dev->vk, dev->cache, &size, data) == VK_SUCCESS &&
        checksum(data, size) != dev->cache_sum && !write_file(dev, dev->cache_path, data, size))
        vkc__log_write(&dev->log, VKC_LOG_INFO, "pipeline cache %s could not be written", dev->cache_path);
    free(data);
}

void vkc__cache_close(vkc_device *dev)
{
    if (dev->cache && dev->cache_path && dev->cache_dirty && !dev->lost)
        save(dev);
    vkDestroyPipelineCache(dev->vk, dev->cache, NULL);
    free(dev->cache_path);
    dev->cache = VK_NULL_HANDLE;
    dev->cache_path = NULL;
}
