// model.c — models of the public interface: loaded or made, asked what they are, written.
#include "pipeline/api/api_impl.h"

#include <stddef.h>
#include <stdlib.h>

#include "nn/base/names.h"
#include "nn/models/config/preprocess_json.h"
#include "nn/models/vit/positions.h"
#include "pipeline/base/load.h"
#include "pipeline/run/export.h"

_Static_assert(PARE_MAX_DEPTH == NN_MAX_DEPTH, "the public limit is the library's");

static vkc_status set_policy(const char *policy, const char *folder, nn_model_config *cfg)
{
    nn_policy p = cfg->retention.policy;
    vkc_status st = policy ? nn_policy_get(policy, &p) : VKC_OK;
    if (st != VKC_OK || p == cfg->retention.policy)
        return st;
    if (p != NN_POLICY_NONE)
        return VKC_FAIL(VKC_E_ARG, "%s does not prune tokens by %s; pare_retain makes a model that does", folder,
                        policy);
    cfg->retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
    return VKC_OK;
}

static vkc_status set_preprocess(const char *name, const char *folder, nn_model_config *cfg)
{
    static const char *const names[] = { "timm", "hf" };        // in the order of nn_rule
    uint32_t rule;
    if (!name)
        return VKC_OK;
    vkc_status st = nn_name_get("way to cut pictures", name, names, 2, &rule);
    return st == VKC_OK ? nn_preprocess_load(folder, (nn_rule) rule, cfg) : st;
}

vkc_status pipeline_wrap_model(pare_device *dev, nn_model *m, const char *from, pare_model **out)
{
    const uint32_t depth = m->cfg.depth;
    pare_model *model = calloc(1, sizeof *model);
    char *name = malloc(strlen(from) + 1);
    char (*mixer)[PIPELINE_LAYER_TEXT] = calloc(depth, sizeof *mixer);
    if (!model || !name || !mixer) {
        free(model);
        free(name);
        free(mixer);
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory");
    }
    memcpy(name, from, strlen(from) + 1);
    for (uint32_t l = 0; l < depth; l++)
        pipeline_layer_text(&m->cfg.layers[l], mixer[l]);
    *model = (pare_model) { .device = dev, .nn = m, .is_borrowed = true, .from = name, .mixer = mixer };
    *out = model;
    return VKC_OK;
}

// The handle of a model, which it owns from now on, also when this fails.
static vkc_status own(pare_device *device, nn_model *m, const char *from, pare_model **out)
{
    vkc_status st = pipeline_wrap_model(device, m, from, out);
    if (st == VKC_OK)
        (*out)->is_borrowed = false;
    else
        nn_model_destroy(m);
    return st;
}

pare_status pare_model_load(pare_device *device, const char *folder, const pare_model_options *options,
                            pare_model **out)
{
    pare_model_options o;
    pipeline__api_call call = { .watch = { .dev = NULL } };
    nn_model *m = NULL;
    vkc_status st;
    VKC_TRY(API_WANT(device));
    VKC_TRY(API_WANT(folder));
    VKC_TRY(API_WANT(out));
    VKC_TRY(API_TAKE_FROM(options, &o, offsetof(pare_model_options, pillow)));
    VKC_TRY(pipeline__api_check_pillow(o.pillow));
    VKC_TRY(pipeline__api_begin(__func__, o.callbacks, device, &call));
    VKC_TRY(nn_model_load_with(device->vk, folder, &(nn_model_load_params) {
        .size = { o.height, o.width }, .class_vectors = o.class_vectors }, &m));
    pipeline_say_notes(&call.context, &m->cfg);
    VKC_TRY(set_policy(o.policy, folder, &m->cfg));
    VKC_TRY(set_preprocess(o.preprocess, folder, &m->cfg));
    m->cfg.preprocess.pillow = o.pillow;
    st = own(device, m, folder, out);
    m = NULL;
done:
    nn_model_destroy(m);
    pipeline__api_end(&call);
    return pipeline__api_status(st);
}

