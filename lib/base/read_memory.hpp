// read_memory: of the process's own memory, what may not be there (any more), by a system call, which reports it
// instead of faulting.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>

namespace gossamer::inline v0::base {

// How many bytes were copied, from the first on; -1 and errno: none (EFAULT where there is no memory).
inline ssize_t read_memory(const void* from, void* to, std::size_t bytes) noexcept {
  const iovec here{to, bytes};
  const iovec there{const_cast<void*>(from), bytes};
  return ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0);
}

// False unless all of them were copied.
inline bool copy_memory(const void* from, void* to, std::size_t bytes) noexcept {
  return read_memory(from, to, bytes) == static_cast<ssize_t>(bytes);
}

}  // namespace gossamer::inline v0::base
