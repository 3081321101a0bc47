// Situations in which fibers are lost, and others in which none is. Each is a function that returns when it has come
// about; then nothing moves any more, and the report is asked. all.cpp has them all in one program:
//   all --list     their names
//   all NAME       `RESULT NAME leaked=N alive=M proven=P`, and the groups
#pragma once

#include <atomic>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "gossamer/gossamer.hpp"
#include "gossamer/leak.hpp"

using namespace gossamer;
using namespace std::chrono_literals;

struct situation {
  const char* name;
  int leaked;  // how many are lost; -1: all that are alive at the end
  void (*body)();
};
inline std::vector<situation>& situations() {
  static std::vector<situation> all;
  return all;
}
struct entry {
  entry(const char* name, int leaked, void (*body)()) { situations().push_back({name, leaked, body}); }
};
// The body's locals are gone when the report is made.
#define SITUATION(name, leaked)                                \
  static void body_##name();                                   \
  static const entry entry_##name(#name, leaked, body_##name); \
  [[gnu::noinline]] static void body_##name()

[[gnu::noinline]] inline void show(const situation& s) {
  const leak::findings f = leak::report();
  std::size_t proven = 0;
  for (const leak::group& g : f.groups) {
    proven += g.level == leak::verdict::proven ? g.fibers.size() : 0;
  }
  const std::size_t lost = s.leaked < 0 ? f.total : static_cast<std::size_t>(s.leaked);
  std::printf("RESULT %s leaked=%zu alive=%zu proven=%zu\n%s", s.name, lost, f.total, proven, f.text().c_str());
  std::fflush(stdout);
}
