// classify.c — classifies a picture with the installed library: classify MODEL_FOLDER PICTURE.
#include <stdio.h>
#include "nn/infer/classify.h"

int main(int argc, char **argv)
{
    nn_top top[3];
    if (argc != 3 || nn_classify_file(argv[1], argv[2], 3, top) != VKC_OK)
        return fprintf(stderr, "%s\n", vkc_last_error()), 1;
    for (int i = 0; i < 3; i++)
        printf("%5.1f %%  %s\n", 100.0 * (double) top[i].p, top[i].label);
    return 0;
}
