// provenance.c — where a result comes from.
#include "pipeline/run/provenance.h"

#include <stdio.h>
#include <time.h>

#include "pipeline/base/version.h"

void pipeline_date(char out[32])
{
    time_t t = time(NULL);
    struct tm tm;
    if (!gmtime_r(&t, &tm) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
}

json_t *pipeline_provenance(const pipeline_context *c, uint64_t seed)
{
    const vkc_device_info *i = vkc_device_get_info(c->dev);
    char date[32], driver[520];
    pipeline_date(date);
    snprintf(driver, sizeof driver, "%s %s", i->driver, i->driver_info);
    return json_pack("{s:s*, s:I, s:s, s:s, s:s, s:s, s:s}", "command", c->command, "seed", (json_int_t) seed, "device",
                     i->name, "driver", driver, "version", pipeline_version, "commit", pipeline_commit, "date", date);
}
