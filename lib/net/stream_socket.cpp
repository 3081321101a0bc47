// stream_socket: see stream_socket.hpp.
#include "net/stream_socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <climits>
#include <string>
#include <vector>

#include "net/message.hpp"
#include "net/sending.hpp"

namespace gossamer::inline v0::net {

namespace {

using kind = trouble::kind;

// What is left to be written of several buffers.
class rest {
 public:
  explicit rest(std::span<const buffer> all) noexcept : all_(all) { skip_empty(); }

  bool empty() const noexcept { return all_.empty(); }
  std::size_t written() const noexcept { return written_; }

  void take(std::size_t n) noexcept {
    written_ += n;
    while (n > 0) {
      assert(!all_.empty());
      const std::size_t here = std::min(n, all_.front().size() - offset_);
      offset_ += here;
      n -= here;
      skip_empty();
    }
  }

  // As many as go into one call.
  std::span<iovec> gather(std::span<iovec> room) const noexcept {
    assert(all_.empty() || offset_ < all_.front().size());
    const std::size_t n = std::min(all_.size(), room.size());
    for (std::size_t i = 0; i < n; ++i) {
      const buffer b = i == 0 ? all_[0].subspan(offset_) : all_[i];
      room[i] = {const_cast<std::byte*>(b.data()), b.size()};
    }
    return room.first(n);
  }

 private:
  void skip_empty() noexcept {
    while (!all_.empty() && offset_ == all_.front().size()) {
      all_ = all_.subspan(1);
      offset_ = 0;
    }
  }

  std::span<const buffer> all_;
  std::size_t offset_ = 0;
  std::size_t written_ = 0;
};

// The control data goes with the first bytes.
ssize_t send_some(int number, const rest& what, buffer control = {}) noexcept {
  std::array<iovec, 64> room;
  const std::span<iovec> parts = what.gather(room);
  if (what.written() > 0) {
    control = {};
  }
  if (parts.size() == 1 && control.empty()) {
    return result_of(::send(number, parts[0].iov_base, std::min(parts[0].iov_len, most_at_once), MSG_NOSIGNAL));
  }
  return send_parts(number, parts, control);
}

// Until all is written, but send() is called once at least. `call`: what a refusal names.
template <class Send>
trouble send_all(sending& s, rest& what, const char* call, Send send) {
  do {
    const ssize_t n = s.take(call, send);
    if (n < 0) {
      return s.why();
    }
    what.take(static_cast<std::size_t>(n));
  } while (!what.empty());
  return {};
}

}  // namespace

io_result stream_socket::read(std::span<std::byte> to, const ending& end, std::source_location where) {
  if (to.empty()) {
    return {0, socket_.fail("read", socket_.fd().if_closed(), end)};
  }
  const std::size_t most = std::min(to.size(), most_at_once);
  operation op(socket_.fd(), way::in, end, where);
  trouble t;
  const ssize_t n =
      op.perform(t, "read", most, [&] { return result_of(::recv(socket_.fd().number(), to.data(), most, 0)); });
  if (n > 0) [[likely]] {
    return {static_cast<std::size_t>(n), nullptr};
  }
  return {0, socket_.fail("read", n == 0 ? trouble{kind::at_end} : t, end)};
}

io_result stream_socket::write(buffer from, const ending& end, std::source_location where) {
  return writev(std::span(&from, 1), end, where);
}

io_result stream_socket::writev(std::span<const buffer> from, const ending& end, std::source_location where) {
  if (!socket_.net().is_stream()) {
    return write_message(from, end, where);
  }
  rest what(from);
  if (what.empty()) {
    return {0, socket_.fail("write", socket_.fd().prospect(way::out, end.stop()), end)};
  }
  const int number = socket_.fd().number();
  sending s(socket_.fd(), end, where);
  const trouble t = send_all(s, what, "write", [&] { return send_some(number, what); });
  return {what.written(), socket_.fail("write", t, end)};
}

// One message, be it empty; more only of more buffers than the kernel takes at once.
io_result stream_socket::write_message(std::span<const buffer> from, const ending& end,
                                       const std::source_location& where) {
  rest what(from);
  std::array<iovec, 16> few;
  std::vector<iovec> many(from.size() > few.size() ? std::min<std::size_t>(from.size(), IOV_MAX) : 0);
  const std::span<iovec> room = many.empty() ? std::span<iovec>(few) : many;
  const int number = socket_.fd().number();
  sending s(socket_.fd(), end, where);
  const trouble t = send_all(s, what, "write", [&] { return send_parts(number, what.gather(room)); });
  return {what.written(), socket_.fail("write", t, end)};
}

msg_written stream_socket::write_msg(buffer from, buffer control, const addr& to, const ending& end,
                                     std::source_location where) {
  if (to) {
    return {.err = socket_.fail_to(to, os::system_error(EISCONN))};
  }
  const std::byte zero{};
  const bool only_carries = from.empty() && !control.empty();
  const buffer all = only_carries ? buffer(&zero, 1) : from;
  rest what(std::span(&all, 1));
  if (what.empty() && socket_.net().is_stream()) {
    return {.err = socket_.fail("write", socket_.fd().prospect(way::out, end.stop()), end)};
  }
  const int number = socket_.fd().number();
  sending s(socket_.fd(), end, where);
  const trouble t = send_all(s, what, "sendmsg", [&] { return send_some(number, what, control); });
  return {only_carries ? 0 : what.written(), what.written() > 0 ? control.size() : 0, socket_.fail("write", t, end)};
}

error stream_socket::close_read() { return socket_.shut_down("close", SHUT_RD); }

error stream_socket::close_write() { return socket_.shut_down("close", SHUT_WR); }

}  // namespace gossamer::inline v0::net
