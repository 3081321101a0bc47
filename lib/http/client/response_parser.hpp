// response_parser: an answer's status line, its fields and its chunked body. It shows Beast: for implementation files.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "gossamer/error.hpp"
#include "gossamer/http/header.hpp"
#include "gossamer/http/response.hpp"
#include "http/announced_trailers.hpp"
#include "http/message_parser.hpp"

namespace gossamer::inline v0::http {

// `HTTP/1.1 200 OK`, without the line's end, into the answer. A reason may be missing, and the blank before it as well.
gossamer::error parse_status_line(std::string_view line, response& into);

// One answer's fields, whose status line has been read; the answer is needed until they have come. Differs from Go:
// lines end in CR LF; an answer with a length and a coding is refused, as RFC 9112 allows, and so is a Connection that
// is no list of tokens.
class response_parser final : public message_parser<false> {
 public:
  // The fields that come behind the body are added to those of `trailer`.
  response_parser(response& into, http::header& trailer);

  // Takes what it can of the input. nil, and is_header_done(): all has come, and the answer's fields, content_length
  // (-1: it says nothing), transfer_encoding, `close` and the names of its trailers are set.
  gossamer::error put_header(input& from);
  // Where all that is missing of the body is that it ends, and that has come: takes it.
  void take_end(input& from);

  bool is_chunked() const noexcept { return chunked_alone && !ignores_coding_; }
  // Whether the connection can go on, as far as the fields say.
  bool keeps_alive() const noexcept { return !into_.close && !ignores_coding_; }

 private:
  void on_field_impl(beast::field name, text_view name_text, text_view value_text, error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void refuse(gossamer::error why, error_code& ec);
  void keep_length(std::string_view value, error_code& ec);
  void check_coding(error_code& ec);
  void announce_trailers(error_code& ec);
  gossamer::error fault_of(const error_code& ec, std::string_view unread) const;

  response& into_;
  http::header& trailer_;
  announced_trailers announced_;
  gossamer::error why_;
  std::string codings_text_;
  error_code fault_;           // told when the line has come that it is in
  std::size_t looked_at_ = 0;  // of what has not been used up
  bool has_pragma_ = false, has_trailer_ = false;
  bool ignores_coding_ = false;
  bool names_fields_ = false;  // Connection, beside saying that this is the last answer
};

}  // namespace gossamer::inline v0::http
