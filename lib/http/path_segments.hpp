// path_segments: the path of a request, as it was sent, in segments.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gossamer::inline v0::http {

// A view of a path that begins with a slash, or is empty. Behind it there may be another slash, which is not there.
class path_segments {
 public:
  path_segments() noexcept = default;
  path_segments(const path_segments&) = delete;
  path_segments& operator=(const path_segments&) = delete;

  // Where the path is sent as it is, and has nothing to be cleaned: takes it apart, and returns true. A segment that
  // begins with a dot makes it false.
  bool take_ordinary(std::string_view path) noexcept;
  // Takes any path apart.
  void take(std::string_view path);

  std::string_view path() const noexcept { return path_; }
  // As many as there are slashes, that behind it with them; the last one is empty where the path ends in one.
  std::size_t size() const noexcept { return size_ + (with_slash ? 1 : 0); }
  bool ends_with_slash() const noexcept { return with_slash || path_.ends_with('/'); }
  bool has_escapes() const noexcept { return has_escapes_; }

  // From the slash before it, without that. Only of those that the path itself has.
  std::string_view operator[](std::size_t i) const noexcept {
    const std::size_t from = slashes()[i] + std::size_t{1};
    return path_.substr(from, end_of(i) - from);
  }
  // That and all behind it.
  std::string_view from(std::size_t i) const noexcept {
    return i < size_ ? path_.substr(slashes()[i] + std::size_t{1}) : std::string_view();
  }
  // Whether nothing but a slash stands there.
  bool is_last_slash(std::size_t i) const noexcept {
    return i < size_ ? slashes()[i] + std::size_t{1} == path_.size() : with_slash && i == size_;
  }

  bool with_slash = false;

 private:
  static constexpr std::size_t few = 32;

  const std::uint32_t* slashes() const noexcept { return many_.empty() ? few_.data() : many_.data(); }
  std::size_t end_of(std::size_t i) const noexcept { return i + 1 < size_ ? slashes()[i + 1] : path_.size(); }

  std::string_view path_;
  std::size_t size_ = 0;
  bool has_escapes_ = false;
  std::array<std::uint32_t, few> few_;
  std::vector<std::uint32_t> many_;  // in place of those, where they do not suffice
};

}  // namespace gossamer::inline v0::http
