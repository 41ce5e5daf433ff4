// distill_run.h — distillations as tests run them: silent, told of, with the result on the heap.
#ifndef TESTS_DISTILL_RUN_H
#define TESTS_DISTILL_RUN_H

#include "tests/pipeline/pipeline_run.h"

#include "pipeline/distill/distill.h"

#include <stdlib.h>

static inline pipeline_distill_result *run_distill(vkc_device *dev, const pipeline_distill_params *p, listener *l,
                                                   vkc_status want)
{
    const pipeline_context c = listen_context(dev, l);
    pipeline_distill_result *r = (pipeline_distill_result *) malloc(sizeof *r);
    assert_non_null(r);
    const silence quiet = silence_begin();
    const vkc_status st = pipeline_distill(&c, p, r);
    silence_end(quiet);
    assert_status(st, want);
    assert_false(l->is_odd);
    return r;
}

static inline void drop(pipeline_distill_result *r)
{
    pipeline_distill_finish(r);
    free(r);
}

#endif
