// cmd_classify.c — pare classify: the most probable labels of pictures, a line each.
#include "apps/cli/policy.h"
#include "apps/cli/show.h"
#include "nn/classify.h"
#include "nn/positions.h"

#include <limits.h>
#include <stdio.h>

#define MAX_TOP 100

typedef struct classify_args {
    common_args common;
    uint32_t top;
    nn_size img_size;
    const char *policy, *show;
    bool force;
} classify_args;

static json_t *build_image(const char *file, const nn_top *top, uint32_t k)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < k; i++)
        json_array_append_new(list, json_pack("{s:s, s:f}", "label", top[i].label, "p", top[i].p));
    json_t *name = json_string(file);   // a file's name need not be UTF-8
    return json_pack("{s:o, s:o}", "file", name ? name : json_null(), "top", list);
}

static void print_image(const char *file, const nn_top *top, uint32_t k)
{
    printf("%s: ", file);
    for (uint32_t i = 0; i < k; i++)
        printf("%s %s %.1f %%", i ? "," : "", top[i].label, 100.0 * top[i].p);
    putchar('\n');
}

static vkc_status draw(nn_sheet *sheet, const nn_classifier *c, const nn_model_config *cfg)
{
    const uint32_t *words[NN_MAX_DEPTH] = { 0 };
    for (uint32_t l = 0; l < cfg->depth; l++)
        words[l] = nn_classifier_kept(c, l);
    return show_add(sheet, cfg, nn_classifier_rgb(c), words, 0);
}

static vkc_status run(const void *options, const args_words *words)
{
    const classify_args *a = options;
    vkc_device *dev = NULL;
    nn_vit *v = NULL;
    nn_classifier *c = NULL;
    nn_sheet *sheet = NULL;
    json_t *images = json_array();
    vkc_status st;
    int bad = 0;
    VKC_TRY(show_check("--show", a->show, a->force));
    VKC_TRY(app_open(&a->common, &dev));
    VKC_TRY(nn_vit_load_at(dev, words->word[0], a->img_size, false, &v));
    VKC_TRY(policy_apply(a->policy, words->word[0], &v->cfg));
    VKC_TRY(nn_classifier_create_of(v, a->show != NULL, &c));
    if (a->show)
        VKC_TRY(show_create(&v->cfg, &sheet));
    uint32_t k = a->top < nn_classifier_classes(c) ? a->top : nn_classifier_classes(c);
    for (int i = 1; i < words->n && !console_is_stopped(); i++) {
        nn_top top[MAX_TOP];
        st = nn_classifier_run(c, words->word[i], k, top);
        if (st == VKC_E_FORMAT || st == VKC_E_IO) {     // this picture is bad; the next may be good
            warn_failure();
            bad++;
            continue;
        }
        if (st != VKC_OK)
            goto done;
        if (sheet)
            VKC_TRY(draw(sheet, c, &v->cfg));
        if (a->common.json)
            json_array_append_new(images, build_image(words->word[i], top, k));
        else
            print_image(words->word[i], top, k);
    }
    st = sheet ? show_save(sheet, &v->cfg, a->show) : VKC_OK;
    if (st == VKC_OK && a->common.json)
        VKC_TRY(app_print_json(json_pack("{s:O}", "images", images)));
    if (st == VKC_OK && bad > 0)
        st = VKC_FAIL(VKC_E_FORMAT, "%d of %d pictures could not be read", bad, words->n - 1);
done:
    json_decref(images);
    nn_sheet_destroy(sheet);
    nn_classifier_destroy(c);
    nn_vit_destroy(v);
    app_close(dev);
    return st;
}

static const arg table[] = {
    { "top", 'k', ARG_U32, offsetof(classify_args, top), 1, MAX_TOP, "K", "labels a picture [3]" },
    POLICY_ROW(classify_args), IMG_SIZE_ROW(classify_args), SHOW_ROWS(classify_args),
    { 0 },
};
static const classify_args defaults = { .top = 3 };
const command cmd_classify = {
    .name = "classify", .help = "the most probable labels of pictures", .usage = "M IMAGE...", .table = table,
    .defaults = &defaults, .options_size = sizeof defaults, .min_words = 2, .max_words = INT_MAX, .run = run,
};
