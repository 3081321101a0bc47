// symbols: see symbols.hpp.
#include "machine/symbols.hpp"

#include <dlfcn.h>

#include <mutex>

#include "base/panic_chain.hpp"

#if GOSSAMER_LIBBACKTRACE
// libbacktrace's interface, as far as it is used; its header lies where only g++ finds it.
extern "C" {
struct backtrace_state;
using backtrace_error_callback = void (*)(void* data, const char* message, int number);
using backtrace_full_callback = int (*)(void* data, std::uintptr_t pc, const char* file, int line,
                                        const char* function);
using backtrace_syminfo_callback = void (*)(void* data, std::uintptr_t pc, const char* name, std::uintptr_t value,
                                            std::uintptr_t size);
backtrace_state* backtrace_create_state(const char* file, int threaded, backtrace_error_callback on_error, void* data);
int backtrace_pcinfo(backtrace_state* state, std::uintptr_t pc, backtrace_full_callback on_line,
                     backtrace_error_callback on_error, void* data);
int backtrace_syminfo(backtrace_state* state, std::uintptr_t pc, backtrace_syminfo_callback on_symbol,
                      backtrace_error_callback on_error, void* data);
}
#endif

namespace gossamer::inline v0::machine {

namespace {

struct symbol {
  std::string name;  // mangled; empty: not known
  std::uintptr_t begin = 0;
};

// Calls that come back into this file may not throw through C.
template <class F>
void without_throwing(F f) noexcept {
  try {
    f();
  } catch (...) {  // no memory: what is known so far must do
  }
}

#if GOSSAMER_LIBBACKTRACE

// One question at a time. libbacktrace could do without, but the thread sanitizer does not see how.
constinit std::mutex one_question;

void ignore(void*, const char*, int) {}

backtrace_state* state() noexcept {
  static backtrace_state* const made = backtrace_create_state(nullptr, 1, ignore, nullptr);
  return made;
}

symbol find_symbol(std::uintptr_t call) {
  symbol found;
  const std::scoped_lock hold(one_question);
  if (state() != nullptr) {
    backtrace_syminfo(
        state(), call,
        [](void* data, std::uintptr_t, const char* name, std::uintptr_t value, std::uintptr_t) {
          without_throwing([&] {
            if (name != nullptr) {
              *static_cast<symbol*>(data) = {name, value};
            }
          });
        },
        ignore, &found);
  }
  return found;
}

void find_lines(std::uintptr_t call, std::vector<source_line>& lines) {
  const std::scoped_lock hold(one_question);
  if (state() != nullptr) {
    backtrace_pcinfo(
        state(), call,
        [](void* data, std::uintptr_t, const char* file, int line, const char* function) {
          without_throwing([&] {
            if (file != nullptr && line > 0) {
              const std::string name = function != nullptr ? base::demangled(function) : std::string();
              static_cast<std::vector<source_line>*>(data)->push_back({name, file, line, 0});
            }
          });
          return 0;
        },
        ignore, &lines);
  }
}

#else

symbol find_symbol(std::uintptr_t) { return {}; }
void find_lines(std::uintptr_t, std::vector<source_line>&) {}

#endif

std::uintptr_t number(const void* address) noexcept { return reinterpret_cast<std::uintptr_t>(address); }

}  // namespace

std::vector<source_line> lines_of(const void* return_address) {
  const std::uintptr_t at = number(return_address);
  const std::uintptr_t call = at - 1;
  std::vector<source_line> lines;
  find_lines(call, lines);
  symbol s = find_symbol(call);
  Dl_info info{};
  const bool in_module = ::dladdr(reinterpret_cast<const void*>(call), &info) != 0 && info.dli_fname != nullptr;
  if (s.name.empty() && in_module && info.dli_sname != nullptr) {
    s = {info.dli_sname, number(info.dli_saddr)};
  }
  if (lines.empty()) {
    lines.push_back({"", in_module ? info.dli_fname : "", 0, 0});
  }
  source_line& outermost = lines.back();
  if (!s.name.empty()) {
    // The symbol's name has the parameters, which that of the debug information may lack.
    outermost.function = base::demangled(s.name.c_str());
  }
  const std::uintptr_t begin = !s.name.empty() ? s.begin : in_module ? number(info.dli_fbase) : 0;
  for (source_line& l : lines) {
    l.offset = at - begin;
  }
  return lines;
}

std::string symbol_of(const void* return_address) {
  const std::uintptr_t call = number(return_address) - 1;
  const symbol s = find_symbol(call);
  if (!s.name.empty()) {
    return s.name;
  }
  Dl_info info{};
  return ::dladdr(reinterpret_cast<const void*>(call), &info) != 0 && info.dli_sname != nullptr ? info.dli_sname : "";
}

}  // namespace gossamer::inline v0::machine
