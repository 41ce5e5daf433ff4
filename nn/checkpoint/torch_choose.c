// torch_choose.c — which dict of a checkpoint has the weights, and what lies beside it.
#include "nn/checkpoint/torch_impl.h"

#include <stdio.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/checkpoint/weights_impl.h"

#define MAX_NESTED 4
#define MAX_LISTED 6

// What programs call the weights, those that are read first in front.
static const char *const names[] = {
    "state_dict_ema", "model_ema", "ema_state_dict", "ema", "params_ema", "teacher", "state_dict", "model",
    "model_state_dict", "model_state", "module", "student", "net", "network", "weights", "params",
};
#define N_NAMES (sizeof names / sizeof *names)

// To make a file of weights alone of a whole module; it runs what the file says.
#define MODULE_LINE \
    "import sys, torch; from safetensors.torch import save_file; " \
    "m = torch.load(sys.argv[2], map_location='cpu', weights_only=False); " \
    "m = next((m[k] for k in ('ema', 'model', 'module', 'net') if m.get(k) is not None), m) if isinstance(m, dict) " \
    "else m; save_file({k: v.detach().clone().contiguous() for k, v in m.state_dict().items()}, sys.argv[1], " \
    "metadata={'format': 'pt'})"

static const nn_pk_item *get_first(const nn_pk_value *v)
{
    return v->kind == NN_PK_DICT ? v->as.items.first : NULL;
}

static const char *get_key(const nn_pk_item *i)
{
    return nn_pk_is_text(i->key) && nn_is_printable(i->key->as.text.at) ? i->key->as.text.at : NULL;
}

static size_t find_name(const char *key)
{
    for (size_t i = 0; i < N_NAMES; i++)
        if (strcmp(names[i], key) == 0)
            return i;
    return N_NAMES;
}

static bool has_direct(const nn_pk_value *v)
{
    for (const nn_pk_item *i = get_first(v); i != NULL; i = i->next)
        if (i->value->kind == NN_PK_TENSOR && i->key->kind == NN_PK_TEXT)
            return true;
    return false;
}

// Tensors, or under one of the names a dict of tensors.
static bool has_tensors(const nn_pk_value *v)
{
    uint32_t seen = 0;
    if (has_direct(v))
        return true;
    for (const nn_pk_item *i = get_first(v); i != NULL; i = i->next) {
        const size_t name = get_key(i) != NULL ? find_name(get_key(i)) : N_NAMES;
        if (name == N_NAMES || seen & 1u << name)
            continue;
        seen |= 1u << name;         // each once, however often it is there
        if (has_direct(i->value))
            return true;
    }
    return false;
}

// The entry of the first of the names that holds tensors; without one, and where no tensors lie beside it, the only one
// that does. NULL: none; *n of them.
static const nn_pk_item *find_child(const nn_pk_value *v, uint32_t *n)
{
    const nn_pk_item *best[N_NAMES] = { NULL }, *only = NULL;
    *n = 0;
    for (const nn_pk_item *i = get_first(v); i != NULL; i = i->next) {
        if (get_key(i) == NULL || i->value->kind != NN_PK_DICT)
            continue;
        const size_t name = find_name(get_key(i));
        if (name < N_NAMES)
            best[name] = i;
        else if (*n < 2 && has_direct(i->value))
            only = i, ++*n;
    }
    for (size_t i = 0; i < N_NAMES; i++)
        if (best[i] != NULL && has_tensors(best[i]->value))
            return best[i];
    return *n == 1 && !has_direct(v) ? only : NULL;
}

// Takes off a character of UTF-8 that was cut in its middle, which no JSON takes.
static void trim(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && ((unsigned char) text[n - 1] & 0xc0) == 0x80)
        n--;
    if (n > 0 && !nn_is_utf8(text + n - 1))
        text[n - 1] = '\0';
}

static void append(char *text, size_t size, const char *before, const char *key, const char *more)
{
    const size_t at = strlen(text);
    char shown[61];
    snprintf(shown, sizeof shown, "%s", key);
    trim(shown);
    snprintf(text + at, size - at, "%s%s%s%s%s", before, shown, *more ? " (" : "", more, *more ? ")" : "");
    trim(text);
}

// Append to a list of the first few.
static void list(char *text, size_t size, uint32_t *n, const char *key, const char *more)
{
    const size_t at = strlen(text);
    if (*n < MAX_LISTED)
        append(text, size, *n > 0 ? ", " : "", key, more);
    else if (*n == MAX_LISTED)
        snprintf(text + at, size - at, " and more");
    ++*n;
}

static void list_keys(const nn_pk_value *v, char *text, size_t size)
{
    uint32_t n = 0;
    text[0] = '\0';
    for (const nn_pk_item *i = get_first(v); i != NULL && n <= MAX_LISTED; i = i->next)
        if (get_key(i) != NULL)
            list(text, size, &n, get_key(i), "");
}