#define IMAGENET_CLASSES 1000

pare_status pare_model_create(pare_device *device, const char *architecture, uint64_t seed,
                              const pare_model_options *options, pare_model **out)
{
    pare_model_options o;
    nn_model_config cfg = { 0 };
    nn_model *m = NULL;
    vkc_status st;
    VKC_TRY(API_WANT(device));
    VKC_TRY(API_WANT(architecture));
    VKC_TRY(API_WANT(out));
    VKC_TRY(API_TAKE_FROM(options, &o, offsetof(pare_model_options, pillow)));
    if (o.class_vectors || o.preprocess || o.policy) {
        st = VKC_FAIL(VKC_E_ARG, "a model of random values has no class vectors, no preprocess and no policy");
        goto done;
    }
    VKC_TRY(pipeline__api_check_pillow(o.pillow));
    VKC_TRY(nn_model_config_init(&cfg, architecture));
    cfg.classes = cfg.classes ? cfg.classes : IMAGENET_CLASSES;
    VKC_TRY(nn_model_config_set_size(&cfg, (nn_size) { o.height, o.width }));
    VKC_TRY(nn_model_create(device->vk, &cfg, false, &m));
    VKC_TRY(nn_model_init(m, seed));
    m->cfg.preprocess.pillow = o.pillow;
    st = own(device, m, architecture, out);
    m = NULL;
    if (st == VKC_OK)
        (*out)->is_random = true;
done:
    nn_model_destroy(m);
    nn_model_config_finish(&cfg);
    return pipeline__api_status(st);
}

void pare_model_close(pare_model *model)
{
    if (!model)
        return;
    if (!model->is_borrowed)
        nn_model_destroy(model->nn);
    free(model->from);
    free(model->mixer);
    free(model);
}

pare_status pare_model_get_info(const pare_model *model, pare_model_info *out)
{
    vkc_status st = API_WANT(model);
    if (st == VKC_OK)
        st = API_CHECK(out);
    if (st != VKC_OK)
        return pipeline__api_status(st);
    const nn_model_config *c = &model->nn->cfg;
    const pare_model_info info = {
        .kind = nn_model_config_kind(c), .policy = nn_policy_name(c->retention.policy),
        .depth = c->depth, .dim = c->dim, .heads = c->heads, .classes = c->classes,
        .tokens = nn_model_config_tokens(c), .height = c->height, .width = c->width,
        .has_scores = nn_model_config_has_scores(c), .params = nn_params_count(model->nn->params),
        .macs = nn_model_macs(model->nn, c->depth),
    };
    API_GIVE(&info, out);
    return PARE_OK;
}

const char *pare_model_label(const pare_model *model, uint32_t class_index)
{
    if (!model || !model->nn->cfg.labels || class_index >= model->nn->cfg.classes)
        return NULL;
    return model->nn->cfg.labels[class_index];
}

const char *pare_model_mixer(const pare_model *model, uint32_t layer)
{
    return model && layer < model->nn->cfg.depth ? model->mixer[layer] : NULL;
}

pare_status pare_model_save(const pare_model *model, const char *folder, const pare_save_options *options)
{
    pare_save_options o;
    pipeline__api_call call = { .watch = { .dev = NULL } };
    vkc_status st;
    VKC_TRY(API_WANT(model));
    VKC_TRY(API_WANT(folder));
    VKC_TRY(API_TAKE(options, &o));
    VKC_TRY(pipeline__api_begin(__func__, NULL, model->device, &call));
    call.context.command = o.command;
    st = pipeline_export(&call.context, &(pipeline_export_params) {
        .model = model->nn, .from = model->from, .out = folder, .seed = o.seed, .force = o.force != 0,
        .is_random = model->is_random });
done:
    pipeline__api_end(&call);
    return pipeline__api_status(st);
}
