// launches.glsl — the indirect commands of a layout's launches, see rows_plan_args in rows_layout.h.
#define LAUNCHES(BINDING) \
    layout(binding = BINDING) readonly buffer Launches { uint launch[]; }      /* (n_launches, 3) tile_rows, y, z */
#define COMMANDS(BINDING) \
    layout(binding = BINDING) writeonly buffer Commands { uint command[]; }    /* (n_launches, 3) x, y, z */

#define PLAN_LAUNCH(i, n, max_x) {                                      \
    uint tile = launch[3u * (i)];                                       \
    command[3u * (i)] = min(((n) + tile - 1u) / tile, (max_x));         \
    command[3u * (i) + 1u] = launch[3u * (i) + 1u];                     \
    command[3u * (i) + 2u] = launch[3u * (i) + 2u];                     \
}
