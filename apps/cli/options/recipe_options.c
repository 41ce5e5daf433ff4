// recipe_options.c — options of a training recipe that exclude each other.
#include "apps/cli/options/recipe_options.h"

vkc_status recipe_check(const char *pre, const nn_recipe *r, double lr, double usual)
{
    const bool has_lr = lr < usual || lr > usual;
    if (r->rates.base > 0 && has_lr)
        return VKC_FAIL(VKC_E_ARG, "--%slr and --%slr-base: want one of the two", pre, pre);
    if (r->rates.base_size && !(r->rates.base > 0))
        return VKC_FAIL(VKC_E_ARG, "--%slr-base-size goes with --%slr-base", pre, pre);
    return VKC_OK;
}
