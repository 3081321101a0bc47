// this_object: see this_object.hpp.
#include "machine/this_object.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/fatal.hpp"

// Weak: a program that is linked wholly statically has no need of it, and gets a warning for asking.
extern "C" [[gnu::weak]] void* dlopen(const char* file, int mode) noexcept;

// Weak: there where the program, or a part of it, was built with that sanitizer.
extern "C" {
[[gnu::weak]] void __asan_init() noexcept;
[[gnu::weak]] void __tsan_init() noexcept;
}

// What the note points to. All versions of the library, whatever their inline namespace, agree on it.
struct gossamer_copy_mark {
  std::atomic<std::uint32_t> runs_fibers{0};
};
extern "C" {
[[gnu::visibility("hidden"), gnu::used]] constinit gossamer_copy_mark gossamer_copy;
[[gnu::visibility("hidden")]] extern const char gossamer_note[];
}

namespace gossamer::inline v0::machine {

namespace {

constexpr char note_name[] = "gossamer";
constexpr std::uint32_t note_type = 1;

constexpr std::size_t rounded(std::size_t n, std::size_t align) noexcept { return (n + align - 1) / align * align; }

// The mark of another copy that runs fibers, among the notes of one segment.
const gossamer_copy_mark* find_in(const char* notes, std::size_t bytes, std::size_t align) noexcept {
  while (bytes >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) head;
    std::memcpy(&head, notes, sizeof head);
    const std::size_t at = rounded(sizeof head + head.n_namesz, align);
    const std::size_t whole = rounded(at + head.n_descsz, align);
    if (whole > bytes) {
      break;
    }
    std::int32_t offset = 0;
    if (head.n_type == note_type && head.n_namesz == sizeof note_name && head.n_descsz == sizeof offset &&
        std::memcmp(notes + sizeof head, note_name, sizeof note_name) == 0) {
      std::memcpy(&offset, notes + at, sizeof offset);
      const auto* mark = reinterpret_cast<const gossamer_copy_mark*>(notes + at + offset);
      // seq_cst: each marks itself first; of two that start at once one at least sees the other.
      if (mark != &gossamer_copy && mark->runs_fibers.load() != 0) {
        return mark;
      }
    }
    notes += whole;
    bytes -= whole;
  }
  return nullptr;
}

int look_at_object(dl_phdr_info* object, std::size_t, void* result) noexcept {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) {
      continue;
    }
    const auto* notes = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
    if (const auto* found = find_in(notes, segment.p_memsz, segment.p_align == 8 ? 8 : 4)) {
      *static_cast<const gossamer_copy_mark**>(result) = found;
      return 1;
    }
  }
  return 0;
}

std::string file_of(const void* address) {
  Dl_info info{};
  return ::dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "(unknown)";
}

// A sanitizer that is not told of switches takes each fiber's stack for nonsense, and reports what is not there.
void match_sanitizers() noexcept {
  const char* mismatch = nullptr;
  if (!GOSSAMER_ASAN && __asan_init != nullptr) {
    mismatch =
        "fatal error: the program was built with AddressSanitizer, and gossamer was not: reports would be false\n"
        "Build the library with it, too: meson setup BUILD -Db_sanitize=address,undefined -Ddefault_library=static\n";
  } else if (!GOSSAMER_TSAN && __tsan_init != nullptr) {
    mismatch =
        "fatal error: the program was built with ThreadSanitizer, and gossamer was not: reports would be false\n"
        "Build the library with it, too: CXX=clang++ meson setup BUILD -Db_sanitize=thread -Db_lundef=false "
        "-Ddefault_library=static\n";
  }
  if (mismatch != nullptr) {
    base::begin_report();
    base::print_error(mismatch);
    base::quit(2);
  }
}

}  // namespace

void claim_process() noexcept {
  match_sanitizers();
  gossamer_copy.runs_fibers.store(gossamer_note[0] != 0 ? 1 : 0);  // the note must be linked in
  const gossamer_copy_mark* other = nullptr;
  ::dl_iterate_phdr(look_at_object, &other);
  if (other != nullptr) {
    base::begin_report();
    try {
      base::print_error("fatal error: two copies of gossamer in one process\n\t" + file_of(other) + " runs fibers\n\t" +
                        file_of(&gossamer_copy) + " was about to run some too\n");
    } catch (...) {
      base::print_error("fatal error: two copies of gossamer in one process\n");
    }
    base::print_error(
        "Neither knows the other's fibers, channels and workers. Link all parts of the program with one "
        "libgossamer.so.\n");
    base::quit(2);
  }
  Dl_info self{};
  if (dlopen != nullptr && ::dladdr(&gossamer_copy, &self) != 0 && self.dli_fname != nullptr) {
    dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  }
}

}  // namespace gossamer::inline v0::machine
