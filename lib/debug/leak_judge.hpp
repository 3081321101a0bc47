// leak_judge: the rules of leak.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "fiber/frames.hpp"
#include "gossamer/debug.hpp"
#include "gossamer/leak.hpp"

namespace gossamer::inline v0::leak {

struct judgement {
  verdict level = verdict::none;
  std::string_view why;
};

struct judgements {
  std::unordered_map<std::uint64_t, judgement> of;  // by id; who is not there has none
  std::vector<cycle> cycles;
};

// Of these, which are all that are alive. callers_frame: see referred_to_elsewhere().
judgements judge(const std::vector<debug::fiber_info>& all, const void* callers_frame);

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

}  // namespace gossamer::inline v0::leak
