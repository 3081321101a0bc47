// rows: what can be measured. A row is a piece of work of a given size, run in the main fiber.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace bench {

struct figure {
  double value;
  std::string extra{};  // further figures of the same run, as key=value
};

struct row {
  const char* name;
  const char* unit;
  long size;  // of the measured pass
  long warm;  // of the pass before it, which is not measured; 0: the row warms itself
  figure (*measure)(long size);
  std::size_t stack_bytes = 0;  // 0: the library's own choice
};

std::span<const row> switching_rows();
std::span<const row> channel_rows();
std::span<const row> selecting_rows();
std::span<const row> lock_rows();
std::span<const row> shared_rows();
std::span<const row> sleep_rows();
std::span<const row> grouping_rows();
std::span<const row> looking_rows();
std::span<const row> socket_rows();
std::span<const row> memory_rows();
std::span<const row> parallel_rows();
std::span<const row> scanning_rows();
std::span<const row> routing_rows();

}  // namespace bench
