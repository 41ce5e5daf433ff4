// caption.c — lines under pictures.
#include "apps/cli/commands/caption.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/infer/classify.h"

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void add(nn_lines *out, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(out->text[out->n++], sizeof out->text[0], fmt, args);
    va_end(args);
}

void caption_write(nn_lines *out, const char *path, const char *label, double probability, const char *truth)
{
    const char *slash = strrchr(path, '/');
    *out = (nn_lines) { .n = 0 };
    add(out, "%s", slash && slash[1] ? slash + 1 : path);
    if (label)
        add(out, "%.280s: %.1f %%", label, 100.0 * probability);
    if (truth)
        add(out, "true: %.280s", truth);
}

vkc_status caption_of(nn_lines *out, const nn_model_config *c, const labelled *of, uint32_t i, float *logits)
{
    char path[NN_PATH_MAX];
    nn_top top = { .p = 0.0 };
    const char *const *names = nn_dataset_labels(of->data);
    vkc_status st = nn_dataset_path(of->data, of->split, i, path);
    if (st != VKC_OK)
        return st;
    if (logits)
        nn_top_read(logits, c, 1, &top);
    const char *label = !c->labels && of->is_matched ? names[top.index] : top.label;
    caption_write(out, path, logits ? label : NULL, top.p,
                  of->is_matched || !logits ? names[nn_dataset_label(of->data, of->split, i)] : NULL);
    return VKC_OK;
}
