// model_config_scores.c — what the numbers that come out of a model mean: scores of classes that exclude each other or
// do not, predicted numbers, features.
#include "nn/models/config/model_config_impl.h"

#include <string.h>

#include "nn/base/json.h"

static const char *const names[] = {            // transformers' words, in the order of nn_scores
    "single_label_classification", "multi_label_classification", "regression",
};

const char *nn__scores_name(nn_scores scores)
{
    return scores == NN_SCORES_SOFTMAX ? NULL : names[scores];
}

vkc_status nn__scores_read(const char *where, struct json_t *root, nn_model_config *c)
{
    const char *word;
    c->scores = NN_SCORES_SOFTMAX;
    if (c->headless || c->outputs_embedding)
        return VKC_OK;
    if (nn_json_has(root, "problem_type")) {
        size_t i = 0;
        const vkc_status st = nn_json_get_string(where, root, "problem_type", 60, &word);
        if (st != VKC_OK)
            return st;
        while (i < sizeof names / sizeof names[0] && strcmp(names[i], word) != 0)
            i++;
        if (i == sizeof names / sizeof names[0])
            return VKC_FAIL(VKC_E_FORMAT, "%s: problem_type is %s; %s, %s and %s are known", where, word, names[0],
                            names[1], names[2]);
        c->scores = (nn_scores) i;
    }
    if (c->scores == NN_SCORES_NONE)
        nn_model_config_note(c, "%s: problem_type is regression: the model predicts %u number%s, no classes", where,
                             c->classes, c->classes == 1 ? "" : "s");
    else if (c->scores == NN_SCORES_SIGMOID)
        nn_model_config_note(c, "%s: problem_type is multi_label_classification: scores are sigmoids, each class by "
                             "itself", where);
    else if (c->classes == 1)
        nn_model_config_note(c, "%s: the model has one class, whose score is a sigmoid", where);
    return VKC_OK;
}

nn_scores nn_model_config_scores(const nn_model_config *c)
{
    const bool is_single = c->classes == 1 && c->projection_dim == 0;
    return c->scores == NN_SCORES_SOFTMAX && is_single ? NN_SCORES_SIGMOID : c->scores;
}

bool nn_model_config_has_scores(const nn_model_config *c)
{
    return c->projection_dim > 0 || !(c->headless || c->outputs_embedding || c->scores == NN_SCORES_NONE);
}

vkc_status nn_model_config_check_scores(const nn_model_config *c)
{
    if (nn_model_config_has_scores(c))
        return VKC_OK;
    if (!c->headless && !c->outputs_embedding)
        return VKC_FAIL(VKC_E_ARG, "the model has no classes: it predicts %u number%s (problem_type is regression)",
                        c->classes, c->classes == 1 ? "" : "s");
    return VKC_FAIL(VKC_E_ARG,
                    "the model has no classifier: it gives %u numbers a picture; "
                    "class vectors (--class-vectors FILE) make classes of them",
                    c->classes);
}

vkc_status nn_model_config_check_exclusive(const nn_model_config *c)
{
    if (nn_model_config_scores(c) != NN_SCORES_SIGMOID)
        return VKC_OK;
    return VKC_FAIL(VKC_E_ARG, "the model's scores are sigmoids, each of its %u class%s by itself, and training is for "
                    "one class a picture", c->classes, c->classes == 1 ? "" : "es");
}
