// guard: see guard.hpp.
#include "machine/guard.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>

#include "base/fatal.hpp"
#include "base/read_memory.hpp"
#include "machine/advise.hpp"

namespace gossamer::inline v0::machine {

namespace {

constexpr int madv_guard_install = 102;  // Linux 6.13; not yet in Debian 12's headers

// Each mprotect guard splits its slab's mapping; the limit of the kernel (vm.max_map_count) is 65,530 by default, and
// other parts of the process need some too.
std::atomic<std::size_t> protect_budget{30'000};

// The first way that has not failed yet. Only ever grows. Relaxed throughout: a thread that sees an old value tries
// what no longer works, and learns it again.
using way = guard_way;
std::atomic<way> current{way::install};
std::atomic<std::size_t> protected_guards{0};

constexpr std::uint64_t canary_word = 0x6f76657266C06e21U;
constexpr std::size_t canary_words = 8;

void fall_back(way from, way to, const char* message) noexcept {
  way expected = from;
  if (current.compare_exchange_strong(expected, to, std::memory_order_relaxed)) {
    base::print_error(message);
  }
}

std::byte* canary_at(std::byte* guard, std::size_t bytes) noexcept { return guard + bytes - canary_words * 8; }

void write_canary(std::byte* guard, std::size_t bytes) noexcept {
  std::array<std::uint64_t, canary_words> words;
  words.fill(canary_word);
  std::memcpy(canary_at(guard, bytes), words.data(), sizeof words);
}

bool protect(std::byte* guard, std::size_t bytes) noexcept {
  return protected_guards.fetch_add(1, std::memory_order_relaxed) < protect_budget.load(std::memory_order_relaxed) &&
         ::mprotect(guard, bytes, PROT_NONE) == 0;
}

}  // namespace

void install_guards(std::span<std::byte* const> guards, std::size_t bytes) noexcept {
  while (!guards.empty()) {
    switch (current.load(std::memory_order_relaxed)) {
      case way::install: {
        const std::size_t done = advise_each(guards, bytes, madv_guard_install);
        if (done == 0) {
          fall_back(way::install, way::protect, "");  // an older kernel or locked memory: mprotect is as safe
        }
        guards = guards.subspan(done);
        break;
      }
      case way::protect:
        if (protect(guards[0], bytes)) {
          guards = guards.subspan(1);
        } else {
          fall_back(way::protect, way::canary,
                    "gossamer: no more memory mappings: further stacks are guarded by canaries only\n");
        }
        break;
      case way::canary:
        write_canary(guards[0], bytes);
        guards = guards.subspan(1);
        break;
    }
  }
}

void start_with(guard_way first, std::size_t mappings) noexcept {
  protect_budget.store(mappings, std::memory_order_relaxed);
  current.store(first, std::memory_order_relaxed);
}

bool canaries_in_use() noexcept { return current.load(std::memory_order_relaxed) == way::canary; }

bool is_broken(const std::byte* guard, std::size_t bytes) noexcept {
  if (!canaries_in_use()) [[likely]] {
    return false;
  }
  // Which way this one guard was made is not recorded: ask the kernel for a byte of it without faulting.
  std::array<std::uint64_t, canary_words> words;
  if (!base::copy_memory(guard + bytes - sizeof words, words.data(), sizeof words)) {
    return false;  // a real guard
  }
  return std::any_of(words.begin(), words.end(), [](std::uint64_t w) { return w != canary_word; });
}

void check_guard(const std::byte* guard, std::size_t bytes) noexcept {
  if (is_broken(guard, bytes)) {
    base::fatal("stack overflow: a fiber wrote over the canary of its stack");
  }
}

}  // namespace gossamer::inline v0::machine
