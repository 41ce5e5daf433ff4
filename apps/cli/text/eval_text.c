// eval_text.c — pare eval of a language model: texts read, scored, printed.
#include "apps/cli/text/eval_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "apps/cli/core/console.h"
#include "apps/cli/core/model.h"
#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/infer/text_eval.h"

// The model's tokenizer, where its folder has one; files of ids do without.
static vkc_status open_tokenizer(const char *model, nn_tokenizer **out)
{
    char path[NN_PATH_MAX];
    vkc_status st = nn_path_build(path, model, "tokenizer.json");
    *out = NULL;
    return st == VKC_OK && nn_is_file(path) ? nn_tokenizer_open(model, out) : st;
}

static vkc_status print(const eval_text *e, const nn_text_eval_result *r, const vkc_device *dev)
{
    const vkc_device_info *i = vkc_device_get_info(dev);
    if (!e->common->json) {
        printf("loss %.4f nats a token, perplexity %.3f", r->loss, r->perplexity);
        if (r->bits_per_byte > 0)
            printf(", %.4f bits a byte", r->bits_per_byte);
        printf("; the likeliest token is right in %.2f %%\n%" PRIu64 " token%s of %" PRIu64 " text%s, %.0f tokens/s\n",
               100.0 * r->top1, r->tokens, r->tokens == 1 ? "" : "s", r->texts, r->texts == 1 ? "" : "s",
               r->tokens_per_s);
        return VKC_OK;
    }
    json_t *o = json_pack("{s:f, s:f, s:f, s:I, s:I, s:f, s:f, s:s, s:s, s:s}", "loss", r->loss, "perplexity",
                          r->perplexity, "top1", r->top1, "tokens", (json_int_t) r->tokens, "texts",
                          (json_int_t) r->texts, "tokens_per_s", r->tokens_per_s, "seconds", r->seconds, "data",
                          e->data, "device", i->name, "driver", i->driver);
    if (o)
        nn_json_set_new(o, "bits_per_byte", r->bits_per_byte > 0 ? json_real(r->bits_per_byte) : json_null());
    return app_print_json(o);
}

vkc_status eval_text_run(const eval_text *e)
{
    nn_tokenizer *tokenizer = NULL;
    nn_texts texts = { .id = NULL };
    nn_text_eval_result r;
    vkc_device *dev = NULL;
    nn_model *m = NULL;
    vkc_status st;
    if (!e->data)
        return VKC_FAIL(VKC_E_ARG, "--data is missing: a file of texts (.txt, .jsonl) or ids (.ids), or a "
                                   "folder of such");
    VKC_TRY(open_tokenizer(e->model, &tokenizer));
    VKC_TRY(nn_texts_load(e->data, &(nn_texts_params) { tokenizer, e->cfg->vocab, e->row }, &texts));
    VKC_TRY(app_open(e->common, &dev));
    VKC_TRY(model_load_as(dev, e->model, e->cfg, NULL, (nn_size) { 0, 0 }, &m));
    console_catch_signals();
    VKC_TRY(nn_text_eval(m, &texts, &(nn_text_eval_params) {
        .context = e->context, .batch = e->batch, .limit = e->limit, .progress = console_progress }, &r));
    console_clear();
    st = print(e, &r, dev);
done:
    nn_model_destroy(m);
    app_close(dev);
    nn_texts_finish(&texts);
    nn_tokenizer_destroy(tokenizer);
    return st;
}
