// model_files.c — a model folder into a model, and its weights into a file: each kind does it its own way.
#include "nn/models/model.h"

#include "nn/models/model_kind.h"

vkc_status nn_model_load_with(vkc_device *dev, const char *dir, const nn_model_load_params *p, nn_model **out)
{
    nn_model_config cfg = { 0 };
    vkc_status st = p->config ? nn_model_config_copy(p->config, &cfg) : nn_model_config_load(dir, &cfg);
    if (st == VKC_OK)
        st = nn_model_kind_of(&cfg)->load(dev, dir, &cfg, p, out);
    nn_model_config_finish(&cfg);
    return st;
}

vkc_status nn_model_load(vkc_device *dev, const char *dir, bool trainable, nn_model **out)
{
    return nn_model_load_with(dev, dir, &(nn_model_load_params) { .trainable = trainable }, out);
}

vkc_status nn_model_save_weights(const nn_model *m, const char *path)
{
    return m->kind->save_weights(m, path);
}
