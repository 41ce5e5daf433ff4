// card.c — the README.md of a model folder.
#include "pipeline/run/card.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

static const char *get(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "?";
}

static void print_layers(FILE *f, const nn_model_config *c)
{
    for (uint32_t l = 0; l < c->depth;) {
        uint32_t end = l;
        while (end < c->depth && memcmp(&c->layers[end], &c->layers[l], sizeof c->layers[l]) == 0)
            end++;
        fprintf(f, "%s%s%s%s in layer", l ? "; " : "", c->layers[l].mixer, c->layers[l].options[0] ? ":" : "",
                c->layers[l].options);
        if (end == l + 1)
            fprintf(f, " %u", l);
        else
            fprintf(f, "s %u to %u", l, end - 1);
        l = end;
    }
}

static void print_figures(FILE *f, const char *split, const nn_eval_result *r)
{
    if (r && r->images > 0)
        fprintf(f, "| %s | %.2f %% | %.2f %% | %.4f | %u |\n", split, 100.0 * r->top1, 100.0 * r->top5, r->loss,
                r->images);
}

static void print_kind(FILE *f, const nn_model_config *m)
{
    if (m->type == NN_MODEL_CAUSAL)
        fprintf(f, "A causal language model of %u tokens: texts of %u at most", m->vocab, m->context);
    else if (m->type == NN_MODEL_SEQUENCE)
        fprintf(f, "A classifier of sequences for %u classes: %u tokens at most of a vocabulary of %u", m->classes,
                m->context, m->vocab);
    else
        fprintf(f, "A vision transformer for %u classes: pictures of %u x %u in patches of %u", m->classes, m->width,
                m->height, m->patch);
}

static void print(FILE *f, const pipeline_card *c)
{
    static const char *const tags[][2] = {
        [NN_MODEL_VIT] = { "image-classification", "vision-transformer" },
        [NN_MODEL_SEQUENCE] = { "text-classification", "transformer" },
        [NN_MODEL_CAUSAL] = { "text-generation", "causal-lm" },
    };
    const nn_model_config *m = c->cfg;
    size_t end = strlen(c->dir), start;
    while (end > 1 && c->dir[end - 1] == '/')
        end--;
    for (start = end; start > 0 && c->dir[start - 1] != '/'; start--) { }
    fprintf(f, "---\ntags:\n- %s\n- pare\n- %s\nlibrary_name: pare\npipeline_tag: %s\n---\n\n", tags[m->type][0],
            tags[m->type][1], tags[m->type][0]);
    fprintf(f, "# Model card for %.*s\n\n", (int) (end - start), c->dir + start);
    print_kind(f, m);
    fprintf(f, ", width %u, depth %u,\n%u heads, %" PRIu64 " parameters. Token mixers: ", m->dim, m->depth, m->heads,
            c->params);
    print_layers(f, m);
    fputs(".\n\n", f);
    if (m->labels) {
        fputs("Classes: ", f);
        for (uint32_t i = 0; i < m->classes; i++)
            fprintf(f, "%s%s", i ? ", " : "", m->labels[i]);
        fputs(".\n\n", f);
    }
    if (c->val || c->test) {
        fputs("## Figures\n\n| split | top-1 | top-5 | loss | pictures |\n|---|---|---|---|---|\n", f);
        print_figures(f, "val", c->val);
        print_figures(f, "test", c->test);
    }
    if (c->data)
        fprintf(f, "\nData: `%s`.\n", c->data);
    if (c->more)
        fprintf(f, "\n%s", c->more);
    fputs("\n## How it was made\n\n", f);
    if (json_object_get(c->provenance, "command"))
        fprintf(f, "```sh\n%s\n```\n\n", get(c->provenance, "command"));
    fprintf(f, "Seed %" JSON_INTEGER_FORMAT "; %s; driver %s; ",
            json_integer_value(json_object_get(c->provenance, "seed")), get(c->provenance, "device"),
            get(c->provenance, "driver"));
    if (c->seconds > 0)
        fprintf(f, "%.0f seconds; ", c->seconds);
    fprintf(f, "%s; pare %s %s.\n", get(c->provenance, "date"), get(c->provenance, "version"),
            get(c->provenance, "commit"));
}

char *pipeline_card_build(const pipeline_card *c)
{
    char *text = NULL;
    pipeline_text t;
    if (pipeline_text_open(&t) != VKC_OK)
        return NULL;
    print(t.f, c);
    return pipeline_text_close(&t, &text, NULL) == VKC_OK ? text : NULL;
}
