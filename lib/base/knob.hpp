// knob: the environment variable GOSSAMER, e.g. `procs=4,stack=256k,seed=7,threads=10000,dump=quit:groups:/tmp/fibers,
// traceback=all,raw,leaks=exit,poller=asio`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gossamer::inline v0::base {

inline constexpr int max_workers = 256;
inline constexpr int default_threads = 10'000;
inline constexpr std::size_t min_stack_bytes = std::size_t{16} << 10;
inline constexpr std::size_t max_stack_bytes = std::size_t{1} << 30;

// How much a fatal report shows, as Go's GOTRACEBACK.
enum class traceback : std::uint8_t {
  none,    // no stacks
  single,  // the fiber that the report is about; all of them where it is about all
  all,
  crash,  // all, and the process ends by SIGABRT, so that it leaves a core
};

// How descriptors are waited for: see event/backend.hpp.
enum class poller_kind : std::uint8_t { epoll, asio };

// The forms of a dump, as debug::format.
enum class dump_format : std::uint8_t { text, groups, json, pprof, folded };

struct knob {
  std::optional<int> procs;
  std::optional<std::size_t> stack_bytes;
  std::optional<std::uint64_t> seed;
  std::optional<int> threads;
  std::optional<int> dump_signal;  // 0: none, and SIGQUIT is left alone too
  dump_format dump_as = dump_format::text;
  std::string dump_path;  // empty: stderr
  std::optional<traceback> traceback_level;
  bool raw = false;  // stacks are shown with every frame, and names as they are in the program
  poller_kind poller = poller_kind::epoll;
  bool leaks_at_exit = false;  // when main returns, fibers that are left are reported
  std::string complaints;      // a line for each key or value that was ignored
};

knob parse_knob(std::string_view text);

// The environment's, as it is when this is first called.
const knob& the_knob();

}  // namespace gossamer::inline v0::base
