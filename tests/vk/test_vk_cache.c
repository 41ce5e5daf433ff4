// test_vk_cache.c — the pipeline cache on disk: written once, read back, and whatever is wrong with it left out.
#include "tests/vk/vk_test.h"
#include "tests/vk/vk_add.h"
#include "vk/cache.h"
#include "vk/compile/compile.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[200];      // a folder of this run's own

// ---- files

static unsigned char *load(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    unsigned char *data = malloc(1 << 24);
    assert_non_null(data);
    *n = fread(data, 1, 1 << 24, f);
    fclose(f);
    return data;
}

static void save(const char *path, const unsigned char *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static int count_files(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;
    if (!d)
        return 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void remove_tree(const char *folder)
{
    DIR *d = opendir(folder);
    char path[600];
    if (d) {
        for (struct dirent *e = readdir(d); e; e = readdir(d))
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
                snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
                if (unlink(path) != 0)
                    remove_tree(path);
            }
        closedir(d);
    }
    rmdir(folder);
}

static const char *in_root(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

// ---- the device

static vkc_device *open_with(const char *dir)
{
    vkc_device *dev;
    assert_ok(vkc_device_create(&(vkc_device_params) { .log = test_log, .cache_dir = dir }, &dev));
    return dev;
}

static void close_clean(vkc_device *dev)
{
    assert_int_equal(vkc_device_validation_count(dev), 0);
    vkc_device_destroy(dev);
}

static void compile_and_run(vkc_device *dev)
{
    vkc_buffer *x = make_words(dev, 64, 0x3f800000), *y = make_words(dev, 64, 0), *idle = make_words(dev, 16, 0);
    vkc_recording *rec;
    assert_ok(vkc_recording_create(dev, NULL, &rec));
    record_add(rec, get_add(dev), vkc_slice_of(y), vkc_slice_of(x), vkc_slice_of(x), idle);
    assert_ok(vkc_recording_finish(rec));
    replay(dev, rec);
    assert_floats(dev, vkc_slice_of(y), 2);
    vkc_recording_destroy(rec);
    vkc_buffer_destroy(x);
    vkc_buffer_destroy(y);
    vkc_buffer_destroy(idle);
}

// ---- tests

static void written_once(void **state)
{
    (void) state;
    char folder[400], path[400];
    snprintf(folder, sizeof folder, "%s", in_root("a/b/c"));
    vkc_device *dev = open_with(folder);        // the folders are made when there is something to write
    snprintf(path, sizeof path, "%s", dev->cache_path);
    close_clean(dev);
    assert_int_equal(count_files(folder), 0);

    dev = open_with(folder);
    compile_and_run(dev);
    close_clean(dev);
    struct stat first, second;
    assert_int_equal(stat(path, &first), 0);
    assert_int_equal(count_files(folder), 1);

    dev = open_with(folder);
    assert_true(dev->cache_sum != 0);
    compile_and_run(dev);
    close_clean(dev);
    assert_int_equal(stat(path, &second), 0);
    assert_int_equal(count_files(folder), 1);
    // Had the same kernels compiled to the same bytes, there was nothing to write.
    if (first.st_size == second.st_size)
        assert_int_equal(first.st_ino, second.st_ino);
}

static bool taken(vkc_device *dev, const char *folder)
{
    vkc__cache_close(dev);
    dev->cache_sum = 0;
    assert_ok(vkc__cache_open(dev, folder));
    return dev->cache_sum != 0;
}

// Every byte of the header, some of the rest, every length: the file is left out and left alone.
static void damaged(void **state)
{
    (void) state;
    char folder[300], path[400];
    snprintf(folder, sizeof folder, "%s", in_root("damaged"));
    vkc_device *dev = open_with(folder);
    snprintf(path, sizeof path, "%s", dev->cache_path);
    compile_and_run(dev);
    close_clean(dev);

    size_t n = 0, n_now = 0;
    unsigned char *good = load(path, &n);
    assert_non_null(good);
    assert_true(n > 56);
    dev = open_with(folder);
    dev->cache_dirty = false;
    assert_true(taken(dev, folder));
    for (size_t at = 0; at < n; at += at < 100 ? 1 : 1 + n / 20) {
        good[at] ^= 0x10;
        save(path, good, n);
        assert_false(taken(dev, folder));
        good[at] ^= 0x10;
    }
    for (size_t len = 0; len < n; len += len < 100 ? 1 : 1 + n / 20) {
        save(path, good, len);
        assert_false(taken(dev, folder));
    }
    good[n] = 0;
    save(path, good, n + 1);            // a byte too many
    assert_false(taken(dev, folder));
    memset(good + 40, 0xff, 8);         // a size that no memory holds
    save(path, good, n);
    assert_false(taken(dev, folder));
    unsigned char *now = load(path, &n_now);
    assert_int_equal(n_now, n);
    assert_memory_equal(now, good, n);
    free(now);
    close_clean(dev);

    // A run that compiles puts a good one in its place.
    dev = open_with(folder);
    compile_and_run(dev);
    close_clean(dev);
    dev = open_with(folder);
    assert_true(dev->cache_sum != 0);
    close_clean(dev);
    assert_int_equal(count_files(folder), 1);
    free(good);
}

static void no_place_to_write(void **state)
{
    (void) state;
    const unsigned char text[] = "not a folder";
    char path[300], folder[300];
    snprintf(path, sizeof path, "%s", in_root("file"));
    save(path, text, sizeof text);
    snprintf(folder, sizeof folder, "%s", in_root("file/below"));
    for (int i = 0; i < 2; i++) {
        vkc_device *dev = open_with(i ? folder : path);
        compile_and_run(dev);
        close_clean(dev);
    }
    size_t n = 0;
    unsigned char *now = load(path, &n);
    assert_int_equal(n, sizeof text);
    assert_memory_equal(now, text, n);
    free(now);

    // A folder where the file should be.
    snprintf(folder, sizeof folder, "%s", in_root("blocked"));
    vkc_device *dev = open_with(folder);
    char *taken_path = strdup(dev->cache_path);
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(mkdir(taken_path, 0777), 0);
    compile_and_run(dev);
    close_clean(dev);
    assert_int_equal(count_files(folder), 1);       // nothing half-written stays
    free(taken_path);
}

// The environment's two variables: put away, and put back.
static void take_env(char *was[2])
{
    static const char *const names[] = { "XDG_CACHE_HOME", "HOME" };
    for (int i = 0; i < 2; i++)
        was[i] = getenv(names[i]) ? strdup(getenv(names[i])) : NULL;
}

static void put_env(char *was[2])
{
    static const char *const names[] = { "XDG_CACHE_HOME", "HOME" };
    for (int i = 0; i < 2; i++) {
        if (was[i])
            setenv(names[i], was[i], 1);
        else
            unsetenv(names[i]);
        free(was[i]);
    }
}

static void where_it_lies(void **state)
{
    (void) state;
    char want[400], *was[2];
    take_env(was);
    assert_int_equal(mkdir(in_root("home"), 0777), 0);
    vkc_device *dev = open_with("");
    assert_null(dev->cache_path);
    vkc__cache_close(dev);

    setenv("XDG_CACHE_HOME", in_root("xdg"), 1);
    setenv("HOME", in_root("home"), 1);
    assert_ok(vkc__cache_open(dev, NULL));
    snprintf(want, sizeof want, "%s/xdg/pare/pipelines-", root);
    assert_memory_equal(dev->cache_path, want, strlen(want));
    vkc__cache_close(dev);

    setenv("XDG_CACHE_HOME", "relative", 1);
    assert_ok(vkc__cache_open(dev, NULL));
    snprintf(want, sizeof want, "%s/home/.cache/pare/pipelines-", root);
    assert_memory_equal(dev->cache_path, want, strlen(want));
    vkc__cache_close(dev);

    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    assert_ok(vkc__cache_open(dev, NULL));
    assert_null(dev->cache_path);
    compile_and_run(dev);
    close_clean(dev);
    put_env(was);
}

// A user's folder that is not there is not made, and there is no cache; below one that is, what is missing is made.
static void users_folders_are_not_made(void **state)
{
    (void) state;
    static const struct { const char *xdg, *home, *missing, *folder; } rows[] = {
        { NULL, "gone", "gone", NULL },                         // an account without a home
        { NULL, "gone/deeper", "gone", NULL },
        { "gone/cache", "here", "gone", NULL },                 // a disk that is not mounted
        { "gone/cache///", "here", "gone", NULL },
        { NULL, "text", "text/.cache", NULL },                  // a file
        { NULL, "here", "gone", "here/.cache/pare" },
        { "here/xdg", "gone", "gone", "here/xdg/pare" },        // which its specification wants made
        { "here/more//", "gone", "gone", "here/more/pare" },
        { "here", "gone", "gone", "here/pare" },
    };
    char *was[2], path[300];
    take_env(was);
    assert_int_equal(mkdir(in_root("here"), 0777), 0);
    save(in_root("text"), (const unsigned char *) "", 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].xdg)
            setenv("XDG_CACHE_HOME", in_root(rows[i].xdg), 1);
        else
            unsetenv("XDG_CACHE_HOME");
        setenv("HOME", in_root(rows[i].home), 1);
        vkc_device *dev = open_with(NULL);
        assert_int_equal(dev->cache_path != NULL, rows[i].folder != NULL);
        compile_and_run(dev);
        close_clean(dev);
        assert_int_not_equal(access(in_root(rows[i].missing), F_OK), 0);
        snprintf(path, sizeof path, "%s", in_root(rows[i].folder ? rows[i].folder : "here"));
        assert_int_equal(count_files(path), rows[i].folder ? 1 : 0);
    }
    put_env(was);
}