static void list_others(const nn_pk_value *v, const nn_pk_value *chosen, nn_torch_choice *c)
{
    uint32_t n = 0;
    for (const nn_pk_item *i = get_first(v); i != NULL && n <= MAX_LISTED; i = i->next)
        if (get_key(i) != NULL && i->value != chosen && has_tensors(i->value))
            list(c->others, sizeof c->others, &n, get_key(i), "");
}

static void list_ignored(const nn_pk_value *v, uint32_t *n, nn_torch_choice *c)
{
    char what[60];
    for (const nn_pk_item *i = get_first(v); i != NULL && *n <= MAX_LISTED; i = i->next)
        if (get_key(i) != NULL && i->value->kind == NN_PK_OBJECT)
            list(c->ignored, sizeof c->ignored, n, get_key(i), nn_pk_describe(i->value, what, sizeof what));
}

// A member of a dict, or of an object that was made of one: argparse.Namespace.
static const nn_pk_value *get_member(const nn_pk_value *v, const char *key)
{
    if (v != NULL && v->kind == NN_PK_OBJECT) {
        const nn_pk_value made = { .kind = NN_PK_DICT, .as.items = v->as.object.items };
        const nn_pk_value *found = nn_pk_get(&made, key);
        return found != NULL ? found : nn_pk_get(v->as.object.state, key);
    }
    return nn_pk_get(v, key);
}

static void find_arch(const nn_pk_value *root, nn_torch_choice *c)
{
    static const char *const rooms[] = { NULL, "args", "hyper_parameters", "config" },
                      *const keys[] = { "arch", "model_name", "model" };
    for (size_t r = 0; r < 4; r++) {
        const nn_pk_value *room = rooms[r] != NULL ? nn_pk_get(root, rooms[r]) : root;
        for (size_t k = 0; k < 3 && !*c->arch; k++) {
            const nn_pk_value *v = get_member(room, keys[k]);
            if (nn_pk_is_text(v) && v->as.text.len < sizeof c->arch && nn_is_printable(v->as.text.at))
                memcpy(c->arch, v->as.text.at, v->as.text.len + 1);
        }
    }
}

static vkc_status fail_choice(const char *where, const nn_pk_value *v, const char *inside, uint32_t n)
{
    char what[200], keys[480], line[NN_MAX_LINE];
    const nn_pk_value *module = v->kind == NN_PK_OBJECT ? v : NULL;
    for (const nn_pk_item *i = get_first(v); i != NULL && module == NULL; i = i->next)
        if (get_key(i) != NULL && i->value->kind == NN_PK_OBJECT && find_name(get_key(i)) < N_NAMES)
            module = i->value;
    if (module != NULL) {
        nn__convert_line(MODULE_LINE, where, line, sizeof line);
        return VKC_FAIL(VKC_E_FORMAT, "%s: holds an object of the class %s where a state dict is wanted; nothing in a "
                        "file is run here. If it is a module, and you trust the file, this writes its weights: %s",
                        where, nn_pk_describe(module, what, sizeof what), line);
    }
    if (v->kind != NN_PK_DICT)
        return VKC_FAIL(VKC_E_FORMAT, "%s: holds %s%s%s where a state dict is wanted", where,
                        nn_pk_describe(v, what, sizeof what), *inside ? " under " : "", inside);
    list_keys(v, keys, sizeof keys);
    return VKC_FAIL(VKC_E_FORMAT, "%s: %s%s has %s; its entries are: %s%s", where, *inside ? "the entry " : "the file",
                    inside, n > 1 ? "several dicts of tensors" : "no tensors", *keys ? keys : "none",
                    n > 1 ? "; --checkpoint-key chooses one" : "");
}

static const nn_pk_item *find_key(const nn_pk_value *v, const char *key)
{
    const nn_pk_item *found = NULL;
    for (const nn_pk_item *i = get_first(v); i != NULL; i = i->next)
        if (get_key(i) != NULL && strcmp(get_key(i), key) == 0)
            found = i;
    return found;
}

vkc_status nn__torch_choose(const char *where, const nn_pk_value *root, const char *key, nn_torch_choice *out)
{
    const nn_pk_value *at = root;
    nn_torch_choice c = { .dict = NULL };
    uint32_t n = 0, n_ignored = 0;
    for (int depth = 0;; depth++) {
        const bool is_asked = depth == 0 && key != NULL;
        const nn_pk_item *child = is_asked ? find_key(at, key) : depth < MAX_NESTED ? find_child(at, &n) : NULL;
        if (is_asked && child == NULL) {
            char keys[480];
            list_keys(at, keys, sizeof keys);
            return VKC_FAIL(VKC_E_FORMAT, "%s: has no entry %.60s; its entries are: %s", where,
                            nn_is_printable(key) ? key : "?", *keys ? keys : "none");
        }
        list_ignored(at, &n_ignored, &c);
        if (child == NULL)
            break;
        append(c.key, sizeof c.key, *c.key ? "." : "", get_key(child), "");
        if (depth == 0)
            list_others(at, child->value, &c);
        at = child->value;
    }
    if (!has_direct(at))
        return fail_choice(where, at, c.key, n);
    find_arch(root, &c);
    c.dict = at;
    *out = c;
    return VKC_OK;
}
