// cmd_inspect.c — pare inspect: layers, mixers, parameters, multiply-adds, memory.
#include "apps/cli/core/model.h"
#include "apps/cli/options/policy.h"
#include "nn/base/json.h"
#include "nn/infer/infer.h"
#include "nn/infer/text_eval.h"
#include "nn/models/vit/positions.h"
#include "nn/checkpoint/weights.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct inspect_args {
    common_args common;
    uint32_t batch;
    nn_size img_size;
} inspect_args;

typedef struct sizes {
    uint64_t params, weight_bytes, activation_bytes;
    uint64_t tensors, files, loading_bytes;     // loading_bytes: of the host's memory, while the weights are read
    uint64_t layer[NN_MAX_DEPTH];   // parameters
    nn_faults faults;
    char entry[256], ignored[512];  // of a checkpoint: the dict that is read, and the objects that are passed over
} sizes;

static void count_params(const nn_model *m, sizes *s)
{
    s->params = nn_params_count(m->params);
    for (uint32_t i = 0; i < m->params->n; i++) {
        unsigned l;
        if (sscanf(m->params->p[i].name, "blocks.%u.", &l) == 1 && l < m->cfg.depth)
            s->layer[l] += nn_shape_len(&m->params->p[i].shape);
    }
    for (uint32_t b = 0; b < m->params->n_blocks; b++)
        s->weight_bytes += m->params->block_size[b];
}

static vkc_status count_files(const char *folder, sizes *s)
{
    nn_weights *w = NULL;
    vkc_status st = nn_weights_load(folder, &w);
    if (st == VKC_OK) {
        s->tensors = nn_weights_len(w);
        s->files = nn_weights_n_files(w);
        s->loading_bytes = nn_weights_memory(w);
        const nn_torch_notes *notes = nn_weights_notes(w);
        if (notes != NULL) {
            snprintf(s->entry, sizeof s->entry, "%s", notes->key);
            snprintf(s->ignored, sizeof s->ignored, "%s", notes->ignored);
        }
    }
    nn_weights_destroy(w);
    return st;
}

static json_t *build_notes(const nn_model_config *c)
{
    char line[2048];
    json_t *list = json_array();
    for (const char *at = c->notes; nn_model_config_next_note(&at, line, sizeof line);) {
        json_t *text = json_string(line);
        for (char *p = line; !text && *p; p++)          // a path need not be UTF-8
            *p = (unsigned char) *p < 0x80 ? *p : '?';
        nn_json_append_new(list, text ? text : json_string(line));
    }
    return list;
}

static json_t *build_faults(const nn_faults *f)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < f->tensors && i < NN_FAULTS_SHOWN; i++)
        nn_json_append_new(list, json_pack("{s:s, s:I, s:I}", "name", f->shown[i].name, "values",
                                           (json_int_t) f->shown[i].values, "first",
                                           (json_int_t) f->shown[i].first));
    return json_pack("{s:I, s:i, s:o}", "values", (json_int_t) f->values, "tensors", (int) f->tensors, "first", list);
}

static void print_faults(const nn_faults *f)
{
    if (f->values == 0)
        return;
    printf("values that are not finite: %" PRIu64 " in %u tensor%s; no other command takes the model\n", f->values,
           f->tensors, f->tensors == 1 ? "" : "s");
    for (uint32_t i = 0; i < f->tensors && i < NN_FAULTS_SHOWN; i++)
        printf("  %s: %" PRIu64 ", the first (%s) at index %" PRIu64 "\n", f->shown[i].name, f->shown[i].values,
               f->shown[i].is_nan ? "NaN" : "infinite", f->shown[i].first);
    if (f->tensors > NN_FAULTS_SHOWN)
        printf("  and %u tensors more\n", f->tensors - NN_FAULTS_SHOWN);
}