// ---- several processes

enum { PROCESSES = 3 };

static int child(const char *folder)
{
    test_keep_loaded();
    for (int i = 0; i < 2; i++) {
        vkc_device *dev;
        const vkc_kernel *k;
        vkc_status st = vkc_device_create(&(vkc_device_params) { .cache_dir = folder }, &dev);
        if (st != VKC_OK)
            return st == VKC_E_NODEVICE ? 77 : 1;
        dev->cache_sum = 0;         // always writes
        if (vkc_kernel_get(dev, &(vkc_kernel_params) { .shader = &vkc_shader_add_fwd, .args_size = 8 }, &k) != VKC_OK ||
            vkc__compile_wait(dev, (vkc_kernel *[]) { (vkc_kernel *) k }, 1) != VKC_OK)
            return 1;
        vkc_device_destroy(dev);
    }
    return 0;
}

// Must run before this process starts Vulkan. 77 = no device, 0 = all went well.
static int several_processes(void)
{
    pid_t pid[PROCESSES];
    int worst = 0;
    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = fork();
        if (pid[i] == 0)
            _exit(child(in_root("shared")));
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;
        if (pid[i] < 0 || waitpid(pid[i], &status, 0) != pid[i] || !WIFEXITED(status))
            worst = 1;
        else if (WEXITSTATUS(status) && worst != 1)
            worst = WEXITSTATUS(status);
    }
    return worst;
}

static void several_processes_leave_one_good_file(void **state)
{
    (void) state;
    assert_int_equal(count_files(in_root("shared")), 1);
    vkc_device *dev = open_with(in_root("shared"));
    assert_true(dev->cache_sum != 0);
    close_clean(dev);
}

int main(void)
{
    const char *temp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/pare-cache-XXXXXX", temp && strlen(temp) < 100 ? temp : "/tmp");
    if (!mkdtemp(root))
        return 1;
    int rc = several_processes();
    if (rc == 77 && !getenv("PARE_REQUIRE_DEVICE")) {
        remove_tree(root);
        return 77;
    }
    test_keep_loaded();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_processes_leave_one_good_file),
        cmocka_unit_test(written_once),
        cmocka_unit_test(damaged),
        cmocka_unit_test(no_place_to_write),
        cmocka_unit_test(where_it_lies),
        cmocka_unit_test(users_folders_are_not_made),
    };
    rc |= cmocka_run_group_tests(tests, NULL, NULL);
    remove_tree(root);
    return rc;
}
