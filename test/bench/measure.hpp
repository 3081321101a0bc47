// measure: clocks, work to do, and what the kernel says about this process.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace bench {

using clock = std::chrono::steady_clock;

double nanoseconds_since(clock::time_point start);
double milliseconds_since(clock::time_point start);

// User and system time of the whole process so far.
double cpu_milliseconds();

// Resident memory and page tables of this process: what its fibers really cost.
double memory_bytes();

// Keeps the CPU busy until `d` of wall clock time has passed. Never blocks.
void spin_for(std::chrono::nanoseconds d);

// Keeps the CPU busy with a fixed amount of work: a chain of multiplications, each of which needs the one before.
void compute(long steps);

// The number of steps of compute() that take 200 us on this machine.
long steps_in_200_us();

// The value below which the share `p` of the samples lies: 0.5 is the median. Needs one sample at least.
double quantile(std::vector<double> samples, double p);

}  // namespace bench
