// format: the forms of a dump.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "debug/output.hpp"
#include "fiber/frames.hpp"
#include "gossamer/debug.hpp"

namespace gossamer::inline v0::debug {

// Gets the fibers one by one, then finish().
class writer {
 public:
  writer(output& to, frames::names& names) noexcept : to_(to), names_(names) {}
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;
  virtual ~writer() = default;

  virtual void add(const fiber_info& info) = 0;
  virtual void finish() = 0;

 protected:
  output& to_;
  frames::names& names_;
};

// For the forms that show each distinct stack, with its labels, once.
class counting_writer : public writer {
 public:
  using writer::writer;
  void add(const fiber_info& info) override { count(info, info.labels); }

 protected:
  // One more with that stack and those labels.
  void count(const fiber_info& info, const labels& with);
  struct group {
    std::vector<const void*> stack;
    debug::labels labels;
    std::size_t elided = 0;
    std::uint64_t count = 0;
  };
  // The largest first.
  std::vector<const group*> by_size() const;
  std::uint64_t total() const noexcept { return total_; }

 private:
  std::map<std::pair<std::vector<const void*>, debug::labels>, group> groups_;
  std::uint64_t total_ = 0;
};

// Go's word for what it does, or waits for.
std::string_view status_of(const fiber_info& info) noexcept;

std::unique_ptr<writer> make_text(output& to, frames::names& names);
std::unique_ptr<writer> make_groups(output& to, frames::names& names);
std::unique_ptr<writer> make_folded(output& to, frames::names& names);
std::unique_ptr<writer> make_json(output& to, frames::names& names);
std::unique_ptr<writer> make_pprof(output& to, frames::names& names);

// One fiber as text; also for reports and for stack().
std::string text_of(const fiber_info& info, frames::names& names);

}  // namespace gossamer::inline v0::debug
