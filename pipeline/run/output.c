// output.c — the folders of a run: may they be written, and writing a model.
#include "pipeline/run/output.h"

#include <stdio.h>
#include <string.h>

#include "nn/base/files.h"

vkc_status pipeline_place_run(const pipeline_place *p, char out[PIPELINE_PATH_MAX])
{
    size_t len = strlen(p->run ? p->run : p->out);
    while (!p->run && len > 1 && p->out[len - 1] == '/')
        len--;
    int n = snprintf(out, PIPELINE_PATH_MAX, "%.*s%s", (int) len, p->run ? p->run : p->out, p->run ? "" : ".run");
    if (n < 0 || n >= PIPELINE_PATH_MAX)
        return VKC_FAIL(VKC_E_ARG, "the path of the run folder is too long");
    return VKC_OK;
}

vkc_status pipeline_check_place(const pipeline_context *c, const pipeline_place *p, const char *const *input,
                                uint32_t n)
{
    const char *dash = pipeline_dash(c);
    char out[24], run[24], dir[PIPELINE_PATH_MAX], hint[100];
    vkc_status st = VKC_OK;
    snprintf(out, sizeof out, "%sout", dash);
    snprintf(run, sizeof run, "%s%s", dash, p->out ? "run" : "out");
    snprintf(hint, sizeof hint, "%sresume continues the run that made it, %sforce replaces it", dash, dash);
    if (p->out)
        st = nn_destination_check_path(out, p->out);
    if (st == VKC_OK)
        st = pipeline_place_run(p, dir);
    if (st != VKC_OK)
        return st;
    return nn_destination_check((const nn_destination[]) {
        { .name = out, .path = p->out, .kind = NN_TO_MODEL, .force = p->force || p->resume, .force_hint = hint,
          .input = input, .n_inputs = n },
        { .name = out, .path = p->beside, .kind = NN_TO_MODEL, .force = p->force || p->resume, .force_hint = hint,
          .input = input, .n_inputs = n },
        { .name = run, .path = dir, .kind = NN_TO_RUN, .force = true, .input = input, .n_inputs = n } }, 3);
}

bool pipeline_is_partial(const char *dir)
{
    char info[NN_PATH_MAX], weights[NN_PATH_MAX];
    return nn_path_build(info, dir, "pare.json") == VKC_OK &&
           nn_path_build(weights, dir, "model.safetensors") == VKC_OK && nn_is_file(weights) && !nn_is_file(info);
}

vkc_status pipeline_save_model(const nn_model *m, const nn_model_config *cfg, const char *dir, const char *card)
{
    char path[NN_PATH_MAX];
    vkc_status st = nn_folder_create(dir);
    if (st == VKC_OK)
        st = nn_path_build(path, dir, "model.safetensors");
    if (st == VKC_OK)
        st = nn_model_save_weights(m, path);
    return st == VKC_OK ? nn_model_config_save(dir, cfg, card) : st;
}
