// system_call: what a thread of this process is at, as the kernel sees it.
#pragma once

#include <sys/types.h>

#include <span>
#include <string_view>

namespace gossamer::inline v0::base {

// What system_call_of() returns besides numbers of system calls, which are not negative.
inline constexpr long outside_calls = -1;  // it sleeps, but in no system call: for a page, or stopped
inline constexpr long runnable = -2;       // it runs, or waits for a CPU
inline constexpr long not_known = -3;      // no such thread, no file descriptor left, or a kernel that does not say

// What /proc says of the thread in the file of that name (`status`, `syscall`), as far as the room goes; empty where it
// says nothing. Opens and closes a file.
std::string_view read_of_thread(pid_t thread, const char* name, std::span<char> room) noexcept;

// The number of the system call in which the thread sleeps. Opens and closes a file. Source: proc(5), `syscall`.
long system_call_of(pid_t thread) noexcept;

}  // namespace gossamer::inline v0::base
