// libgossamer_leak: takes a program that has another allocator (jemalloc, tcmalloc, mimalloc) back to glibc's, whose
// blocks a search for lost fibers knows (lib/debug/heap_blocks.hpp). To preload, before the other one; or linked in,
// before it. The other one must be a shared library: what is linked into the program itself comes first. All of C's and
// C++'s allocation goes to glibc's functions; what the other allocator has of its own (mallocx, arenas) stays there,
// and must not get what these give.
//
// Not for a program that is linked with glibc statically.
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#define GOSSAMER_INTERPOSE __attribute__((visibility("default")))

namespace {

bool is_power_of_two(std::size_t n) noexcept { return n != 0 && (n & (n - 1)) == 0; }

// What is asked for while glibc's functions are looked up, some of it by the look-up itself. It is never given back.
class early_memory {
 public:
  void* take(std::size_t n, std::size_t alignment) noexcept {
    alignment = std::max(alignment, alignof(std::max_align_t));
    if (n > sizeof bytes_ || alignment > sizeof bytes_) {
      return nullptr;
    }
    // relaxed: a place that nobody else gets.
    const std::size_t from = used_.fetch_add(n + alignment + sizeof(std::size_t), std::memory_order_relaxed);
    const auto begin = reinterpret_cast<std::uintptr_t>(bytes_);
    const std::uintptr_t at = (begin + from + sizeof(std::size_t) + alignment - 1) & ~(alignment - 1);
    if (from > sizeof bytes_ || at + n > begin + sizeof bytes_) {
      return nullptr;
    }
    void* const p = reinterpret_cast<void*>(at);
    std::memcpy(static_cast<std::byte*>(p) - sizeof n, &n, sizeof n);
    return p;
  }
  bool has(const void* p) const noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(p);
    const auto begin = reinterpret_cast<std::uintptr_t>(bytes_);
    return at >= begin && at < begin + sizeof bytes_;
  }
  static std::size_t size_of(const void* p) noexcept {
    std::size_t n = 0;
    std::memcpy(&n, static_cast<const std::byte*>(p) - sizeof n, sizeof n);
    return n;
  }

 private:
  std::atomic<std::size_t> used_{0};
  alignas(std::max_align_t) std::byte bytes_[std::size_t{64} << 10]{};
};

constinit early_memory early;

// glibc's own, whatever else has these names. (__libc_malloc and its like do not do: tcmalloc and mimalloc have them,
// too.)
struct functions {
  void* (*malloc)(std::size_t) = nullptr;
  void* (*calloc)(std::size_t, std::size_t) = nullptr;
  void* (*realloc)(void*, std::size_t) = nullptr;
  void* (*memalign)(std::size_t, std::size_t) = nullptr;
  void* (*aligned_alloc)(std::size_t, std::size_t) = nullptr;
  void (*free)(void*) = nullptr;
  std::size_t (*malloc_usable_size)(void*) = nullptr;
};

enum class lookup : int { not_begun, at_work, done };

constinit functions found;
constinit std::atomic<lookup> state{lookup::not_begun};

template <class Function>
void find(void* in, const char* name, Function& to) noexcept {
  to = in != nullptr ? reinterpret_cast<Function>(::dlsym(in, name)) : nullptr;
  if (to == nullptr) {
    constexpr char text[] = "libgossamer_leak: glibc's malloc is not there\n";
    static_cast<void>(!::write(2, text, sizeof text - 1));
    std::_Exit(2);
  }
}

// Null while they are looked up.
const functions* glibc() noexcept {
  // acquire: what has been found is seen.
  if (state.load(std::memory_order_acquire) == lookup::done) [[likely]] {
    return &found;
  }
  lookup seen = lookup::not_begun;
  if (!state.compare_exchange_strong(seen, lookup::at_work, std::memory_order_acquire)) {
    return seen == lookup::done ? &found : nullptr;
  }
  void* const libc = ::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  find(libc, "malloc", found.malloc);
  find(libc, "calloc", found.calloc);
  find(libc, "realloc", found.realloc);
  find(libc, "memalign", found.memalign);
  find(libc, "aligned_alloc", found.aligned_alloc);
  find(libc, "free", found.free);
  find(libc, "malloc_usable_size", found.malloc_usable_size);
  state.store(lookup::done, std::memory_order_release);
  return &found;
}

void* no_memory() noexcept {
  errno = ENOMEM;
  return nullptr;
}

void* allocate_or_null(std::size_t n, std::size_t alignment) noexcept {
  const functions* const f = glibc();
  if (f != nullptr) {
    return alignment > alignof(std::max_align_t) ? f->memalign(alignment, n) : f->malloc(n);
  }
  void* const p = early.take(n, alignment);
  return p != nullptr ? p : no_memory();
}

void release(void* p) noexcept {
  if (const functions* const f = glibc(); p != nullptr && f != nullptr && !early.has(p)) {
    f->free(p);
  }
}

std::size_t page_size() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

// As the standard's operator new: asks the new-handler for memory as long as there is one.
template <class Allocate>
void* allocate_or_throw(Allocate allocate) {
  for (;;) {
    if (void* const p = allocate(); p != nullptr) {
      return p;
    }
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) {
      throw std::bad_alloc();
    }
    handler();
  }
}

void* allocate(std::size_t n, std::align_val_t alignment = std::align_val_t{1}) {
  return allocate_or_throw([=] { return allocate_or_null(n != 0 ? n : 1, static_cast<std::size_t>(alignment)); });
}

