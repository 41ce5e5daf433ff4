// context.c — messages and progress passed to the caller of a pipeline.
#include "pipeline/base/context.h"

#include "vk/status.h"

#include <stdarg.h>
#include <stdio.h>

#define MAX_SENTENCE 4096

void pipeline_say(const pipeline_context *c, pipeline_notice kind, const char *fmt, ...)
{
    char sentence[MAX_SENTENCE];
    if (!c->notify)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, ap);
    va_end(ap);
    c->notify(c->user, kind, sentence);
}

void pipeline_say_failure(const pipeline_context *c)
{
    pipeline_say(c, PIPELINE_FAILURE, "%s", vkc_last_error());
}

const char *pipeline_dash(const pipeline_context *c)
{
    return c->dash ? c->dash : "";
}

bool pipeline_tell(const pipeline_context *c, const nn_progress *p)
{
    return !c->progress || c->progress(c->user, p);
}

bool pipeline_ask(void *context, const nn_progress *p)
{
    (void) p;
    return pipeline_tell(context, &(nn_progress) { .what = "", .unit = "", .note = "", .left = -1.0 });
}
