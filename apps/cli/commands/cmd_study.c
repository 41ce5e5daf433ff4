// cmd_study.c — pare study groups: does sparser attention cost less to replace? pare study teachers: does a sparser
// teacher narrow the gap to its student?
#include "apps/cli/study/study_groups.h"
#include "apps/cli/study/study_teachers.h"

#include <stdlib.h>
#include <string.h>

static vkc_status run(const void *options, const args_words *words)
{
    const char *which = words->word[0];
    const uint32_t n = (uint32_t) words->n - 1;
    vkc_status st;
    study_work *w = (study_work *) calloc(1, sizeof *w);
    if (!w)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    w->a = options;
    if (strcmp(which, "groups") == 0 && n == 1)
        st = study_groups_run(w, words->word[1]);
    else if (strcmp(which, "teachers") == 0 && n >= 1)
        st = study_teachers_run(w, words->word + 1, n);
    else
        st = VKC_FAIL(VKC_E_ARG, "usage: pare study groups M --data D --mixer X -o RUN, or pare study teachers M ... "
                                 "--data D --mixer X -o RUN");
    if (st == VKC_E_STOPPED && w->log)
        run_say_stopped(&w->run);
    study_close(w);
    free(w);
    return st;
}

#define AT(member) offsetof(study_args, member)
static const arg table[] = {
    DATA_ROW(study_args), SPLIT_ROW(study_args),
    { "mixer", 'm', ARG_TEXT, AT(mixer), 0, 0, "X[,X]", "what replaces attention, each in a study of its own" },
    { "out", 'o', ARG_TEXT, AT(out), 0, 0, "RUN", "run folder to write" },
    { "resume", 0, ARG_FLAG, AT(resume), 0, 0, NULL, "continue the study of the run folder" },
    { "force", 'f', ARG_FLAG, AT(force), 0, 0, NULL, "replace a study that is there" },
    { "seeds", 0, ARG_U32, AT(seeds), 1, 64, "N", "transfers of each mixer, with seeds from --seed on [3]" },
    BATCH_ROW(study_args, "64"),
    { "epochs", 'e', ARG_U32, AT(epochs), 1, 100000, "N", "of each transfer [3]" },
    { "lr", 0, ARG_REAL, AT(lr), 1e-12, 100, "X", "highest learning rate of the transfer [1e-2]" },
    { "weight-decay", 0, ARG_REAL, AT(weight_decay), 0, 100, "X", "of matrices [0]" },
    { "match-epochs", 0, ARG_U32, AT(match_epochs), 0, 100000, "N",
      "that match learned features to the attention weights first [0]" },
    { "match-lr", 0, ARG_REAL, AT(match_lr), 1e-12, 100, "X", "highest learning rate of the matching [1e-2]" },
    TUNE_ROWS(study_args, tune, "tune-", "0"),
    { "by", 0, ARG_TEXT, AT(by), 0, 0, "MEASURE", "groups: the measure of sparsity that orders layers [mass90]" },
    { "keys", 0, ARG_TEXT, AT(keys), 0, 0, "K", "groups: all, or patches: without the class token's column [all]" },
    { "groups", 0, ARG_U32, AT(groups), 1, NN_MAX_DEPTH, "G",
      "groups: so many of each kind [4, 3 or 2 of equal size]" },
    { "images", 0, ARG_U32, AT(images), 1, 1e9, "N", "groups: pictures of val to measure sparsity on [1000]" },
    { "from", 0, ARG_TEXT, AT(from), 0, 0, "S[,S]",
      "groups: students with all attention replaced, in place of --mixer and its transfers" },
    { "keep", 'k', ARG_TEXT, AT(keep), 0, 0, "X,X",
      "teachers: made from M, with these shares of patches kept; 1 = M itself" },
    { "policy", 0, ARG_TEXT, AT(policy), 0, 0, "P", "teachers: of --keep, halting or topk [halting]" },
    { "retain-epochs", 0, ARG_U32, AT(retain_epochs), 1, 100000, "N",
      "teachers: of --keep, epochs of fine-tuning [halting: 4, topk: 0]" },
    { "max-steps", 0, ARG_U32, AT(max_steps), 1, 4e9, "N", "stop any training after N steps, as Ctrl-C does" },
    FINITE_ROWS(study_args, "on in training"), THREADS_ROW(study_args), LIMIT_ROW(study_args),
    { 0 },
};
static const study_args defaults = {
    .d = { .batch = 64, .split = "val" }, .seeds = 3, .epochs = 3, .lr = 1e-2, .match_lr = 1e-2, .by = "mass90",
    .keys = "all", .policy = "halting",
    .tune = TUNE_DEFAULTS(0),
};
const command cmd_study = {
    .name = "study", .help = "does sparsity tell what replacing attention costs?",
    .usage = "groups M --data D --mixer X[,X] -o RUN, or pare study teachers M ... [--keep 1,0.8,0.6]",
    .table = table, .defaults = &defaults, .options_size = sizeof defaults, .min_words = 1, .max_words = 64, .run = run,
    .about = "groups: layers in the order of their sparsity, cut into groups; each is replaced alone, all at the same "
             "cost in\ntraining. Contiguous groups and depth are the controls. teachers: all attention of each is "
             "replaced; the gap\nto its student against the share of tokens it keeps. Ctrl-C stops, the same command "
             "with --resume goes on to\nthe same figures. docs/study.md says how to read them.",
    .print_more = app_print_mixers,
};
