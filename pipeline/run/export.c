// export.c — a model written with a card that says where it is from.
#include "pipeline/run/export.h"

#include <stdio.h>
#include <stdlib.h>

#include "nn/base/files.h"
#include "nn/base/lock.h"
#include "nn/checkpoint/weights.h"
#include "pipeline/base/text.h"
#include "pipeline/run/card.h"
#include "pipeline/run/output.h"
#include "pipeline/run/provenance.h"

// The card of what nothing has been measured of here: figures that came with the model stay in pare.json.
static char *build_card(const pipeline_export_params *p, const nn_model_config *cfg)
{
    char *more = NULL;
    pipeline_text t;
    if (pipeline_text_open(&t) != VKC_OK)
        return NULL;
    if (p->is_random)
        fprintf(t.f, "The architecture `%s` with random values: nothing was learned, and its answers mean nothing.\n",
                p->from);
    else
        fprintf(t.f, "Taken over from `%s`, value by value.\n", p->from);
    if (pipeline_text_close(&t, &more, NULL) != VKC_OK)
        return NULL;
    char *text = pipeline_card_build(&(pipeline_card) {
        .cfg = cfg, .dir = p->out, .params = nn_params_count(p->model->params), .provenance = cfg->provenance,
        .more = more });
    free(more);
    return text;
}

#define MAX_BESIDE ((size_t) 256 << 20)

// A language model's tokenizer and what else belongs to its texts, file by file, as they are.
static vkc_status copy_beside(const pipeline_export_params *p)
{
    static const char *const names[] = { "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json",
                                         "merges.txt", "special_tokens_map.json", "added_tokens.json",
                                         "generation_config.json", "chat_template.jinja" };
    char folder[NN_WEIGHTS_MAX_PLACE], from[NN_PATH_MAX], to[NN_PATH_MAX];
    vkc_status st = p->is_random ? VKC_OK : nn_weights_get_folder(p->from, folder);
    for (size_t i = 0; st == VKC_OK && !p->is_random && i < sizeof names / sizeof *names; i++) {
        unsigned char *data = NULL;
        size_t size;
        VKC_TRY(nn_path_build(from, folder, names[i]));
        VKC_TRY(nn_path_build(to, p->out, names[i]));
        if (!nn_is_file(from))
            continue;
        VKC_TRY(nn_file_load(from, MAX_BESIDE, &data, &size));
        st = nn_file_save(to, data, size);
        free(data);
    }
done:
    return st;
}

vkc_status pipeline_export(const pipeline_context *c, const pipeline_export_params *p)
{
    nn_model_config cfg = { 0 };
    char *text = NULL;
    nn_lock *lock = NULL;
    vkc_status st;
    VKC_TRY(nn_destination_check(&(nn_destination) {
        .name = "folder", .path = p->out, .kind = NN_TO_MODEL, .force = p->force,
        .force_hint = "force replaces it", .input = &p->from, .n_inputs = 1 }, 1));
    VKC_TRY(nn_lock_create(p->out, &lock));
    VKC_TRY(nn_model_config_copy(&p->model->cfg, &cfg));
    if (!cfg.provenance)
        cfg.provenance = pipeline_provenance(c, p->seed);
    text = build_card(p, &cfg);
    st = text ? pipeline_save_model(p->model, &cfg, p->out, text) : VKC_FAIL(VKC_E_NOMEM, "export: out of host memory");
    if (st == VKC_OK && cfg.type == NN_MODEL_CAUSAL)
        st = copy_beside(p);
done:
    nn_lock_destroy(lock, pipeline_is_partial(p->out));
    free(text);
    nn_model_config_finish(&cfg);
    return st;
}
