// What the C library and C++ promise of allocation, with libgossamer_leak preloaded before another allocator.
#include <malloc.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

int failures = 0;

void expect(bool so, const char* sentence) {
  if (!so) {
    std::printf("not so: %s\n", sentence);
    ++failures;
  }
}

bool is_at_multiple(const void* p, std::size_t of) {
  return p != nullptr && reinterpret_cast<std::uintptr_t>(p) % of == 0;
}

void look_at_c() {
  constexpr std::size_t page = 4096;
  volatile std::size_t too_many = SIZE_MAX / 2;
  void* p = std::malloc(100);
  expect(malloc_usable_size(p) >= 100, "a block has the bytes that were asked for");
  std::memset(p, 7, 100);
  p = std::realloc(p, 100'000);
  expect(static_cast<char*>(p)[99] == 7, "realloc keeps what there was");
  std::free(p);
  char* const zeroes = static_cast<char*>(std::calloc(1000, 3));
  expect(std::all_of(zeroes, zeroes + 3000, [](char c) { return c == 0; }), "calloc's memory is 0");
  std::free(zeroes);
  errno = 0;
  expect(std::malloc(too_many) == nullptr && errno == ENOMEM, "malloc of too much is null, and ENOMEM");
  errno = 0;
  expect(reallocarray(nullptr, too_many, 4) == nullptr && errno == ENOMEM, "reallocarray sees that it is too much");
  expect(posix_memalign(&p, 64, 100) == 0 && is_at_multiple(p, 64), "posix_memalign aligns");
  std::free(p);
  expect(posix_memalign(&p, 24, 100) == EINVAL, "posix_memalign wants a power of two");
  p = std::aligned_alloc(128, 256);
  expect(is_at_multiple(p, 128), "aligned_alloc aligns");
  std::free(p);
  p = memalign(512, 1);
  expect(is_at_multiple(p, 512), "memalign aligns");
  std::free(p);
  p = valloc(1);
  expect(is_at_multiple(p, page), "valloc gives a page's beginning");
  std::free(p);
  p = pvalloc(1);
  expect(is_at_multiple(p, page) && malloc_usable_size(p) >= page, "pvalloc gives a page");
  std::free(p);
  std::free(nullptr);
}

struct alignas(256) wide {
  char bytes[300];
};

bool was_asked = false;

void look_at_cpp() {
  volatile std::size_t too_many = SIZE_MAX / 2;
  auto* const one = new wide;
  auto* const some = new wide[3];
  expect(is_at_multiple(one, 256) && is_at_multiple(some, 256), "new aligns");
  delete one;
  delete[] some;
  bool thrown = false;
  std::set_new_handler([] {
    was_asked = true;
    std::set_new_handler(nullptr);
  });
  try {
    delete[] new char[too_many];
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  expect(was_asked && thrown, "new asks its handler, and throws where there is none");
  expect(::operator new(too_many, std::nothrow) == nullptr, "new (nothrow) does not throw");
  expect(::operator new(too_many, std::align_val_t{64}, std::nothrow) == nullptr, "nor where it aligns");
}

}  // namespace

int main() {
  look_at_c();
  look_at_cpp();
  return failures == 0 ? 0 : 1;
}
