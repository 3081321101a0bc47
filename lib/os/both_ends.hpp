// both_ends: a writer that keeps the beginning and the end of what is written. Source: Go's prefixSuffixSaver.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "gossamer/detail/bytes.hpp"
#include "gossamer/io/stream.hpp"

namespace gossamer::inline v0::os {

class both_ends {
 public:
  template <detail::readable_bytes R>
  io::result write(R&& from) {
    const auto bytes = std::as_bytes(std::span(from));
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    assert(beginning_.size() <= most && (end_.empty() || beginning_.size() == most));
    const std::string_view first = text.substr(0, most - beginning_.size());
    beginning_ += first;
    text.remove_prefix(first.size());
    all_ += bytes.size();
    end_ += text;
    if (end_.size() > 2 * most) {
      end_.erase(0, end_.size() - most);
    }
    return {bytes.size(), nullptr};
  }
  std::string text() const {
    const std::string_view end = std::string_view(end_).substr(end_.size() - std::min(end_.size(), most));
    assert(beginning_.size() + end.size() <= all_);
    const std::size_t omitted = all_ - beginning_.size() - end.size();
    return omitted == 0 ? beginning_ + std::string(end)
                        : beginning_ + "\n... omitting " + std::to_string(omitted) + " bytes ...\n" + std::string(end);
  }

 private:
  static constexpr std::size_t most = 32 << 10;  // of each

  std::string beginning_;
  std::string end_;
  std::size_t all_ = 0;
};

}  // namespace gossamer::inline v0::os
