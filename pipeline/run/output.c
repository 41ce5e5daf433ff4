// output.c — model folders: may one be written here, and writing it.
#include "pipeline/run/output.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "nn/base/files.h"

vkc_status pipeline_check_output(const pipeline_context *c, const char *dir, bool force)
{
    DIR *d = opendir(dir);
    if (!d && errno == ENOENT)
        return VKC_OK;
    if (!d)
        return VKC_FAIL(VKC_E_IO, "cannot use %s as a folder: %s", dir, strerror(errno));
    bool is_empty = true;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        is_empty = is_empty && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
    closedir(d);
    if (is_empty || force)
        return VKC_OK;
    return VKC_FAIL(VKC_E_ARG, "%s is there already; %sresume continues the run that made it, %sforce replaces it",
                    dir, pipeline_dash(c), pipeline_dash(c));
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
