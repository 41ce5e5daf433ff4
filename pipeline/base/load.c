// load.c — models loaded for a pipeline, and their notes told.
#include "pipeline/base/load.h"

void pipeline_say_notes(const pipeline_context *c, const nn_model_config *cfg)
{
    char line[2048];
    for (const char *at = cfg->notes; nn_model_config_next_note(&at, line, sizeof line);)
        pipeline_say(c, PIPELINE_NOTE, "%s", line);
}

vkc_status pipeline_load_model(const pipeline_context *c, const char *dir, bool trainable, nn_model **out)
{
    const vkc_status st = nn_model_load(c->dev, dir, trainable, out);
    if (st == VKC_OK)
        pipeline_say_notes(c, &(*out)->cfg);
    return st;
}
