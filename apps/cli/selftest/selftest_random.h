// selftest_random.h — small models of random values for pare selftest: one a mixer, one a retention policy, and a
// training step. They have no reference outputs; each of their calls is compared with its reference.
#ifndef CLI_SELFTEST_RANDOM_H
#define CLI_SELFTEST_RANDOM_H

#include "vk/device.h"

// The name of model `i`, a mixer's or policy's or "training"; NULL at the end.
const char *selftest_random_name(uint32_t i);
// Run it on a device that is checked (nn/graph/check.h).
vkc_status  selftest_random_run(vkc_device *dev, uint32_t i, uint64_t seed);

#endif
