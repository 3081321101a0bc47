// guard: makes the low end of a stack inaccessible, in the best way that this kernel allows.
#pragma once

#include <cstddef>
#include <span>

namespace gossamer::inline v0::machine {

// Guards the `bytes` at each address. Never fails: where the kernel can do nothing the guard is a canary.
void install_guards(std::span<std::byte* const> guards, std::size_t bytes) noexcept;

enum class guard_way : int { install, protect, canary };
// As if all better ways had failed already, and no more than so many guards by mprotect could be had: for tests.
void start_with(guard_way way, std::size_t mappings) noexcept;
// Whether any guard is a canary.
bool canaries_in_use() noexcept;
// Whether `guard` is a canary that somebody has written over.
bool is_broken(const std::byte* guard, std::size_t bytes) noexcept;

// Ends the process if `guard` is a canary that somebody has written over: its stack has overflowed.
void check_guard(const std::byte* guard, std::size_t bytes) noexcept;

}  // namespace gossamer::inline v0::machine
