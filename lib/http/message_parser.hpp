// message_parser: what reading a request and reading an answer have in common: Boost.Beast's parser, with what we ask
// of fields, and how a chunked body is read. It shows Beast: for implementation files.
#pragma once

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 with a sanitizer cries wolf over boost::optional, which Beast gives a length by.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <string_view>

#include "gossamer/error.hpp"
#include "gossamer/io.hpp"
#include "http/ascii.hpp"
#include "http/chunk_faults.hpp"
#include "http/input.hpp"

namespace gossamer::inline v0::http {

namespace beast = boost::beast::http;
using boost::system::error_code;
using text_view = boost::beast::string_view;

inline std::string_view view_of(text_view text) noexcept { return {text.data(), text.size()}; }

// Fields behind a chunked body are fields. Newer versions of Beast tell them apart, where older ones know of no such
// function: so it says no `override`, and has a class of its own, as clang wants all of a class to say it or none.
template <bool is_request>
struct trailer_parser : beast::basic_parser<is_request> {
  virtual void on_trailer_field_impl(beast::field name, text_view name_text, text_view value, error_code& ec) {
    this->on_field_impl(name, name_text, value, ec);
  }
};

// For one message.
template <bool is_request>
struct message_parser : trailer_parser<is_request> {
  message_parser() noexcept {
    this->eager(false);
    this->body_limit(boost::none);
    this->header_limit(std::numeric_limits<std::uint32_t>::max());  // counted by who reads
  }

  // Beast joins a value that was folded over lines elsewhere, but for one whose first lines are empty.
  bool is_folded(std::string_view name, std::string_view value) const noexcept {
    const std::less<const char*> before;
    const char* const end = name.data() + name.size();
    if (before(value.data(), end) || before(piece.data() + piece.size(), value.data())) {
      return true;
    }
    return std::string_view(end, value.data()).find('\n') != std::string_view::npos;
  }

  void take_coding(std::string_view value) {
    codings++;
    chunked_alone = codings == 1 && same_name(value, "chunked");
  }

  enum class length_use : std::uint8_t { first, again, malformed, another };
  length_use take_length(std::string_view value) noexcept {
    std::int64_t n = 0;
    const auto [rest, bad] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (value.empty() || !std::ranges::all_of(value, http::is_digit) || bad != std::errc() ||
        rest != value.data() + value.size()) {
      return length_use::malformed;
    }
    if (lengths > 0 && n != length) {
      return length_use::another;
    }
    length = n;
    return ++lengths == 1 ? length_use::first : length_use::again;
  }

  void take_connection(std::string_view value) noexcept {
    closes = closes || has_token(value, "close");
    keeps = keeps || has_token(value, "keep-alive");
  }

  // Has Beast look at what is there. How much of it is used up is consumed.
  error_code put_some(input& from) {
    piece = from.unread();
    error_code ec;
    const std::size_t n = this->put({piece.data(), piece.size()}, ec);
    from.consume(n);
    raw += n;
    return ec;
  }

  // Reads decoded bytes of a chunked body; io::eof behind the last one, when the trailers are complete. More of the
  // input comes by fill().
  template <class Fill>
  io::result read_chunked(input& from, std::span<std::byte> into, const Fill& fill);

  void on_chunk_header_impl(std::uint64_t size, text_view extensions, error_code& ec) override {
    chunks++;
    left = size;
    if (extensions.size() > longest_chunk_line) {
      ec = beast::error::bad_chunk_extension;
    }
  }
  std::size_t on_chunk_body_impl(std::uint64_t, text_view body, error_code&) override {
    const std::size_t n = std::min(body.size(), to.size());
    if (n > 0) {
      std::memcpy(to.data(), body.data(), n);
    }
    to = to.subspan(n);
    data += n;
    left -= n;
    return n;
  }
  // What has no chunks is not read here.
  std::size_t on_body_impl(text_view body, error_code&) override { return body.size(); }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_finish_impl(error_code&) override {}
  void on_request_impl(beast::verb, text_view, text_view, int, error_code&) override {}
  void on_response_impl(int, text_view, int, error_code&) override {}

  std::string_view piece{};  // what is being looked at
  std::uint64_t raw = 0;     // bytes, used up
  std::int64_t length = 0;   // that a field has said
  int codings = 0, lengths = 0;
  bool chunked_alone = false, closes = false, keeps = false, header_done = false;
  // Of a chunked body: where it goes, what has come of it.
  std::span<std::byte> to{};
  std::uint64_t data = 0, chunks = 0, raw_header = 0;
  std::uint64_t left = 0;  // of the chunk that it is at
};

template <bool is_request>
template <class Fill>
io::result message_parser<is_request>::read_chunked(input& from, std::span<std::byte> into, const Fill& fill) {
  const auto more = [&]() -> gossamer::error {
    gossamer::error err = fill();
    return err == io::eof ? fault_of_end(from.unread()) : err;
  };
  const std::size_t wanted = into.size();
  to = into;
  for (;;) {
    if (this->is_done()) {
      return {0, io::eof};
    }
    while (from.empty() || (left == 0 && may_be_short_last_chunk(from.unread()))) {
      if (const gossamer::error err = more()) {
        return {0, err};
      }
    }
    const error_code ec = put_some(from);
    const std::uint64_t overhead = raw - raw_header - data;
    if (ec == beast::error::need_more) {
      if (const gossamer::error err = fault_of_unfinished(from.unread(), data > 0)) {
        return {0, err};
      }
      if (to.size() == wanted) {
        if (const gossamer::error err = more()) {
          return {0, err};
        }
      }
    } else if (ec) {
      return {0, fault_of_chunk(from.unread(), data > 0)};
    }
    if (overhead > spare_overhead + 16 * chunks + 2 * data) {
      return {0, too_much_overhead};
    }
    if (to.size() < wanted) {
      return {wanted - to.size(), nullptr};
    }
  }
}

}  // namespace gossamer::inline v0::http
