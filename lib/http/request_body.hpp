// request_body: the body of the request that a connection is at, and the handle of it that the handler has.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gossamer/errors.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/io/interfaces.hpp"
#include "gossamer/sync/mutex.hpp"
#include "http/input.hpp"
#include "http/request_parser.hpp"

namespace gossamer::inline v0::http {

// What a body needs of its connection.
class body_owner {
 public:
  // Before the first byte of a body is read whose client waits for `100 Continue`.
  virtual gossamer::error send_continue() = 0;
  // All of it has been read.
  virtual void body_has_ended() = 0;
  // The rest of it cannot be read.
  virtual void body_has_failed() = 0;

 protected:
  ~body_owner() = default;
};

// read() and drop() by any fiber.
class request_body {
 public:
  request_body(input& from, request_parser& parser, body_owner& owner) noexcept
      : from_(from), parser_(parser), owner_(owner) {}

  // Of a request whose header has just been read.
  void begin(const request& of, bool waits_for_continue) noexcept;
  io::result read(std::span<std::byte> to);
  // The same, where it is worth it: the client sends it, and no more is known to be left.
  bool drop(std::uint64_t most);

  bool has_ended() const noexcept { return state_ == state::ended; }

 private:
  enum class state : std::uint8_t { ended, counted, chunked, failed };
  bool discard(std::uint64_t most);
  io::result read_locked(std::span<std::byte> to);
  io::result read_piece(std::span<std::byte> to);
  void fail(const gossamer::error& why);

  input& from_;
  request_parser& parser_;
  body_owner& owner_;
  sync::mutex lock_;
  std::atomic<state> state_ = state::ended;
  bool waits_ = false;
  bool dropped_ = false;  // by drop(): nobody gets what comes behind a hole
  std::uint64_t left_ = 0;
  gossamer::error why_;
};

// What a handler reads from. It may keep it: then reads fail once the connection goes on to another request.
class body_handle final : public io::reader_interface {
 public:
  // null: a request without a body.
  explicit body_handle(request_body* of) noexcept : of_(of) {}
  io::result read(std::span<std::byte> to) override;
  void close();
  // Waits for a read that is going on.
  void detach();

 private:
  sync::mutex lock_;
  request_body* of_;
  bool closed_ = false;
};

// `http: invalid Read on closed Body`
extern const errors::sentinel read_after_close;

// Both ends of it, a reader_interface that has close(), as an io::read_closer.
template <class Body>
io::read_closer read_closer_of(const detail::reference<Body>& body) {
  struct closer {
    detail::reference<Body> of;
    gossamer::error close() const {
      of->close();
      return nullptr;
    }
  };
  return {io::reader(body.get()), io::closer(closer{body})};
}

}  // namespace gossamer::inline v0::http
