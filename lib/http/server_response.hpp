// server_response: how a server answers one request after the other on a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/http/request.hpp"
#include "gossamer/http/response_writer.hpp"
#include "gossamer/net/conn.hpp"
#include "gossamer/sync/mutex.hpp"

namespace gossamer::inline v0::http {

class connection;

// Up to 2 KiB are kept until the handler returns: then the length is known, and everything is one write. More, or a
// flush, goes out in chunks.
class server_response final : public response_writer {
 public:
  explicit server_response(connection& on) noexcept : on_(on) {}

  // For the next request.
  void begin() noexcept;
  // The handler has returned: sends what is left. Whether the connection can be used again.
  bool finish();

  http::header& header() override { return header_; }
  io::copied read_from(const io::reader& from) override;
  gossamer::error flush() override;
  std::pair<net::conn, gossamer::error> hijack() override;
  gossamer::error set_read_deadline(net::time_point when) override;
  gossamer::error set_write_deadline(net::time_point when) override;
  gossamer::error enable_full_duplex() override;
  void request_too_large() override;

  // `100 Continue`, unless the answer has begun.
  gossamer::error send_continue();
  // The connection ends with this answer.
  void close_after() noexcept { close_after_ = true; }
  // The client takes no more.
  bool has_failed() const noexcept { return static_cast<bool>(failed_); }
  bool is_hijacked() const noexcept { return hijacked_; }

 protected:
  io::result write_bytes(std::span<const std::byte> from) override;
  void write_status(int status, here where) override;

 private:
  // How the end of the body is told. `open`: not decided.
  enum class framing : std::uint8_t { open, none, counted, chunked, until_close };
  struct head_parts;

  // What out_ and body_ hold at most before they are sent.
  static constexpr std::size_t kept = 2048;
  static constexpr std::size_t most_out = 4096;

  bool is_head() const noexcept;
  bool allows_body() const noexcept;
  bool has_trailers() const noexcept;
  // `100 Continue` may be sent yet, was sent, or is not sent any more, since the status has come.
  enum class continuing : std::uint8_t { open, sent, never };
  void end_continue(continuing as);
  void take_declared_length();
  // Decides the framing, and puts the head into out_. `last`: nothing comes behind body_ and `next`.
  void commit(bool last, std::span<const std::byte> next);
  void settle_connection(head_parts& parts);
  void drain_request();
  void sniff(std::span<const std::byte> next, head_parts& parts) const;
  void append_head(const head_parts& parts);
  void append_trailers();
  void append_info(int status);
  // The body's next bytes, what was kept and then `next`: into out_, or sent with it.
  gossamer::error emit(std::span<const std::byte> next);
  gossamer::error send();
  void send_held();
  std::string_view date();

  connection& on_;
  http::header header_;
  http::header sent_;  // as it was when the status was written
  int status_ = 0;
  framing framing_ = framing::open;
  bool close_after_ = false;
  bool hijacked_ = false;
  bool full_duplex_ = false;
  bool too_long_ = false;      // more than the declared length was to be written
  sync::mutex continue_lock_;  // `100 Continue` may be sent by a fiber that reads the body
  continuing continue_ = continuing::open;
  std::int64_t declared_ = -1;
  std::int64_t written_ = 0;  // by the handler
  std::string out_;           // not sent yet
  std::string body_;          // not in out_ yet
  gossamer::error failed_;    // why nothing can be sent any more
  std::vector<const http::header::field*> sorted_;
  std::string date_;
  std::int64_t date_second_ = 0;
};

}  // namespace gossamer::inline v0::http