template <class... Arguments>
void* or_null(Arguments... arguments) noexcept {
  try {
    return ::operator new(arguments...);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace

// ---- C --------------------------------------------------------------------------------------------------------------

extern "C" {

GOSSAMER_INTERPOSE void* malloc(std::size_t n) noexcept { return allocate_or_null(n, 1); }
GOSSAMER_INTERPOSE void free(void* p) noexcept { release(p); }
GOSSAMER_INTERPOSE void free_sized(void* p, std::size_t) noexcept { release(p); }
GOSSAMER_INTERPOSE void free_aligned_sized(void* p, std::size_t, std::size_t) noexcept { release(p); }
GOSSAMER_INTERPOSE void cfree(void* p) noexcept { release(p); }

GOSSAMER_INTERPOSE void* calloc(std::size_t n, std::size_t size) noexcept {
  if (const functions* const f = glibc(); f != nullptr) {
    return f->calloc(n, size);
  }
  std::size_t bytes = 0;
  // Nobody has used early memory before.
  return __builtin_mul_overflow(n, size, &bytes) ? no_memory() : allocate_or_null(bytes, 1);
}

GOSSAMER_INTERPOSE void* realloc(void* p, std::size_t n) noexcept {
  const functions* const f = glibc();
  if (f != nullptr && !early.has(p)) {
    return f->realloc(p, n);
  }
  void* const other = allocate_or_null(n, 1);
  if (other != nullptr && p != nullptr) {
    std::memcpy(other, p, std::min(n, early_memory::size_of(p)));
  }
  return other;
}

GOSSAMER_INTERPOSE void* reallocarray(void* p, std::size_t n, std::size_t size) noexcept {
  std::size_t bytes = 0;
  return __builtin_mul_overflow(n, size, &bytes) ? no_memory() : realloc(p, bytes);
}

GOSSAMER_INTERPOSE void* memalign(std::size_t alignment, std::size_t n) noexcept {
  if (const functions* const f = glibc(); f != nullptr) {
    return f->memalign(alignment, n);
  }
  return allocate_or_null(n, alignment);
}

GOSSAMER_INTERPOSE void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
  const functions* const f = glibc();
  return f != nullptr ? f->aligned_alloc(alignment, n) : allocate_or_null(n, alignment);
}

GOSSAMER_INTERPOSE int posix_memalign(void** to, std::size_t alignment, std::size_t n) noexcept {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) {
    return EINVAL;
  }
  const int before = errno;
  void* const p = memalign(alignment, n);
  errno = before;
  if (p == nullptr) {
    return ENOMEM;
  }
  *to = p;
  return 0;
}

GOSSAMER_INTERPOSE void* valloc(std::size_t n) noexcept { return memalign(page_size(), n); }

GOSSAMER_INTERPOSE void* pvalloc(std::size_t n) noexcept {
  const std::size_t page = page_size();
  return n > SIZE_MAX - page ? no_memory() : memalign(page, (n + page - 1) & ~(page - 1));
}

GOSSAMER_INTERPOSE std::size_t malloc_usable_size(void* p) noexcept {
  if (early.has(p)) {
    return early_memory::size_of(p);
  }
  const functions* const f = glibc();
  return p != nullptr && f != nullptr ? f->malloc_usable_size(p) : 0;
}

}  // extern "C"

// ---- C++ ------------------------------------------------------------------------------------------------------------

// As the standard has it, the others call the first of their kind, which the program may have replaced.

GOSSAMER_INTERPOSE void* operator new(std::size_t n) { return allocate(n); }
GOSSAMER_INTERPOSE void* operator new(std::size_t n, std::align_val_t a) { return allocate(n, a); }
GOSSAMER_INTERPOSE void operator delete(void* p) noexcept { release(p); }
GOSSAMER_INTERPOSE void operator delete(void* p, std::align_val_t) noexcept { release(p); }

GOSSAMER_INTERPOSE void* operator new[](std::size_t n) { return ::operator new(n); }
GOSSAMER_INTERPOSE void* operator new[](std::size_t n, std::align_val_t a) { return ::operator new(n, a); }
GOSSAMER_INTERPOSE void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return or_null(n); }
GOSSAMER_INTERPOSE void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return or_null(n); }
GOSSAMER_INTERPOSE void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return or_null(n, a);
}
GOSSAMER_INTERPOSE void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return or_null(n, a);
}

GOSSAMER_INTERPOSE void operator delete[](void* p) noexcept { ::operator delete(p); }
GOSSAMER_INTERPOSE void operator delete[](void* p, std::align_val_t a) noexcept { ::operator delete(p, a); }
GOSSAMER_INTERPOSE void operator delete(void* p, std::size_t) noexcept { ::operator delete(p); }
GOSSAMER_INTERPOSE void operator delete[](void* p, std::size_t) noexcept { ::operator delete(p); }
GOSSAMER_INTERPOSE void operator delete(void* p, std::size_t, std::align_val_t a) noexcept { ::operator delete(p, a); }
GOSSAMER_INTERPOSE void operator delete[](void* p, std::size_t, std::align_val_t a) noexcept {
  ::operator delete(p, a);
}
GOSSAMER_INTERPOSE void operator delete(void* p, const std::nothrow_t&) noexcept { ::operator delete(p); }
GOSSAMER_INTERPOSE void operator delete[](void* p, const std::nothrow_t&) noexcept { ::operator delete(p); }
GOSSAMER_INTERPOSE void operator delete(void* p, std::align_val_t a, const std::nothrow_t&) noexcept {
  ::operator delete(p, a);
}
GOSSAMER_INTERPOSE void operator delete[](void* p, std::align_val_t a, const std::nothrow_t&) noexcept {
  ::operator delete(p, a);
}
