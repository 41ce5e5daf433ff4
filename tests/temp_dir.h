// temp_dir.h — a folder for one test program: cmocka group set-up and tear-down.
#ifndef TESTS_TEMP_DIR_H
#define TESTS_TEMP_DIR_H

#include <stdio.h>
#include <stdlib.h>

static char dir[] = "/tmp/pare-test-XXXXXX";

static inline int temp_dir_set_up(void **state)
{
    (void) state;
    return mkdtemp(dir) == NULL;
}

static inline int temp_dir_tear_down(void **state)
{
    char line[128];
    (void) state;
    snprintf(line, sizeof line, "rm -rf '%s'", dir);
    return system(line);
}

#endif
