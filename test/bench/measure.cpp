#include "measure.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

namespace bench {

double nanoseconds_since(clock::time_point start) {
  return std::chrono::duration<double, std::nano>(clock::now() - start).count();
}

double milliseconds_since(clock::time_point start) { return nanoseconds_since(start) / 1e6; }

double cpu_milliseconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto milliseconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return milliseconds(used.ru_utime) + milliseconds(used.ru_stime);
}

double memory_bytes() {
  std::ifstream status("/proc/self/status");
  double kib = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:") || line.starts_with("VmPTE:")) {
      kib += std::stod(line.substr(line.find(':') + 1));
    }
  }
  return kib * 1024;
}

void spin_for(std::chrono::nanoseconds d) {
  const auto end = clock::now() + d;
  while (clock::now() < end) {
  }
}

void compute(long steps) {
  std::uint64_t x = 1;
  for (long i = 0; i < steps; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    asm volatile("" : "+r"(x));  // or the compiler would find a shorter way
  }
}

long steps_in_200_us() {
  constexpr long trial = 1'000'000;
  std::vector<double> took;
  for (int i = 0; i < 25; ++i) {
    const auto start = clock::now();
    compute(trial);
    took.push_back(nanoseconds_since(start));
  }
  return static_cast<long>(200e3 * trial / quantile(took, 0.5));
}

double quantile(std::vector<double> samples, double p) {
  std::sort(samples.begin(), samples.end());
  const auto last = samples.size() - 1;
  return samples[static_cast<std::size_t>(static_cast<double>(last) * p + 0.5)];
}

}  // namespace bench
