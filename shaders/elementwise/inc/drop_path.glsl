// drop_path.glsl — does image b keep the branch? The same bits forward and backward, so nothing is stored.
#include "shaders/inc/rng.glsl"

bool drop_path_keeps(uvec2 key, drop_path_args a, uint b)
{
    return rng_uniform(key, a.stream, b) >= a.rate;
}
