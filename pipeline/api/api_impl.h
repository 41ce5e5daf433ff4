// api_impl.h — what the files behind include/pare share: handles, growing structs, statuses, callbacks. Internal.
#ifndef PIPELINE_API_IMPL_H
#define PIPELINE_API_IMPL_H

#include <pare/pare.h>

#include "nn/data/class_map.h"
#include "nn/data/dataset.h"
#include "nn/models/model.h"
#include "nn/train/recipe.h"
#include "pipeline/base/context.h"
#include "pipeline/base/students.h"
#include "pipeline/train/tuning.h"
#include "pipeline/api/wrap.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pare_device {
    vkc_device    *vk;
    bool           is_borrowed;     // pipeline/api/wrap.h
    pare_notice_fn notice;
    void          *user;            // of `notice`
};

struct pare_data {
    nn_dataset *set;
    bool        is_borrowed;
};

struct pare_model {
    pare_device *device;
    nn_model    *nn;
    bool         is_borrowed;
    bool         is_random;         // made, not loaded
    char        *from;              // folder or architecture, owned
    char       (*mixer)[PIPELINE_LAYER_TEXT];   // (depth), owned
};

// base.c. A vkc_status as the public one.
pare_status pipeline__api_status(vkc_status st);

// Copy a struct of the caller's into `out` of `own` bytes, what it lacks zero; `in` NULL is one of zeros. E_ARG when it
// is smaller than `least`, which is its size in version 0.1, or when there is something in what this library lacks.
vkc_status  pipeline__api_take(const char *what, const void *in, size_t least, size_t own, void *out);
// The same for a struct to be filled: E_ARG without one, or when it is smaller than `least`; and filling it.
vkc_status  pipeline__api_check(const char *what, const void *out, size_t least);
void        pipeline__api_give(const void *from, size_t own, void *out);
// For structs as they were in version 0.1; one that has grown names its first size.
#define API_TAKE(in, out) pipeline__api_take(__func__, (in), sizeof *(out), sizeof *(out), (out))
#define API_TAKE_FROM(in, out, first) pipeline__api_take(__func__, (in), (first), sizeof *(out), (out))
#define API_CHECK(out) pipeline__api_check(__func__, (out), sizeof *(out))
#define API_CHECK_FROM(out, first) pipeline__api_check(__func__, (out), (first))
#define API_GIVE(from, out) pipeline__api_give((from), sizeof *(out), (out))
// E_ARG that names the argument which is NULL.
#define API_WANT(x) ((x) ? VKC_OK : VKC_FAIL(VKC_E_ARG, "%s: %s is NULL", __func__, #x))

typedef struct pipeline__api_call {     // what a pipeline is handed, for as long as the call lasts
    pare_callbacks   callbacks;
    pipeline_context context;           // whose user is this struct
    nn_compile_watch watch;
} pipeline__api_call;

// E_ARG as pipeline__api_take. `dev` may be NULL. Until the end the callbacks hear of kernels that are compiled.
vkc_status  pipeline__api_begin(const char *what, const pare_callbacks *callbacks, const pare_device *dev,
                                pipeline__api_call *out);
void        pipeline__api_end(pipeline__api_call *call);            // zeroed is fine
bool        pipeline__api_progress(void *call, const nn_progress *p);       // an nn_progress_fn

// A number of which 0 means the usual and less means none. NaN stays NaN, to be refused.
static inline double pipeline__api_or(double x, double usual)
{
    return x < 0.0 ? 0.0 : x == 0.0 ? usual : x;
}

// data.c. The split of a name; of NULL pipeline_choose_split.
vkc_status  pipeline__api_check_pillow(uint32_t pillow);        // 0, 12 or 13
vkc_status  pipeline__api_split(const pipeline_context *c, const pare_data *data, const nn_model *m, const char *split,
                                nn_split usual, nn_split *out);
vkc_status  pipeline__api_labels(pare_labels labels, nn_labels *out);           // E_ARG for what is none

// recipe.c. `out` is the usual one, and stays so where NULL or 0 is given.
vkc_status  pipeline__api_recipe(const pare_recipe *in, nn_recipe *out);

// tuning.c. Settings over the usual ones that are there; NULL leaves those. E_ARG in words.
vkc_status  pipeline__api_tuning(const pare_tuning *in, pipeline_tuning *out);

#ifdef __cplusplus
}
#endif
#endif
