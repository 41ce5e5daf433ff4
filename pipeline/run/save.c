// save.c — a model that a run has made, and the end of the run.
#include "pipeline/run/save.h"

#include <stdlib.h>

#include "nn/base/json.h"
#include "pipeline/base/data.h"
#include "pipeline/base/json.h"
#include "pipeline/run/card.h"
#include "pipeline/run/output.h"

vkc_status pipeline_run_make_config(const pipeline_run *r, const nn_model_config *from, json_t *measured,
                                    nn_model_config *out)
{
    vkc_status st = nn_model_config_copy(from, out);
    if (st != VKC_OK)
        return st;
    json_decref(out->provenance);
    json_decref(out->measured);
    out->provenance = json_deep_copy(json_object_get(r->info, "provenance"));
    out->measured = json_incref(measured);
    if (!out->provenance && json_object_get(r->info, "provenance"))
        return VKC_FAIL(VKC_E_NOMEM, "run: out of host memory");
    nn_json_set(out->provenance, "inputs", json_object_get(r->info, "inputs"));
    return VKC_OK;
}

vkc_status pipeline_run_save(pipeline_run *r, const pipeline_saved *s)
{
    nn_model_config cfg = { 0 };
    char *text = NULL;
    vkc_status st;
    if (!s->result)
        return VKC_FAIL(VKC_E_NOMEM, "run: out of host memory, or a path is not UTF-8");
    nn_json_set_new(s->result, "data", pipeline_data_json(s->data));
    VKC_TRY(pipeline_run_make_config(r, &s->model->cfg, s->result, &cfg));
    if (s->keep_seconds && cfg.provenance)
        nn_json_set_new(cfg.provenance, "seconds", pipeline_number(s->seconds));
    text = pipeline_card_build(&(pipeline_card) {
        .cfg = &cfg, .dir = s->out, .data = nn_dataset_spec(s->data), .params = nn_params_count(s->model->params),
        .provenance = cfg.provenance, .seconds = s->seconds, .val = s->val, .test = s->test, .more = s->more });
    if (!text) {
        st = VKC_FAIL(VKC_E_NOMEM, "run: out of host memory");
        goto done;
    }
    VKC_TRY(pipeline_save_model(s->model, &cfg, s->out, text));
    st = pipeline_run_finish(r, json_incref(s->result));
done:
    free(text);
    nn_model_config_finish(&cfg);
    return st;
}
