// text_eval.c — texts cut into windows, packed into batches, scored without their logits.
#include "nn/infer/text_eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/graph/runner.h"
#include "nn/models/causal/causal.h"
#include "shaders/loss/vocab/vocab_loss.h"
#include "vk/clock.h"

#define BATCH_TOKENS 2048u

enum { OUT_LOSS, OUT_COUNT, OUT_TOP, N_OUTPUTS };

typedef struct scorer {
    const nn_model *m;
    const nn_texts *texts;
    uint32_t   context, batch;      // tokens of a window, windows of a batch
    nn_batch   rows;
    nn_graph  *g;
    nn_runner *r;
    uint32_t  *lengths;             // (batch)
    double     loss;                // sums
    uint64_t   n, right;
} scorer;

static vkc_status build(scorer *s)
{
    nn_model_config cfg = s->m->cfg;        // borrowed, but for the room
    nn_model_taps taps = { .only_stream = true };
    nn_tensor *in[NN_MAX_INPUTS], *inputs[2], *outputs[N_OUTPUTS];
    vkc_status st;
    cfg.text.tokens = s->context;
    s->lengths = (uint32_t *) malloc(s->batch * sizeof *s->lengths);
    if (!s->lengths)
        return VKC_FAIL(VKC_E_NOMEM, "evaluate: out of host memory");
    VKC_TRY(nn_model_batch_create(s->m->dev, &cfg, s->batch, &s->rows));
    VKC_TRY(nn_graph_create(s->m->dev, &s->g));
    nn_model_add_inputs(s->g, &cfg, &s->rows, in);
    nn_tensor *labels = nn_graph_input(s->g, "labels", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, s->rows.tokens);
    nn_tensor *x = nn_model_forward(s->g, s->m, &s->rows, in, false, &taps);
    x = nn_causal_norm(s->g, s->m, x, false);
    nn_tensor *loss = NN_APPLY(s->g, vocab_loss, &(struct vocab_loss_attr) { .top = 1 }, NULL, x,
                               nn_causal_table(s->g, s->m, false), labels);
    inputs[0] = in[0], inputs[1] = labels;
    outputs[OUT_LOSS] = loss, outputs[OUT_COUNT] = nn_output(loss, 2), outputs[OUT_TOP] = nn_output(loss, 3);
    st = nn_runner_create(&(nn_runner_params) { .graph = s->g, .name = "evaluate", .inputs = inputs, .n_inputs = 2,
                                                .outputs = outputs, .n_outputs = N_OUTPUTS }, &s->r);
done:
    return st;
}

static void finish(scorer *s)
{
    nn_runner_destroy(s->r);
    nn_graph_destroy(s->g);
    nn_batch_finish(&s->rows);
    free(s->lengths);
}

// Score the `n` windows that are packed, of `rows` tokens.
static vkc_status run(scorer *s, uint32_t n, uint32_t rows)
{
    const uint32_t *labels = (const uint32_t *) nn_runner_input(s->r, 0, "labels");
    vkc_status st = nn_batch_write_lengths(s->m->dev, &s->rows, n, s->lengths);
    if (st == VKC_OK)
        st = nn_runner_run(s->r, "of texts");
    if (st != VKC_OK)
        return st;
    const uint32_t *top = (const uint32_t *) nn_runner_output(s->r, OUT_TOP);
    const double mean = (double) *(const float *) nn_runner_output(s->r, OUT_LOSS);
    if (*(const uint32_t *) nn_runner_output(s->r, OUT_COUNT) != rows || !isfinite(mean))
        return VKC_FAIL(VKC_E_CHECK, "evaluate: the loss of a batch of texts is %g", mean);
    for (uint32_t i = 0; i < rows; i++)
        s->right += top[i] == labels[i];
    s->loss += mean * rows;
    s->n += rows;
    return VKC_OK;
}

