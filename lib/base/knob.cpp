// knob: see knob.hpp.
#include "base/knob.hpp"

#include <signal.h>

#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <utility>

namespace gossamer::inline v0::base {

namespace {

std::optional<std::uint64_t> number(std::string_view text, bool with_unit) {
  std::uint64_t n = 0;
  const char* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, n);
  if (problem != std::errc() || text.empty()) {
    return std::nullopt;
  }
  if (rest == end) {
    return n;
  }
  if (!with_unit || rest + 1 != end) {
    return std::nullopt;
  }
  const int shift = *rest == 'k' || *rest == 'K'   ? 10
                    : *rest == 'm' || *rest == 'M' ? 20
                    : *rest == 'g' || *rest == 'G' ? 30
                                                   : 0;
  if (shift == 0 || n > (std::uint64_t{1} << 33)) {
    return std::nullopt;
  }
  return n << shift;
}

void complain(knob& k, std::string_view item, std::string_view why) {
  k.complaints.append("gossamer: GOSSAMER: `").append(item).append("` is ignored: ").append(why).append("\n");
}

template <class T>
std::optional<T> one_of(std::string_view value, std::initializer_list<std::pair<std::string_view, T>> names) {
  for (const auto& [name, meaning] : names) {
    if (name == value) {
      return meaning;
    }
  }
  return std::nullopt;
}

// `SIGNAL`, `SIGNAL:FORMAT`, `SIGNAL:FORMAT:PATH`; a path may have colons, but no comma.
void parse_dump(knob& k, std::string_view item, std::string_view value) {
  const std::size_t colon = value.find(':');
  const auto signal =
      one_of<int>(value.substr(0, colon), {{"quit", SIGQUIT}, {"usr1", SIGUSR1}, {"usr2", SIGUSR2}, {"none", 0}});
  if (!signal || (*signal == 0 && colon != value.npos)) {
    complain(k, item,
             "dump is quit, usr1, usr2 or none; for a signal, a format and a file may follow: `quit:groups:/f`");
    return;
  }
  dump_format form = dump_format::text;
  std::string_view path;
  if (colon != value.npos) {
    const std::string_view rest = value.substr(colon + 1);
    const std::size_t second = rest.find(':');
    const auto named = one_of<dump_format>(rest.substr(0, second), {{"text", dump_format::text},
                                                                    {"groups", dump_format::groups},
                                                                    {"json", dump_format::json},
                                                                    {"pprof", dump_format::pprof},
                                                                    {"folded", dump_format::folded}});
    path = second == rest.npos ? std::string_view() : rest.substr(second + 1);
    if (!named || (second != rest.npos && path.empty())) {
      complain(k, item,
               "the formats of a dump are text, groups, json, pprof and folded; the name of a file may follow");
      return;
    }
    form = *named;
  }
  k.dump_signal = signal;
  k.dump_as = form;
  k.dump_path = path;
}

void parse_item(knob& k, std::string_view item) {
  const std::size_t equals = item.find('=');
  const std::string_view key = item.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : item.substr(equals + 1);
  if (key == "procs") {
    const auto n = number(value, false);
    if (n && *n >= 1 && *n <= max_workers) {
      k.procs = static_cast<int>(*n);
    } else {
      complain(k, item, "procs is a number from 1 to 256");
    }
  } else if (key == "stack") {
    const auto n = number(value, true);
    if (n && *n >= min_stack_bytes && *n <= max_stack_bytes) {
      k.stack_bytes = static_cast<std::size_t>(*n);
    } else {
      complain(k, item, "stack is a size from 16k to 1g");
    }
  } else if (key == "seed") {
    const auto n = number(value, false);
    if (n) {
      k.seed = *n;
    } else {
      complain(k, item, "seed is a number from 0 to 2^64 - 1");
    }
  } else if (key == "threads") {
    const auto n = number(value, false);
    if (n && *n >= 1 && *n <= default_threads) {
      k.threads = static_cast<int>(*n);
    } else {
      complain(k, item, "threads is a number from 1 to 10000");
    }
  } else if (key == "dump") {
    parse_dump(k, item, value);
  } else if (key == "traceback") {
    const bool raw = value == "raw";
    const auto level = one_of<traceback>(value, {{"none", traceback::none},
                                                 {"single", traceback::single},
                                                 {"all", traceback::all},
                                                 {"crash", traceback::crash}});
    k.raw = k.raw || raw;
    k.traceback_level = level ? level : k.traceback_level;
    if (!raw && !level) {
      complain(k, item, "traceback is none, single, all or crash; and raw: `traceback=all,raw`");
    }
  } else if (key == "leaks") {
    if (value == "exit") {
      k.leaks_at_exit = true;
    } else {
      complain(k, item, "leaks is exit");
    }
  } else if (key == "poller") {
    const auto kind = one_of<poller_kind>(value, {{"epoll", poller_kind::epoll}, {"asio", poller_kind::asio}});
    k.poller = kind.value_or(k.poller);
    if (!kind) {
      complain(k, item, "poller is epoll or asio");
    }
  } else {
    complain(k, item, "the keys are procs, stack, seed, threads, dump, traceback, leaks and poller");
  }
}

}  // namespace

knob parse_knob(std::string_view text) {
  knob k;
  bool after_traceback = false;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    if (after_traceback && item == "raw") {
      k.raw = true;
    } else if (!item.empty()) {
      parse_item(k, item);
      after_traceback = item.substr(0, item.find('=')) == "traceback";
    }
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return k;
}

const knob& the_knob() {
  static const knob& k = *new knob([] {  // never destroyed: descriptors may be opened until the very end
    const char* const text = std::getenv("GOSSAMER");
    return parse_knob(text != nullptr ? text : "");
  }());
  return k;
}

}  // namespace gossamer::inline v0::base
