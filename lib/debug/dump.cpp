// dump: see gossamer/debug.hpp.
#include <array>
#include <cerrno>
#include <cstdio>
#include <new>
#include <system_error>

#include "debug/format.hpp"
#include "debug/output.hpp"
#include "debug/snapshot.hpp"
#include "gossamer/debug.hpp"
#include "gossamer/detail/thrown.hpp"
#include "gossamer/errors.hpp"
#include "sched/this_thread.hpp"

namespace gossamer::inline v0::debug {

namespace {

constinit const errors::sentinel no_memory{"no memory for the dump"};
constinit const errors::sentinel in_handler{"dump called in a signal handler"};
constinit const errors::sentinel no_such_format{"unknown dump format"};

std::unique_ptr<writer> writer_for(format how, output& to, frames::names& names) {
  switch (how) {
    case format::text:
      return make_text(to, names);
    case format::groups:
      return make_groups(to, names);
    case format::json:
      return make_json(to, names);
    case format::pprof:
      return make_pprof(to, names);
    case format::folded:
      return make_folded(to, names);
  }
  return nullptr;
}

}  // namespace

std::pair<format, error> format_of(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, format>, 8> names{{{"text", format::text},
                                                                             {"2", format::text},
                                                                             {"groups", format::groups},
                                                                             {"1", format::groups},
                                                                             {"pprof", format::pprof},
                                                                             {"0", format::pprof},
                                                                             {"json", format::json},
                                                                             {"folded", format::folded}}};
  for (const auto& [known, meaning] : names) {
    if (known == name) {
      return {meaning, nullptr};
    }
  }
  return {format::text, errors::make("unknown dump format \"", name, "\"")};
}

error dump(const sink& to, format how, const filter& which) {
  if (in_signal_handler()) {
    return in_handler;
  }
  try {
    filter wanted = which;
    wanted.stacks = true;
    wanted.high_water = which.high_water || how == format::json;
    snapshot all(wanted, how == format::json || how == format::text);
    output out(to);
    const std::unique_ptr<writer> form = writer_for(how, out, all.names());
    if (form == nullptr) {
      return no_such_format;
    }
    all.for_each([&](const fiber_info& info) {
      if (!out.failed()) {
        form->add(info);
      }
    });
    form->finish();
    return out.finish();
  } catch (const std::bad_alloc&) {
    return no_memory;
  }
}

error dump(int fd, format how, const filter& which) {
  descriptor to{fd};
  return dump(sink{put_to_descriptor, &to}, how, which);
}

error dump(std::FILE* file, format how, const filter& which) {
  if (std::fflush(file) != 0) {
    return errors::wrap(error(std::error_code(errno, std::generic_category())), "cannot write the dump: ");
  }
  if (const int fd = ::fileno(file); fd >= 0) {
    return dump(fd, how, which);
  }
  const auto put = [](void* to, std::string_view piece) -> error {
    auto* const f = static_cast<std::FILE*>(to);
    return std::fwrite(piece.data(), 1, piece.size(), f) == piece.size() && std::fflush(f) == 0
               ? error()
               : errors::wrap(error(std::error_code(errno, std::generic_category())), "cannot write the dump: ");
  };
  return dump(sink{put, file}, how, which);
}

error dump(std::string& to, format how, const filter& which) {
  const auto put = [](void* s, std::string_view piece) -> error {
    static_cast<std::string*>(s)->append(piece);
    return nullptr;
  };
  return dump(sink{put, &to}, how, which);
}

std::string stack() {
  std::string text;
  if (const fiber* const f = sched::this_fiber()) {
    filter own;
    own.id = f->id.load(std::memory_order_relaxed);
    dump(text, format::text, own);
    return text;
  }
  machine::stack_trace trace;
  frames::names known;
  machine::trace_here(trace);
  frames::append(text, frames::addresses_of(trace), trace.elided(), known);
  return text;
}

std::string stack_of(const gossamer::detail::thrown& what) {
  std::string text;
  if (const machine::stack_trace* const trace = what.site().get()) {
    frames::names known;
    frames::append(text, frames::addresses_of(*trace), trace->elided(), known);
  }
  return text;
}

}  // namespace gossamer::inline v0::debug