// All windows of the first `texts`, `total` tokens.
static vkc_status run_all(scorer *s, const nn_text_eval_params *p, uint64_t texts, uint64_t total, nn_pace *pace)
{
    uint32_t *ids = (uint32_t *) nn_runner_input(s->r, 0, "ids"), *labels = (uint32_t *) nn_runner_input(s->r, 0,
                                                                                                         "labels");
    uint32_t n = 0, rows = 0;
    vkc_status st;
    for (uint64_t t = 0; t < texts; t++) {
        const uint64_t end = s->texts->start[t + 1];
        for (uint64_t at = s->texts->start[t]; at + 1 < end; at += s->lengths[n - 1]) {
            const uint64_t left = end - 1 - at;
            if (n == s->batch) {
                VKC_TRY(run(s, n, rows));
                n = rows = 0;
                if (!nn_progress_report(p->progress, p->user, "evaluate", "tokens", "", pace, s->n, total))
                    return VKC_FAIL(VKC_E_STOPPED, "evaluate: stopped after %llu tokens", (unsigned long long) s->n);
            }
            s->lengths[n] = left < s->context ? (uint32_t) left : s->context;
            memcpy(ids + rows, s->texts->id + at, s->lengths[n] * sizeof *ids);
            memcpy(labels + rows, s->texts->id + at + 1, s->lengths[n] * sizeof *labels);
            rows += s->lengths[n++];
        }
    }
    VKC_TRY(n ? run(s, n, rows) : VKC_OK);
done:
    return st;
}

// No more room than the first n texts take.
static void fit_window(scorer *s, uint64_t n)
{
    const uint64_t *start = s->texts->start;
    uint64_t longest = 1, windows = 0;
    for (uint64_t t = 0; t < n; t++) {
        const uint64_t len = start[t + 1] - start[t] - 1;           // texts have one id at least
        longest = len > longest ? len : longest;
        windows += (len + s->context - 1) / s->context;
    }
    s->context = longest < s->context ? (uint32_t) longest : s->context;
    s->batch = windows < s->batch ? (uint32_t) windows : s->batch;
}

static vkc_status set_window(scorer *s, const nn_text_eval_params *p)
{
    const nn_model_config *c = &s->m->cfg;
    if (c->type != NN_MODEL_CAUSAL)
        return VKC_FAIL(VKC_E_ARG, "the model (%s) is no language model", nn_model_config_kind(c));
    if (p->context > c->context)
        return VKC_FAIL(VKC_E_ARG, "a context of %u tokens; the model has positions for %u", p->context, c->context);
    s->context = p->context ? p->context : c->context < NN_CAUSAL_TOKENS ? c->context : NN_CAUSAL_TOKENS;
    s->batch = p->batch ? p->batch : (BATCH_TOKENS - 1) / s->context + 1;
    return VKC_OK;
}

vkc_status nn_text_eval(const nn_model *m, const nn_texts *texts, const nn_text_eval_params *p,
                        nn_text_eval_result *out)
{
    const double start = vkc_seconds();
    const uint64_t n = p->limit && p->limit < texts->n ? p->limit : texts->n;
    scorer s = { .m = m, .texts = texts };
    nn_pace pace = nn_pace_start();
    vkc_status st;
    *out = (nn_text_eval_result) { .texts = n };
    VKC_TRY(set_window(&s, p));
    if (texts->start[n] - texts->start[0] <= n)
        return VKC_FAIL(VKC_E_ARG, "evaluate: no text has a second token, which is the first to predict");
    fit_window(&s, n);
    VKC_TRY(build(&s));
    VKC_TRY(run_all(&s, p, n, texts->start[n] - n, &pace));
    out->tokens = s.n;
    out->loss = s.loss / (double) s.n;
    out->perplexity = exp(out->loss);
    out->top1 = (double) s.right / (double) s.n;
    if (texts->bytes && n == texts->n)
        out->bits_per_byte = s.loss / log(2) / (double) texts->bytes;
    out->seconds = vkc_seconds() - start;
    out->tokens_per_s = nn_pace_rate(&pace) > 0 ? nn_pace_rate(&pace) : (double) s.n / out->seconds;
done:
    finish(&s);
    return st;
}

vkc_status nn_text_eval_bytes(const nn_model *m, const nn_text_eval_params *p, uint64_t *bytes)
{
    scorer s = { .m = m };
    vkc_status st;
    VKC_TRY(set_window(&s, p));
    VKC_TRY(build(&s));
    *bytes = nn_graph_get_info(s.g).activation_bytes;
done:
    finish(&s);
    return st;
}
