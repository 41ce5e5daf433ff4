// cmd_study.c — pare study groups: correlates the sparsity of layers with the cost of replacing them. pare study
// teachers: correlates the keep ratio of teachers with the gap to their students. pare study orders: the order in which
// layers are replaced, mixer by mixer.
#include "apps/cli/options/keep_option.h"
#include "apps/cli/core/list.h"
#include "apps/cli/options/tune_options.h"
#include "apps/cli/print/print.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct study_args {
    common_args common;
    data_args   d;
    const char *mixer, *from, *by, *keys, *keep, *policy, *out;
    tune_options tune;              // 0 epochs = no tuning
    bool        resume, force;
    pipeline_study_params p;        // the rest
} study_args;

typedef struct study {              // a command's options read, its data set and device
    const study_args *a;
    text_list   mixer, from;
    pipeline_study_params p;
    pipeline_context c;
    nn_dataset *data;
} study;

enum { GROUPS = 1, TEACHERS = 2, ORDERS = 4 };      // kinds of study

// What says nothing about a study of this kind.
static vkc_status check_options(const study_args *a, unsigned kind)
{
    const struct { const char *name; bool is_given; unsigned kinds; } options[] = {
        { "by", a->by, GROUPS | ORDERS },              { "keys", a->keys, GROUPS | ORDERS },
        { "groups", a->p.groups, GROUPS },             { "images", a->p.images, GROUPS | ORDERS },
        { "from", a->from, GROUPS | ORDERS },          { "keep", a->keep, TEACHERS },
        { "policy", a->policy, TEACHERS },             { "retain-epochs", a->p.retain_epochs, TEACHERS },
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].is_given && !(options[i].kinds & kind))
            return VKC_FAIL(VKC_E_ARG, "--%s is for a study of %s", options[i].name,
                            options[i].kinds == TEACHERS ? "teachers" :
                            options[i].kinds == GROUPS ? "groups" : "groups or orders");
    return VKC_OK;
}

static vkc_status read_options(study *s, unsigned kind)
{
    const study_args *a = s->a;
    pipeline_study_params *p = &s->p;
    vkc_status st;
    *p = a->p;
    VKC_TRY(check_options(a, kind));
    p->place = (pipeline_place) { .run = a->out, .resume = a->resume, .force = a->force };
    p->seed = a->common.seed;
    if (a->by)
        VKC_TRY(distill_measure_get(a->by, &p->by));
    if (a->keys)
        VKC_TRY(distill_keys_get(a->keys, &p->keys));
    if (!a->out)
        return VKC_FAIL(VKC_E_ARG, "-o is missing: the run folder of the study");
    VKC_TRY(nn_split_get(a->d.split, &p->split));
    VKC_TRY(tune_read(&a->tune, "tune-", &p->tune));
    if (a->keep)
        VKC_TRY(keep_read(a->keep, p->keep, &p->n_keep));
    if (a->policy)
        VKC_TRY(nn_policy_get(a->policy, &p->policy));
    VKC_TRY(list_split(a->mixer, &s->mixer));
    VKC_TRY(list_split(a->from, &s->from));
    p->mixer = s->mixer.item;
    p->n_mixers = s->mixer.n;
    p->from = s->from.item;
    p->n_from = s->from.n;
    VKC_TRY(data_open(&a->d, &s->data));
    p->data = data_of(&a->d, s->data);
done:
    return st;
}

static vkc_status run_groups(study *s, const char *teacher)
{
    pipeline_groups_result *r = calloc(1, sizeof *r);
    vkc_status st;
    if (!r)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    VKC_TRY(pipeline_groups_check(&s->c, &s->p));
    VKC_TRY(app_open(&s->a->common, &s->c.dev));
    VKC_TRY(pipeline_groups(&s->c, &s->p, teacher, r));
    console_clear();
    if (s->a->common.json)
        st = app_print_json(json_incref(r->json));
    else if ((st = print_groups_result(stdout, r)) == VKC_OK)
        st = app_flush();
done:
    pipeline_groups_finish(r);
    free(r);
    return st;
}

static vkc_status run_teachers(study *s, char **dir, uint32_t n)
{
    pipeline_teachers_result *r = calloc(1, sizeof *r);
    vkc_status st;
    if (!r)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    VKC_TRY(pipeline_teachers_check(&s->c, &s->p));
    VKC_TRY(app_open(&s->a->common, &s->c.dev));
    VKC_TRY(pipeline_teachers(&s->c, &s->p, (const char *const *) dir, n, r));
    console_clear();
    if (s->a->common.json)
        st = app_print_json(json_incref(r->json));
    else if ((st = print_teachers_result(stdout, r)) == VKC_OK)
        st = app_flush();
done:
    pipeline_teachers_finish(r);
    free(r);
    return st;
}

