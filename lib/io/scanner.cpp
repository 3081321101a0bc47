// scanner: see gossamer/io/scanner.hpp.
#include "gossamer/io/scanner.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "gossamer/io.hpp"
#include "gossamer/panic.hpp"
#include "io/attempts.hpp"

namespace gossamer::inline v0::io {

namespace {

constexpr std::size_t first_bytes = 4096;
// As long as reads fill it, the buffer grows up to this: a read of a file costs more than what it copies.
constexpr std::size_t read_bytes = 64 * 1024;
constexpr int most_empty_tokens = 100;

std::string_view without_cr(std::string_view line) noexcept {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

}  // namespace

void scanner::set_split_lines() {
  if (started_) {
    panic("Split called after Scan");
  }
  split_ = nullptr;
}

void scanner::set_split(std::unique_ptr<detail::splitter> by) {
  if (by == nullptr) {
    detail::throw_runtime_error("runtime error: invalid memory address or nil pointer dereference");
  }
  set_split_lines();
  split_ = std::move(by);
}

void scanner::buffer(std::span<std::byte> room, std::size_t most) {
  if (started_) {
    panic("Buffer called after Scan");
  }
  own_ = nullptr;
  buffer_ = room.data();
  size_ = room.size();
  most_ = most;
  callers_ = !room.empty();
}

struct scanner::inside {
  // Takes a line that is whole in the buffer off. As scan_lines(), but no byte is looked at twice, however long the
  // line is.
  [[gnu::always_inline]] static inline bool find_line(scanner& s) noexcept {
    if (s.begin_ + s.searched_ >= s.end_) {
      return false;
    }
    const char* const first = reinterpret_cast<const char*>(s.buffer_) + s.begin_;
    const void* const at = std::memchr(first + s.searched_, '\n', s.end_ - s.begin_ - s.searched_);
    if (at == nullptr) {
      s.searched_ = s.end_ - s.begin_;
      return false;
    }
    const auto length = static_cast<std::size_t>(static_cast<const char*>(at) - first);
    s.begin_ += length + 1;
    s.searched_ = 0;
    s.token_ = without_cr(std::string_view(first, length));
    return true;
  }
};

// Most lines need no more than this. Once the scan is done the buffer is empty.
bool scanner::scan() { return (!split_ && inside::find_line(*this)) || scan_more(); }

bool scanner::scan_more() {
  token_ = {};
  if (done_) {
    return false;
  }
  started_ = true;
  for (;;) {
    if (begin_ < end_ || err_) {
      const found f = split_ ? find_token() : find_line_or_rest();
      if (f != found::nothing) {
        return f == found::token;
      }
    }
    if (err_) {
      return finish(std::move(err_));
    }
    if (!make_space()) {
      return finish(too_long);
    }
    fill();
  }
}

error scanner::err() const { return done_ && err_ != eof ? err_ : error(); }

bool scanner::finish(error why) {
  assert(!done_);
  done_ = true;
  begin_ = end_ = 0;
  err_ = std::move(why);
  return false;
}

scanner::found scanner::find_line_or_rest() noexcept {
  if (inside::find_line(*this)) {
    return found::token;
  }
  if (!err_ || begin_ == end_) {
    return found::nothing;
  }
  token_ = without_cr(std::string_view(reinterpret_cast<const char*>(buffer_) + begin_, end_ - begin_));
  begin_ = end_;
  searched_ = 0;
  return found::token;
}

scanner::found scanner::find_token() {
  const std::string_view data(reinterpret_cast<const char*>(buffer_) + begin_, end_ - begin_);
  assert(!data.empty() || err_);
  split_result r = split_->split(data, static_cast<bool>(err_));
  if (r.err == final_token) {
    finish(std::move(err_));
    token_ = r.token.value_or(std::string_view());
    return r.token ? found::token : found::end;
  }
  if (r.err) {
    // The first error stays, but for the end, which is none.
    finish(!err_ || err_ == eof ? std::move(r.err) : std::move(err_));
    return found::end;
  }
  if (r.advance < 0 || static_cast<std::uint64_t>(r.advance) > data.size()) {
    finish(r.advance < 0 ? negative_advance : advance_too_far);
    return found::end;
  }
  begin_ += static_cast<std::size_t>(r.advance);
  if (!r.token) {
    return found::nothing;
  }
  empty_tokens_ = !err_ || r.advance > 0 ? 0 : empty_tokens_ + 1;
  if (empty_tokens_ > most_empty_tokens) {
    panic("bufio.Scan: too many empty tokens without progressing");
  }
  token_ = *r.token;
  return found::token;
}

// False if the buffer is full, and must not become larger.
bool scanner::make_space() {
  if (begin_ > 0 && (end_ == size_ || begin_ > size_ / 2)) {
    std::memmove(buffer_, buffer_ + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == size_) {
    if (size_ >= most_) {
      return false;
    }
    grow(size_ > most_ / 2 ? most_ : std::max(2 * size_, std::min(first_bytes, most_)));
  } else if (filled_ && !callers_ && size_ < std::min(read_bytes, most_)) {
    grow(std::min({2 * size_, read_bytes, most_}));
  }
  return true;
}

void scanner::grow(std::size_t bytes) {
  assert(bytes > size_);
  auto larger = std::make_unique_for_overwrite<std::byte[]>(bytes);
  std::copy(buffer_ + begin_, buffer_ + end_, larger.get());
  own_ = std::move(larger);
  buffer_ = own_.get();
  size_ = bytes;
  end_ -= begin_;
  begin_ = 0;
}

// There is room in the buffer, and no error. Reads until there is something more, or an error.
void scanner::fill() {
  assert(!err_ && begin_ <= end_ && end_ < size_);
  const std::span<std::byte> room(buffer_ + end_, size_ - end_);
  auto [n, err] = read_something(from_, room);
  end_ += n;
  filled_ = n == room.size();
  err_ = std::move(err);
}

constinit const errors::sentinel negative_advance{"bufio.Scanner: SplitFunc returns negative advance count"};
constinit const errors::sentinel advance_too_far{"bufio.Scanner: SplitFunc returns advance count beyond input"};
constinit const errors::sentinel final_token{"final token"};

}  // namespace gossamer::inline v0::io
