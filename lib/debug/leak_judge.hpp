// leak_judge: the rules of leak.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "debug/lost.hpp"
#include "fiber/frames.hpp"
#include "gossamer/debug.hpp"
#include "gossamer/leak.hpp"

namespace gossamer::inline v0::leak {

struct judgement {
  verdict level = verdict::none;
  std::string_view why;
  std::uint64_t holder = 0;  // see lost_fiber
};

struct judgements {
  std::unordered_map<std::uint64_t, judgement> of;  // by id; who is not there has none
  std::vector<cycle> cycles;
  // See lost_fibers. Waits are told as of `at`: the time that a search takes does not count.
  std::string_view unknown;
  std::chrono::steady_clock::time_point at;
};

// Of these, which are all that are alive; they were looked at after who is lost had been found out.
judgements judge(const std::vector<debug::fiber_info>& all, const lost_fibers& lost, frames::names& names);

// Reads the stacks of those that are blocked in a header of the system, to know who called that.
void find_callers(std::vector<debug::fiber_info>& all);

// Name of the fibers of watches, which do not count.
inline constexpr std::string_view watch_name = "leak.watch";

// Takes main, the caller and watches out of a snapshot.
void leave_who_counts(std::vector<debug::fiber_info>& all);

// Counts and verdicts of `some`; cycles are those in which one of them takes part. Each group's first fiber is the one
// that waits longest.
findings findings_of(const std::vector<debug::fiber_info>& some, const judgements& verdicts, frames::names& names);

// Of main's stack nothing counts: what is left there is nobody's.
findings report_when_main_has_returned();

// The lines of a group, as findings::text() has them.
std::string text_of(const group& g);
std::string text_of(const cycle& c);
std::string unknown_text(const findings& f);

}  // namespace gossamer::inline v0::leak