static vkc_status run_orders(study *s, const char *teacher)
{
    pipeline_orders_result *r = calloc(1, sizeof *r);
    vkc_status st;
    if (!r)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    VKC_TRY(pipeline_orders_check(&s->c, &s->p));
    VKC_TRY(app_open(&s->a->common, &s->c.dev));
    VKC_TRY(pipeline_orders(&s->c, &s->p, teacher, r));
    console_clear();
    if (s->a->common.json)
        st = app_print_json(json_incref(r->json));
    else if ((st = print_orders_result(stdout, r)) == VKC_OK)
        st = app_flush();
done:
    pipeline_orders_finish(r);
    free(r);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    const char *which = words->word[0];
    const uint32_t n = (uint32_t) words->n - 1;
    study s = { .a = options, .c = app_context(NULL) };
    const bool is_groups = strcmp(which, "groups") == 0 && n == 1;
    const bool is_teachers = strcmp(which, "teachers") == 0 && n >= 1;
    const bool is_orders = strcmp(which, "orders") == 0 && n == 1;
    if (!is_groups && !is_teachers && !is_orders)
        return VKC_FAIL(VKC_E_ARG, "usage: pare study groups M --data D --mixer X -o RUN, or pare study teachers M ... "
                                   "--data D --mixer X -o RUN, or pare study orders M --data D --mixer X,Y -o RUN");
    vkc_status st = read_options(&s, is_groups ? GROUPS : is_orders ? ORDERS : TEACHERS);
    if (st == VKC_OK)
        st = is_groups ? run_groups(&s, words->word[1]) : is_orders ? run_orders(&s, words->word[1])
                                                                    : run_teachers(&s, words->word + 1, n);
    app_close(s.c.dev);
    nn_dataset_destroy(s.data);
    text_list_free(&s.mixer);
    text_list_free(&s.from);
    return st;
}

#define AT(member) offsetof(study_args, member)
static const arg table[] = {
    DATA_ROW(study_args), SPLIT_ROW(study_args, "val"), LABELS_ROW(study_args),
    { "mixer", 'm', ARG_TEXT, AT(mixer), 0, 0, "X[,X]", "mixers that replace attention, each studied separately" },
    { "out", 'o', ARG_OUT, AT(out), 0, 0, "RUN", "run folder to write" },
    { "resume", 0, ARG_FLAG, AT(resume), 0, 0, NULL, "resume from the run folder" },
    { "force", 'f', ARG_FLAG, AT(force), 0, 0, NULL, "overwrite an existing run" },
    { "seeds", 0, ARG_U32, AT(p.seeds), 1, 64, "N", "transfers per mixer, seeds counted from --seed [3]" },
    BATCH_ROW(study_args, "64"),
    { "epochs", 'e', ARG_U32, AT(p.epochs), 1, 100000, "N", "epochs of each transfer [3]" },
    { "lr", 0, ARG_REAL, AT(p.lr), 1e-12, 100, "X", "peak learning rate of the transfer [1e-2]" },
    { "weight-decay", 0, ARG_REAL, AT(p.weight_decay), 0, 100, "X", "weight decay of matrices [0]" },
    { "match-epochs", 0, ARG_U32, AT(p.match_epochs), 0, 100000, "N",
      "epochs of matching feature maps to the attention weights first [0]" },
    { "match-lr", 0, ARG_REAL, AT(p.match_lr), 1e-12, 100, "X", "peak learning rate of the matching [1e-2]" },
    TUNE_ROWS(study_args, tune, "tune-", "0"),
    { "by", 0, ARG_TEXT, AT(by), 0, 0, "MEASURE", "groups, orders: sparsity measure that orders layers [mass90]" },
    { "keys", 0, ARG_TEXT, AT(keys), 0, 0, "K",
      "groups, orders: keys to count, all or patches (without the class token) [all]" },
    { "groups", 0, ARG_U32, AT(p.groups), 1, NN_MAX_DEPTH, "G",
      "groups: number of groups of each kind [4, 3 or 2 of equal size]" },
    { "images", 0, ARG_U32, AT(p.images), 1, 1e9, "N",
      "groups, orders: measure sparsity on at most N images of val [1000]" },
    { "from", 0, ARG_MODELS, AT(from), 0, 0, "S[,S]",
      "groups, orders: students with all attention replaced, in place of --mixer" },
    { "keep", 'k', ARG_TEXT, AT(keep), 0, 0, "X,X",
      "teachers: make them from M with these keep ratios; 1 = M itself" },
    { "policy", 0, ARG_TEXT, AT(policy), 0, 0, "P", "teachers: pruning policy of --keep, halting or topk [halting]" },
    { "retain-epochs", 0, ARG_U32, AT(p.retain_epochs), 1, 100000, "N",
      "teachers: epochs of fine-tuning for --keep [halting: 4, topk: 0]" },
    { "max-steps", 0, ARG_U32, AT(p.max_steps), 1, 4e9, "N", "stop each training after N steps, as Ctrl-C does" },
    FINITE_ROWS(study_args, "on in training"), THREADS_ROW(study_args), LIMIT_ROW(study_args),
    { 0 },
};
static const study_args defaults = {
    .d = { .batch = 64, .split = "val" }, .tune = TUNE_DEFAULTS(0),
    .p = PIPELINE_STUDY_DEFAULTS,
};
const command cmd_study = {
    .name = "study", .help = "relate attention sparsity to the cost of replacing attention; orders of replacement",
    .usage = "groups M --data D --mixer X[,X] -o RUN, or pare study teachers M ... [--keep 1,0.8,0.6], or pare study "
             "orders M",
    .table = table, .defaults = &defaults, .options_size = sizeof defaults, .uses = COMMAND_ALL, .min_words = 1,
    .max_words = 64, .model_from = 1, .model_to = INT_MAX, .run = run,
    .about = "groups: sorts layers by sparsity, cuts the order into groups and replaces each group alone, at equal\n"
             "training cost; contiguous groups and depth are the controls. teachers: replaces all attention of each\n"
             "teacher and compares the gap to its student with the teacher's keep ratio. orders: searches all layers\n"
             "with each mixer and says how far the orders of replacement agree. Ctrl-C stops; the same command with\n"
             "--resume continues to the same figures, which docs/study.md explains.",
    .print_more = app_print_mixers,
};
