// path_segments: the path of a request, as it was sent, in segments.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gossamer::inline v0::http {

// A view of a path. Taken apart once, since a match may go over it again.
class path_segments {
 public:
  path_segments() noexcept = default;
  path_segments(const path_segments&) = delete;
  path_segments& operator=(const path_segments&) = delete;

  // Where the path is sent as it is, and has nothing to be cleaned: takes it apart, and returns true. A segment that
  // begins with a dot makes it false, and more segments than there is room for.
  bool take_ordinary(std::string_view path) noexcept;
  // Takes any path apart.
  void take(std::string_view path);
  // From here on there is another slash behind the path, which does not end in one; or none any more.
  void let_end_with_slash(bool on) noexcept {
    size_ = own_size_ + (on ? 1 : 0);
    last_slash_ = on ? own_size_ : none;
  }

  std::string_view path() const noexcept { return path_; }
  // As many as there are slashes; the last one is empty where the path ends in one.
  std::size_t size() const noexcept { return size_; }
  bool ends_with_slash() const noexcept { return last_slash_ != none; }
  // Whether nothing but a slash stands there.
  bool is_last_slash(std::size_t i) const noexcept { return i == last_slash_; }
  bool has_escapes() const noexcept { return has_escapes_; }

  // From the slash before it, without that. Only of those that the path itself has.
  std::string_view operator[](std::size_t i) const noexcept {
    const std::size_t from = slashes_[i] + std::size_t{1};
    return {path_.data() + from, slashes_[i + 1] - from};
  }
  // That and all behind it.
  std::string_view from(std::size_t i) const noexcept {
    return i < own_size_ ? path_.substr(slashes_[i] + std::size_t{1}) : std::string_view();
  }

 private:
  static constexpr std::size_t few = 32;
  static constexpr std::size_t none = ~std::size_t{0};

  void end(std::string_view path, std::size_t slashes) noexcept;

  std::string_view path_;
  std::size_t size_ = 0;
  std::size_t own_size_ = 0;
  std::size_t last_slash_ = none;
  bool has_escapes_ = false;
  // Where they are, and the path's size.
  std::array<std::uint32_t, few + 1> few_;
  std::uint32_t* slashes_ = few_.data();
  std::vector<std::uint32_t> many_;
};

}  // namespace gossamer::inline v0::http