// Shares of patches that were measured, by block; false where none were.
static bool get_measured(const nn_model_config *c, double keep[NN_MAX_DEPTH])
{
    static const char *const splits[] = { "test", "val" };
    const json_t *layers = NULL;
    for (size_t i = 0; i < sizeof splits / sizeof splits[0] && !layers; i++)
        layers = json_object_get(json_object_get(c->measured, splits[i]), "keep_layer");
    for (uint32_t l = 0; l < c->depth; l++) {
        const json_t *share = json_array_get(layers, l);
        keep[l] = json_number_value(share);
        if (!json_is_number(share) || !(keep[l] >= 0.0 && keep[l] <= 1.0))
            return false;
    }
    return true;
}

// The same of topk as they are set; false for a model that keeps all tokens too.
static bool get_keep(const nn_model_config *c, double keep[NN_MAX_DEPTH])
{
    if (c->retention.policy == NN_POLICY_HALTING)
        return get_measured(c, keep);
    for (uint32_t l = 0; l < c->depth; l++)
        keep[l] = nn_retention_share(c, l);
    return c->retention.policy == NN_POLICY_TOPK;
}

static vkc_status print_json(const nn_model *m, const sizes *s, uint32_t batch)
{
    const nn_model_config *c = &m->cfg;
    json_t *layers = json_array();
    for (uint32_t l = 0; l < c->depth; l++)
        nn_json_append_new(layers, json_pack("{s:s, s:s, s:I, s:I}", "mixer", c->layers[l].mixer, "options",
                                             c->layers[l].options, "params", (json_int_t) s->layer[l], "macs",
                                             (json_int_t) nn_model_macs(m, l)));
    json_t *o = json_pack("{s:s, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:i, s:o}", "kind",
                          nn_model_config_kind(c), "params", (json_int_t) s->params, "macs",
                          (json_int_t) nn_model_macs(m, c->depth), "tokens", (int) nn_model_config_tokens(c), "image",
                          (int) c->height, "patch", (int) c->patch, "dim",
                          (int) c->dim, "heads", (int) c->heads, "hidden", (int) c->hidden, "classes",
                          (int) c->classes, "weight_bytes", (json_int_t) s->weight_bytes, "activation_bytes",
                          (json_int_t) s->activation_bytes, "batch", (int) batch, "layers", layers);
    if (o) {
        nn_json_set_new(o, "files", json_integer((json_int_t) s->files));
        nn_json_set_new(o, "tensors", json_integer((json_int_t) s->tensors));
        nn_json_set_new(o, "loading_bytes", json_integer((json_int_t) s->loading_bytes));
        if (*s->entry)
            nn_json_set_new(o, "checkpoint_key", json_string(s->entry));
        if (*s->ignored)
            nn_json_set_new(o, "ignored", json_string(s->ignored));
    }
    double keep[NN_MAX_DEPTH];
    if (o && get_keep(c, keep))
        nn_json_set_new(o, "kept_macs", json_real(nn_model_kept_macs(m, keep)));
    if (o && s->faults.values)
        nn_json_set_new(o, "not_finite", build_faults(&s->faults));
    if (o && c->notes)
        nn_json_set_new(o, "notes", build_notes(c));
    if (o && c->retention.policy != NN_POLICY_NONE)
        nn_json_set_new(o, "retention", nn_retention_json(c));
    if (o && c->measured)
        nn_json_set(o, "measured", c->measured);
    if (o && c->provenance)
        nn_json_set(o, "provenance", c->provenance);
    return app_print_json(o);
}

