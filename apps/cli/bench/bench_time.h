// bench_time.h — what all benchmarks share: one replay timed, a median.
#ifndef CLI_BENCH_TIME_H
#define CLI_BENCH_TIME_H

#include "vk/recording.h"

// Replay once and wait. A recording with a profile: the device time of its dispatches from `first` on. Else the
// device time of all of it; where the device has no timestamps, wall time, and `first` does not matter.
vkc_status bench_replay(vkc_device *dev, vkc_recording *rec, uint32_t first, double *ms);

double bench_median(double *ms, uint32_t n);            // sorts them

#endif
