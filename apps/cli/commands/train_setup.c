// train_setup.c — the model and inputs that the options of pare train make.
#include "apps/cli/commands/train_setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// "0.5" or "0.485,0.456,0.406".
static vkc_status read_three(const char *option, const char *text, double out[3])
{
    int end = 0;
    if (!text)
        return VKC_OK;
    if (sscanf(text, "%lf,%lf,%lf%n", &out[0], &out[1], &out[2], &end) == 3 && text[end] == '\0')
        return VKC_OK;
    if (sscanf(text, "%lf%n", &out[0], &end) == 1 && text[end] == '\0') {
        out[1] = out[2] = out[0];
        return VKC_OK;
    }
    return VKC_FAIL(VKC_E_ARG, "%s wants one number or three with commas between, not \"%.60s\"", option, text);
}

static bool has_labels(const nn_model_config *c, const nn_dataset *data)
{
    if (!c->labels || c->classes != nn_dataset_classes(data))
        return false;
    for (uint32_t i = 0; i < c->classes; i++)
        if (strcmp(c->labels[i], nn_dataset_labels(data)[i]) != 0)
            return false;
    return true;
}

vkc_status train_make_config(const train_args *a, const nn_dataset *data, nn_model_config *cfg, bool *keep_head)
{
    vkc_status st = a->arch ? nn_model_config_init(cfg, a->arch) : nn_model_config_load(a->init, cfg);
    if (st == VKC_OK)
        st = read_three("--mean", a->mean, cfg->mean);
    if (st == VKC_OK)
        st = read_three("--std", a->std, cfg->std);
    if (st != VKC_OK)
        return st;
    *keep_head = a->init && has_labels(cfg, data);
    if (a->init && !*keep_head)
        say("the classes of %s are others than those of %s: the head starts anew", a->init, a->d.data);
    cfg->headless = cfg->outputs_embedding = false;        // what gave features until now gets a classifier of its own
    cfg->projection_dim = *keep_head ? cfg->projection_dim : 0;
    st = nn_model_config_set_labels(cfg, nn_dataset_labels(data), nn_dataset_classes(data));
    return st == VKC_OK ? nn_model_config_check(cfg, VKC_E_ARG, a->arch ? "--arch" : "--init") : st;
}

// The values of `dir` into v, all but the head's when the classes differ.
static vkc_status copy_values(const char *dir, nn_model *v, bool keep_head)
{
    nn_model *from = NULL;
    float *x = NULL;
    vkc_status st;
    VKC_TRY(nn_model_load(v->dev, dir, false, &from));
    for (uint32_t i = 0; i < v->params->n; i++) {
        const nn_param *p = &v->params->p[i];
        uint32_t k;
        if ((!keep_head && strncmp(p->name, "head", 4) == 0) || !nn_params_find(from->params, p->name, &k))
            continue;
        float *grown = (float *) realloc(x, nn_shape_len(&p->shape) * sizeof *x);
        if (!grown) {
            st = VKC_FAIL(VKC_E_NOMEM, "train: out of host memory");
            goto done;
        }
        x = grown;
        VKC_TRY(nn_params_read(from->params, k, x));
        VKC_TRY(nn_params_write(v->params, i, x));
    }
done:
    free(x);
    nn_model_destroy(from);
    return st;
}

vkc_status train_make_model(const train_args *a, vkc_device *dev, const nn_model_config *cfg, bool keep_head,
                            nn_model **out)
{
    nn_model *v = NULL;
    vkc_status st;
    VKC_TRY(nn_model_create(dev, cfg, true, &v));
    VKC_TRY(nn_model_init(v, a->common.seed));
    if (a->init)
        VKC_TRY(copy_values(a->init, v, keep_head));
    *out = v;
    v = NULL;
done:
    nn_model_destroy(v);
    return st;
}

json_t *train_inputs(const train_args *a)
{
    json_t *inputs = json_pack(
        "{s:s, s:s*, s:s*, s:s*, s:s*, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:b, s:I}", "data", a->d.data, "arch",
        a->arch, "init", a->init, "mean", a->mean, "std", a->std, "batch", (int) a->d.batch, "epochs",
        (int) a->epochs, "lr", a->lr, "min_lr", a->min_lr, "warmup", a->warmup, "weight_decay", a->weight_decay,
        "clip", a->clip, "no_augment", (int) a->no_augment, "seed", (json_int_t) a->common.seed);
    recipe_add_inputs(inputs, &a->recipe);
    return inputs;
}