// How it differs from a plain ViT, and what is easily taken for something else.
static void print_family(const nn_model_config *c)
{
    static const char *const acts[] = { "GELU (erf)", "quick GELU", "GELU (tanh)" },
                      *const rules[] = { "timm", "hf", "dinov2" },
                      *const pools[] = { "the class token", "the norm of the mean patch", "class token and mean patch",
                                         "the mean of the normed patches", "the mean patch",
                                         "what a learned query attends to" };
    printf("%s, norm epsilon %g; %s reads %s; positions are resampled as %s does\n",
           c->swiglu ? "SwiGLU" : acts[c->act], c->eps,
           nn_model_config_has_scores(c) ? "the classifier" : "the output", pools[c->pool], rules[c->pos_rule]);
    if (c->distilled)
        puts("distillation token, with a classifier of its own: the logits are the mean of two");
    if (c->registers)
        printf("%u register%s %s patches\n", c->registers, c->registers == 1 ? "" : "s",
               c->no_class ? "before the" : "between class token and");
    if (c->no_class)
        puts("no class token");
    if (c->layer_scale)
        puts("LayerScale behind both branches of a block");
    if (c->pre_norm)
        puts("a norm before the first block");
    if (c->mlp_norm)
        puts("a norm in the MLP");
    if (c->rope.kind)
        printf("rotary positions as %s has them%s\n", c->rope.kind == NN_ROPE_DINOV3 ? "DINOv3" : "EVA-02",
               c->no_pos ? ", and no learned ones" : "");
    if (c->relative || c->shared_relative)
        printf("relative positions %s%s\n", !c->shared_relative ? "of each layer" :
               c->relative ? "of each layer and some that all share" : "that all layers share",
               c->no_pos ? ", and no learned ones of tokens" : "");
    if (c->projection_dim)
        printf("class vectors of %u numbers%s\n", c->projection_dim,
               nn_model_config_scores(c) == NN_SCORES_SIGMOID ? "; a class is scored on its own" : "");
    else if (!nn_model_config_has_scores(c))
        printf("no classifier: it gives %u %s\n", c->classes,
               c->outputs_embedding ? "numbers of an embedding" : "features");
}

static void print_causal(const nn_model_config *c)
{
    static const char *const acts[] = { "GELU (erf)", "quick GELU", "GELU (tanh)" },
                      *const norms[] = { "", ", queries and keys normed head by head",
                                         ", all queries and all keys normed" },
                      *const ropes[] = { "rotary", "rotary (linear)", "rotary (dynamic)", "rotary (llama3)" };
    const nn_text_config *t = &c->text;
    printf("%s; heads of %u channels, %u of keys and values%s\n", c->swiglu ? "SwiGLU" : acts[c->act],
           t->attention.head_dim, t->attention.kv_heads, norms[t->attention.qk_norm]);
    printf("%s norms %s, epsilon %g; %s positions; the classifier is %s\n", t->rms_norm ? "RMS" : "layer",
           t->post_norm ? "behind the branches" : "before the branches", c->eps,
           t->positions ? "learned" : ropes[t->attention.rope.type],
           t->tied ? "the table of the embedding" : "a matrix of its own");
    if (t->attention.clip > 0)
        printf("queries, keys and values are cut to -%g .. %g\n", t->attention.clip, t->attention.clip);
    printf("memory and multiply-adds are for a text of %u tokens\n", nn_model_config_tokens(c));
}

// The mixer of a layer with its options; returns how long it is.
static int get_mixer(const nn_layer_config *layer, char *out, size_t size)
{
    return snprintf(out, size, "%s%s%s", layer->mixer, layer->options[0] ? ":" : "", layer->options);
}

static void print_layers(const nn_model *m, const sizes *s)
{
    const nn_model_config *c = &m->cfg;
    char mixer[160];
    int width = 30;
    for (uint32_t l = 0; l < c->depth; l++) {
        const int n = get_mixer(&c->layers[l], mixer, sizeof mixer);
        width = n > width ? n : width;
    }
    printf("layer  %-*s  parameters  multiply-adds\n", width, "mixer");
    for (uint32_t l = 0; l < c->depth; l++) {
        get_mixer(&c->layers[l], mixer, sizeof mixer);
        printf("%5u  %-*s  %10" PRIu64 "  %13" PRIu64 "\n", l, width, mixer, s->layer[l], nn_model_macs(m, l));
    }
    printf("whole  %-*s  %10" PRIu64 "  %13" PRIu64 " %s%s\n", width, "", s->params, nn_model_macs(m, c->depth),
           c->type == NN_MODEL_VIT ? "an image" : c->type == NN_MODEL_CAUSAL ? "a text" : "a sequence",
           c->retention.policy != NN_POLICY_NONE ? " that keeps all its tokens" : "");
    double keep[NN_MAX_DEPTH];
    if (get_keep(c, keep))
        printf("kept   %-*s  %10s  %13.0f an image, %s\n", width, "", "", nn_model_kept_macs(m, keep),
               c->retention.policy == NN_POLICY_TOPK ? "with the tokens that it keeps"
                                                     : "with the tokens that it kept when it was measured");
}

