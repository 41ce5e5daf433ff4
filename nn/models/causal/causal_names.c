// causal_names.c — the tensors of causal language models under the names of transformers' families, and ours.
#include "nn/models/causal/causal_impl.h"

#include <stdio.h>
#include <string.h>

typedef enum { ROWS_ALL, ROWS_Q, ROWS_K, ROWS_V, ROWS_FIRST, ROWS_SECOND } rows_of;

// {i} is a block's number, a closing * is weight or bias. `ours` NULL: of no use here.
typedef struct row {
    const char *theirs, *ours;
    rows_of rows;
    bool    is_transposed;
} row;

// GPT-2 keeps matrices the other way round.
static const row gpt2[] = {
    { "wte.weight", "embed.weight", ROWS_ALL, false },
    { "wpe.weight", "pos_embed", ROWS_ALL, false },
    { "h.{i}.ln_1.*", "blocks.{i}.norm1.*", ROWS_ALL, false },
    { "h.{i}.attn.c_attn.*", "blocks.{i}.attn.qkv.*", ROWS_ALL, true },
    { "h.{i}.attn.c_proj.*", "blocks.{i}.attn.proj.*", ROWS_ALL, true },
    { "h.{i}.ln_2.*", "blocks.{i}.norm2.*", ROWS_ALL, false },
    { "h.{i}.mlp.c_fc.*", "blocks.{i}.mlp.fc1.*", ROWS_ALL, true },
    { "h.{i}.mlp.c_proj.*", "blocks.{i}.mlp.fc2.*", ROWS_ALL, true },
    { "ln_f.*", "norm.*", ROWS_ALL, false },
    { "lm_head.weight", "head.weight", ROWS_ALL, false },
    { "h.{i}.attn.bias", NULL, ROWS_ALL, false },          // the triangle of what is seen
    { "h.{i}.attn.masked_bias", NULL, ROWS_ALL, false },
    { 0 },
};

#define OF_ALL_LLAMAS                                                           \
    { "embed_tokens.weight", "embed.weight", ROWS_ALL, false },                 \
    { "layers.{i}.self_attn.q_proj.*", "blocks.{i}.attn.qkv.*", ROWS_Q, false }, \
    { "layers.{i}.self_attn.k_proj.*", "blocks.{i}.attn.qkv.*", ROWS_K, false }, \
    { "layers.{i}.self_attn.v_proj.*", "blocks.{i}.attn.qkv.*", ROWS_V, false }, \
    { "layers.{i}.self_attn.q_norm.weight", "blocks.{i}.attn.q_norm.weight", ROWS_ALL, false }, \
    { "layers.{i}.self_attn.k_norm.weight", "blocks.{i}.attn.k_norm.weight", ROWS_ALL, false }, \
    { "layers.{i}.self_attn.o_proj.*", "blocks.{i}.attn.proj.*", ROWS_ALL, false }, \
    { "layers.{i}.mlp.gate_proj.*", "blocks.{i}.mlp.fc1.*", ROWS_FIRST, false }, \
    { "layers.{i}.mlp.up_proj.*", "blocks.{i}.mlp.fc1.*", ROWS_SECOND, false }, \
    { "layers.{i}.mlp.down_proj.*", "blocks.{i}.mlp.fc2.*", ROWS_ALL, false },  \
    { "norm.weight", "norm.weight", ROWS_ALL, false },                          \
    { "lm_head.weight", "head.weight", ROWS_ALL, false },                       \
    { "layers.{i}.self_attn.rotary_emb.inv_freq", NULL, ROWS_ALL, false },      \
    { "rotary_emb.inv_freq", NULL, ROWS_ALL, false }

static const row llama[] = {
    OF_ALL_LLAMAS,
    { "layers.{i}.input_layernorm.weight", "blocks.{i}.norm1.weight", ROWS_ALL, false },
    { "layers.{i}.post_attention_layernorm.weight", "blocks.{i}.norm2.weight", ROWS_ALL, false },
    { 0 },
};

// Norms behind the branches.
static const row post[] = {
    OF_ALL_LLAMAS,
    { "layers.{i}.post_attention_layernorm.weight", "blocks.{i}.norm1.weight", ROWS_ALL, false },
    { "layers.{i}.post_feedforward_layernorm.weight", "blocks.{i}.norm2.weight", ROWS_ALL, false },
    { 0 },
};

