// io/scanner: reading token by token: lines, words, characters, or what a function of one's own cuts off.
// Source: Go's bufio.Scanner. Differs: text() is a view and copies nothing; once scan() has returned false it stays so,
// after every error; the buffer grows while reads fill it. In place; not for several fibers at once.
//
//   io::scanner s(conn);
//   while (s.scan()) use(s.text());
//   if (s.err()) …
//
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../io_errors.hpp"
#include "stream.hpp"

namespace gossamer::inline v0::io {

// What a split function returned cannot be: `bufio.Scanner: SplitFunc returns negative advance count`, and
// `bufio.Scanner: SplitFunc returns advance count beyond input`.
GOSSAMER_API extern const errors::sentinel negative_advance;
GOSSAMER_API extern const errors::sentinel advance_too_far;
// From a split function: the token with it is the last, if there is one, and that is no error.
GOSSAMER_API extern const errors::sentinel final_token;  // final token

// What a split function has found at the beginning of the data.
struct split_result {
  // How many bytes of the data are done with.
  std::int64_t advance = 0;
  // May be empty, and need not be a part of the data. None: more data is needed.
  std::optional<std::string_view> token = std::nullopt;
  // Ends the scan; final_token does so without an error.
  error err = nullptr;
};

// Split functions. Each takes data that begins where the last one advanced to, and whether nothing will come behind it;
// data is empty only then.

// Lines without their `\n` or `\r\n`, empty ones, too; the last need not have one.
GOSSAMER_API split_result scan_lines(std::string_view data, bool at_end);
// What stands between white space (Unicode's); never empty.
GOSSAMER_API split_result scan_words(std::string_view data, bool at_end);
// Characters in UTF-8. A byte that is none becomes U+FFFD.
GOSSAMER_API split_result scan_runes(std::string_view data, bool at_end);
GOSSAMER_API split_result scan_bytes(std::string_view data, bool at_end);

template <class F>
concept split_function = std::move_constructible<F> && requires(F& f, std::string_view data, bool at_end) {
  { f(data, at_end) } -> std::same_as<split_result>;
};

}  // namespace gossamer::inline v0::io

namespace gossamer::inline v0::detail {

class splitter {
 public:
  splitter() = default;
  splitter(const splitter&) = delete;
  splitter& operator=(const splitter&) = delete;
  virtual ~splitter() = default;
  virtual io::split_result split(std::string_view data, bool at_end) = 0;
};

template <class F>
class splitting final : public splitter {
 public:
  explicit splitting(F f) : f_(std::move(f)) {}
  io::split_result split(std::string_view data, bool at_end) override { return f_(data, at_end); }

 private:
  F f_;
};

}  // namespace gossamer::inline v0::detail

namespace gossamer::inline v0::io {

// scanner: see the head of the file. After the last token err() is nil at the end of the input, or the reader's or the
// split function's error, or io::too_long. Panics where a split function makes no progress (100 empty tokens in a row).
class GOSSAMER_API scanner {
 public:
  // What a token and its delimiter may take up, unless buffer() says otherwise.
  static constexpr std::size_t default_most_bytes = 64 * 1024;

  // Lines, unless split() is called.
  explicit scanner(reader from) noexcept : from_(std::move(from)) {}
  scanner(const scanner&) = delete;
  scanner& operator=(const scanner&) = delete;

  // Cuts by f. Panics with `Split called after Scan`, and for a null pointer.
  template <split_function F>
  void split(F f) {
    if constexpr (requires { f == nullptr; }) {
      if (f == nullptr) {
        set_split(nullptr);
      }
    }
    if constexpr (std::convertible_to<F, split_result (*)(std::string_view, bool)>) {
      if (static_cast<split_result (*)(std::string_view, bool)>(f) == &scan_lines) {
        return set_split_lines();
      }
    }
    set_split(std::make_unique<detail::splitting<F>>(std::move(f)));
  }
  // Reads into `room`, which must live as long, and allocates only where a token needs more, `most` bytes at most; the
  // greater of the two is what a token may take up with its delimiter; a longer one is too_long. Panics with `Buffer
  // called after Scan`.
  void buffer(std::span<std::byte> room, std::size_t most);

  // Goes to the next token: true if there is one. False for good at the end and after an error; what was read before an
  // error of the reader comes first. Waits as the reader does. Panics with
  // `bufio.Scan: too many empty tokens without progressing` where at the end of the data the split function has
  // returned 100 tokens without an advance; what the split function throws leaves the scanner as it was.
  bool scan();
  // The token, until the next scan(); empty after one that returned false.
  std::string_view text() const noexcept { return token_; }
  std::span<const std::byte> bytes() const noexcept { return std::as_bytes(std::span(token_)); }
  // Why scan() returned false; nil at the end.
  error err() const;

 private:
  enum class found : std::uint8_t { token, nothing, end };

  void set_split(std::unique_ptr<detail::splitter> by);
  void set_split_lines();
  bool scan_more();
  struct inside;  // what is a part of several of these, and no function of its own
  found find_line_or_rest() noexcept;
  found find_token();
  bool finish(error why);
  bool make_space();
  void grow(std::size_t bytes);
  void fill();

  reader from_;
  std::unique_ptr<detail::splitter> split_;  // null: lines
  std::unique_ptr<std::byte[]> own_;         // the buffer, unless it is the caller's
  std::byte* buffer_ = nullptr;
  std::size_t size_ = 0;
  std::size_t most_ = default_most_bytes;
  // begin_ <= end_ <= size_; what lies between has not been cut yet, and its first searched_ bytes hold no `\n`.
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t searched_ = 0;
  std::string_view token_;
  error err_;             // of the read below, or of the scan
  int empty_tokens_ = 0;  // in a row at the end of the data, without an advance
  bool started_ = false;
  bool done_ = false;
  bool callers_ = false;  // the buffer was given by the caller
  bool filled_ = false;   // the last read took all the room there was
};

}  // namespace gossamer::inline v0::io