static void print_text(const nn_model *m, const sizes *s, uint32_t batch)
{
    char line[2048];
    const nn_model_config *c = &m->cfg;
    if (c->type == NN_MODEL_SEQUENCE)
        printf("classifier of token sequences, %u tokens of a vocabulary of %u", c->context, c->vocab);
    else if (c->type == NN_MODEL_CAUSAL)
        printf("causal language model, %u tokens of a vocabulary of %u", c->context, c->vocab);
    else
        printf("vision transformer, %u x %u pixels in patches of %u: %u tokens", c->width, c->height, c->patch,
               nn_model_config_tokens(c));
    printf("; width %u, %u heads, MLP %u", c->dim, c->heads, c->hidden);
    if (c->type != NN_MODEL_CAUSAL)
        printf(", %u classes", c->classes);
    putchar('\n');
    if (c->type == NN_MODEL_VIT)
        print_family(c);
    if (c->type == NN_MODEL_CAUSAL)
        print_causal(c);
    for (const char *at = c->notes; nn_model_config_next_note(&at, line, sizeof line);)
        printf("note: %s\n", line);
    print_faults(&s->faults);
    policy_print(stdout, c);
    print_layers(m, s);
    printf("device memory: %.1f MiB of weights, %.1f MiB for a batch of %u\n", (double) s->weight_bytes / (1 << 20),
           (double) s->activation_bytes / (1 << 20), batch);
    if (s->files)
        printf("host memory: %.1f MiB while loading, from %" PRIu64 " file%s of %" PRIu64 " tensors\n",
               (double) s->loading_bytes / (1 << 20), s->files, s->files == 1 ? "" : "s", s->tensors);
    if (*s->entry)
        printf("checkpoint: the weights under %s are read\n", s->entry);
    if (*s->ignored)
        printf("checkpoint: objects that are passed over: %s\n", s->ignored);
}

static vkc_status run(const void *options, const args_words *words)
{
    const inspect_args *a = options;
    vkc_device *dev = NULL;
    nn_model *m = NULL;
    nn_infer *inf = NULL;
    sizes s = { 0 };
    nn_weights_place place;
    vkc_status st;
    VKC_TRY(app_open(&a->common, &dev));
    VKC_TRY(model_load_or_make(dev, words->word[0], a->img_size, &s.faults, &m));
    if (m->cfg.type == NN_MODEL_CAUSAL) {
        VKC_TRY(nn_text_eval_bytes(m, &(nn_text_eval_params) { .batch = a->batch }, &s.activation_bytes));
    } else {
        VKC_TRY(nn_infer_create(m, a->batch, &inf));
        s.activation_bytes = nn_infer_bytes(inf);
    }
    count_params(m, &s);
    VKC_TRY(nn_weights_find(words->word[0], &place));
    if (place.is_there)
        VKC_TRY(count_files(words->word[0], &s));
    if (a->common.json)
        st = print_json(m, &s, a->batch);
    else
        print_text(m, &s, a->batch);
done:
    nn_infer_destroy(inf);
    nn_model_destroy(m);
    app_close(dev);
    return st;
}

static const arg table[] = {
    { "batch", 0, ARG_U32, offsetof(inspect_args, batch), 1, 65536, "N", "batch size for the memory estimate [1]" },
    IMG_SIZE_ROW(inspect_args),
    { 0 },
};
static const inspect_args defaults = { .batch = 1 };
const command cmd_inspect = {
    .name = "inspect", .help = "print layers, mixers, parameters, multiply-adds and memory", .usage = "M|ARCHITECTURE",
    .table = table, .defaults = &defaults, .options_size = sizeof defaults,
    .uses = COMMAND_DEVICE | COMMAND_JSON | COMMAND_MODEL | COMMAND_KEY,
    .min_words = 1, .max_words = 1, .model_from = 0, .model_to = 1, .takes_names = true, .run = run,
};