static const row *rows_for(const nn_model_config *c)
{
    return nn__causal_families[c->text.family].mlp == NN_TEXT_PLAIN ? gpt2 : c->text.post_norm ? post : llama;
}

// What stands before the names of a model that has its classifier beside it.
static const char *prefix_of(const nn_model_config *c)
{
    return nn__causal_families[c->text.family].mlp == NN_TEXT_PLAIN ? "transformer." : "model.";
}

// Does a name have the form? Fills the block's number and what stands for the star.
static bool is_of_form(const char *form, const char *name, uint32_t *block, const char **end)
{
    for (; *form; form++) {
        if (strncmp(form, "{i}", 3) == 0) {
            const size_t n = strspn(name, "0123456789");
            if (n == 0 || n > 4 || (n > 1 && *name == '0'))
                return false;
            *block = 0;
            for (size_t k = 0; k < n; k++)
                *block = 10 * *block + (uint32_t) (name[k] - '0');
            name += n;
            form += 2;
        } else if (*form == '*') {
            *end = name;
            return strcmp(name, "weight") == 0 || strcmp(name, "bias") == 0;
        } else if (*form != *name++) {
            return false;
        }
    }
    return *name == '\0';
}

// A name of a form, of which none is near `size` bytes long.
static void fill(const char *form, uint32_t block, const char *end, char *out, size_t size)
{
    size_t at = 0;
    for (; *form && at + 16 < size; form++) {
        if (strncmp(form, "{i}", 3) == 0) {
            at += (size_t) snprintf(out + at, size - at, "%u", block);
            form += 2;
        } else if (*form == '*') {
            at += (size_t) snprintf(out + at, size - at, "%s", end);
        } else {
            out[at++] = *form;
        }
    }
    out[at] = '\0';
}

static void set_rows(const nn_model_config *c, const row *r, const char *end, nn_causal_place *out)
{
    const nn_text_attention *t = &c->text.attention;
    const uint32_t q = c->heads * t->head_dim, kv = t->kv_heads * t->head_dim;
    const struct { uint32_t row, rows; } part[] = {
        [ROWS_ALL] = { 0, 0 }, [ROWS_Q] = { 0, q }, [ROWS_K] = { q, kv }, [ROWS_V] = { q + kv, kv },
        [ROWS_FIRST] = { 0, c->hidden }, [ROWS_SECOND] = { c->hidden, c->hidden },
    };
    out->row = part[r->rows].row;
    out->rows = part[r->rows].rows;
    out->is_transposed = r->is_transposed && strcmp(end, "weight") == 0;
}

static const char *skip_prefixes(const nn_model_config *c, const char *name)
{
    const char *const known[] = { "module.", "_orig_mod.", prefix_of(c) };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(name, known[i], strlen(known[i])) == 0) {
            name += strlen(known[i]);
            i = SIZE_MAX;
        }
    return name;
}

bool nn__causal_place_get(const nn_model_config *c, const char *theirs, nn_causal_place *out)
{
    const char *name = skip_prefixes(c, theirs), *end = "";
    uint32_t block = 0;
    *out = (nn_causal_place) { .name = "" };
    for (const row *r = rows_for(c); r->theirs; r++)
        if (is_of_form(r->theirs, name, &block, &end)) {
            if (r->ours)
                fill(r->ours, block, end, out->name, sizeof out->name);
            set_rows(c, r, end, out);
            return true;
        }
    return false;
}

bool nn__causal_name_get(const nn_model_config *c, const char *ours, uint32_t part, nn_causal_place *out,
                         char theirs[NN_MAX_NAME])
{
    const char *end = "";
    uint32_t block = 0, n = 0;
    for (const row *r = rows_for(c); r->theirs; r++)
        if (r->ours && is_of_form(r->ours, ours, &block, &end) && n++ == part) {
            *out = (nn_causal_place) { .name = "" };
            snprintf(out->name, sizeof out->name, "%s", ours);
            set_rows(c, r, end, out);
            const char *prefix = strcmp(r->ours, "head.weight") == 0 ? "" : prefix_of(c);
            memcpy(theirs, prefix, strlen(prefix));
            fill(r->theirs, block, end, theirs + strlen(prefix), NN_MAX_NAME - strlen(prefix));
            return true;
        }
    return false;
}
