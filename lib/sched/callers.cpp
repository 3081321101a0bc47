// callers: see gossamer/callers.hpp.
#include "gossamer/callers.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "fiber/frames.hpp"
#include "machine/address_list.hpp"
#include "machine/throw_site.hpp"
#include "sched/running_trace.hpp"

namespace gossamer::inline v0::runtime {

namespace {

[[gnu::noinline]] const void* where_called() noexcept { return __builtin_return_address(0); }

}  // namespace

std::size_t callers(int skip, std::span<const void*> to) noexcept {
  std::size_t own = 0;
  if (skip <= 0 && !to.empty()) {
    to[0] = where_called();
    own = 1;
  }
  const auto before = static_cast<std::size_t>(std::max(skip - 1, 0));
  machine::address_list list(before, to.subspan(own));
  if (!sched::trace_callers(__builtin_frame_address(0), list)) {
    list = machine::address_list(before + 2, to.subspan(own));  // but that one and this
    machine::trace_here(list);
  }
  return own + list.size();
}

// ---- what they are --------------------------------------------------------------------------------------------------

struct frames::looked_up {
  std::vector<const void*> addresses;
  gossamer::frames::names known{};
  std::vector<gossamer::frames::line> lines{};  // once it is begun
  bool begun = false;
  std::size_t next = 0;
};

frames::frames() noexcept = default;
frames::frames(looked_up* of) noexcept : its_(of) {}
frames::frames(frames&& other) noexcept = default;
frames& frames::operator=(frames&& other) noexcept = default;
frames::~frames() = default;

std::pair<frame, bool> frames::next() {
  if (!its_) {
    return {};
  }
  if (!its_->begun) {
    its_->lines = gossamer::frames::lines_of(its_->addresses, its_->known);
    its_->begun = true;
  }
  if (its_->next == its_->lines.size()) {
    return {};
  }
  const gossamer::frames::line& l = its_->lines[its_->next++];
  const machine::source_line& s = *l.source;
  frame f{.pc = l.address, .entry = nullptr, .function = s.function, .file = s.file, .line = s.line};
  if (!s.function.empty()) {
    f.entry = static_cast<const std::byte*>(l.address) - s.offset;
  }
  return {std::move(f), its_->next < its_->lines.size()};
}

frames callers_frames(std::span<const void* const> addresses) {
  return frames(new frames::looked_up{{addresses.begin(), addresses.end()}});
}

}  // namespace gossamer::inline v0::runtime
