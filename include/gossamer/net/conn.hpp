// net/conn: connections and listeners.
// Source: Go's net.Conn, TCPConn, UnixConn, UDPConn, PacketConn, Listener, Pipe. Differs: one type for all streams;
// every blocking call takes a stop or a context as well.
//
// All are handles: copies are the same connection, operations are const; the last handle closes it. Any number of
// fibers and threads may use one at the same time: reads are served one after the other, and so are writes, each as a
// whole. A fiber parks where a call has to wait, a plain thread blocks. All calls on a nil handle fail with `invalid
// argument`.
//
// A deadline is absolute and holds until it is set anew, for operations that wait as well as for those to come: one
// that has passed fails them at once, though there may be data. It can be set from anywhere at any time.
//
// close() ends whatever waits on the connection, and all that comes later, with `use of closed network connection`.
// Its file descriptor's number is not free for others before all have left.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <source_location>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../detail/bytes.hpp"
#include "../detail/config.hpp"
#include "../detail/counted.hpp"
#include "../detail/deadline.hpp"
#include "../error.hpp"
#include "addr.hpp"
#include "error.hpp"
#include "keep_alive.hpp"
#include "message.hpp"

namespace gossamer::inline v0::net {

// How many bytes were moved, and what went wrong; there may be both.
using io_result = std::pair<std::size_t, error>;
using time_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
inline constexpr time_point never = time_point::max();

// A point of any clock; its zero is no deadline, as in Go.
template <class Clock, class Duration>
time_point deadline_of(std::chrono::time_point<Clock, Duration> tp) noexcept {
  return tp == std::chrono::time_point<Clock, Duration>()
             ? never
             : time_point(std::chrono::nanoseconds(detail::to_deadline(tp)));
}

// Which of a connection's deadlines.
enum class direction : std::uint8_t { read = 1, write = 2, both = 3 };

enum class option : std::uint8_t {
  no_delay,
  linger,
  keep_alive,
  keep_alive_period,  // until the first probe
  read_buffer,
  write_buffer,
  keep_alive_interval,  // between probes
  keep_alive_count,
};

// What a conn refers to. A type of one's own (one that counts, or encrypts) derives from it and is made by make_conn().
// What is not overridden fails with `operation not supported`.
class GOSSAMER_API conn_interface : public detail::counted {
 public:
  virtual io_result read(std::span<std::byte> to, const ending& end, std::source_location where) = 0;
  virtual io_result write(buffer from, const ending& end, std::source_location where) = 0;
  // One write after the other.
  virtual io_result writev(std::span<const buffer> from, const ending& end, std::source_location where);
  virtual msg_read read_msg(std::span<std::byte> to, std::span<std::byte> control, const ending& end,
                            std::source_location where);
  // `to`: none, the peer.
  virtual msg_written write_msg(buffer from, buffer control, const addr& to, const ending& end,
                                std::source_location where);
  virtual error close() = 0;
  virtual error close_read();
  virtual error close_write();
  // `never`: no deadline.
  virtual error set_deadline(direction which, time_point when);
  virtual addr local_addr() const = 0;
  virtual addr remote_addr() const = 0;
  // Of keep_alive_period and keep_alive_interval: nanoseconds; of linger: seconds; of the others: 0 and 1, a number, or
  // bytes.
  virtual error set(option which, std::int64_t value);
  virtual int native_handle() const { return -1; }
  virtual int release() { return -1; }
  virtual std::pair<int, error> duplicate() const;
};

// A stream of bytes in both directions.
class GOSSAMER_API conn {
 public:
  using here = std::source_location;

  constexpr conn() noexcept = default;
  constexpr conn(std::nullptr_t) noexcept {}
  explicit conn(conn_interface* c) noexcept : its_(c) {}

  // Waits until there is something, and reads as much as there is, up to the size of `to`. At the end of the stream: 0
  // and io::eof. An empty `to`: 0 and nil.
  template <detail::writable_bytes R>
  io_result read(R&& to, const ending& end = {}, here where = here::current()) const {
    return read_some(std::as_writable_bytes(std::span(to)), end, where);
  }
  // Writes all of it. Less only with an error.
  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  io_result write(R&& from, const ending& end = {}, here where = here::current()) const {
    return write_all(std::as_bytes(std::span(from)), end, where);
  }
  io_result write(std::string_view from, const ending& end = {}, here where = here::current()) const {
    return write_all(std::as_bytes(std::span(from)), end, where);
  }
  // Writes several, one behind the other, as one write. Source: Go's net.Buffers.
  io_result writev(std::span<const buffer> from, const ending& end = {}, here where = here::current()) const;
  io_result writev(std::initializer_list<std::string_view> from, const ending& end = {},
                   here where = here::current()) const;

  // A message and the control data that came with it (see message.hpp): one datagram, or what a stream has, up to where
  // control data begins. Waits as read() does. Descriptors in it are close-on-exec, and the caller's. On a stream that
  // has ended: io::eof. On a stream that has an empty `to` the byte that carries control data is taken, and not given
  // (Go counts it).
  template <detail::writable_bytes R, detail::writable_bytes C>
  msg_read read_msg(R&& to, C&& control, const ending& end = {}, here where = here::current()) const {
    return receive_msg(std::as_writable_bytes(std::span(to)), std::as_writable_bytes(std::span(control)), end, where);
  }
  // Writes all of `from`, the control data with its first bytes. To whom: for sockets for datagrams that are not
  // connected. On a stream that has an empty `from` a zero byte carries the control data, and is not counted, as in Go.
  // Errors: those of write() and of packet_conn::write_to(); `missing address`, and for a stream that is given one
  // `transport endpoint is already connected`; `invalid argument` for control data
  // that the kernel does not take, or for too many descriptors; `bad file descriptor`; `too many references: cannot
  // splice` where too many are on their way. Nothing is passed then.
  template <detail::readable_bytes R, detail::readable_bytes C>
  msg_written write_msg(R&& from, C&& control, const addr& to = nullptr, const ending& end = {},
                        here where = here::current()) const {
    return send_msg(bytes_of<R>(from), std::as_bytes(std::span(control)), to, end, where);
  }

  // See above. A second close fails with `use of closed network connection`.
  error close() const;
  // Shuts one direction down: what is written before is still sent, then the peer reads the end of the stream.
  error close_read() const;
  error close_write() const;

  // Of reads and writes, of reads, of writes. nil, or a time point that is zero: none.
  template <class Clock, class Duration>
  error set_deadline(std::chrono::time_point<Clock, Duration> tp) const {
    return set_deadlines(direction::both, deadline_of(tp));
  }
  template <class Clock, class Duration>
  error set_read_deadline(std::chrono::time_point<Clock, Duration> tp) const {
    return set_deadlines(direction::read, deadline_of(tp));
  }
  template <class Clock, class Duration>
  error set_write_deadline(std::chrono::time_point<Clock, Duration> tp) const {
    return set_deadlines(direction::write, deadline_of(tp));
  }
  error set_deadline(std::nullptr_t) const { return set_deadlines(direction::both, never); }
  error set_read_deadline(std::nullptr_t) const { return set_deadlines(direction::read, never); }
  error set_write_deadline(std::nullptr_t) const { return set_deadlines(direction::write, never); }

  addr local_addr() const;
  addr remote_addr() const;

  // Whether small writes are sent at once. On by default.
  error set_no_delay(bool on) const { return set(option::no_delay, on ? 1 : 0); }
  // What close() does with what is not yet sent: < 0: the kernel goes on in the background (the default); 0: it is
  // thrown away, and the peer sees a reset; otherwise close() waits for so many seconds, in a blocking call.
  error set_linger(int seconds) const { return set(option::linger, seconds); }
  // On by default, after 15 s of silence and then every 15 s, nine times.
  error set_keep_alive(bool on) const { return set(option::keep_alive, on ? 1 : 0); }
  // The silence after which the peer is asked, as keep_alive_config::idle.
  template <class Rep, class Period>
  error set_keep_alive_period(std::chrono::duration<Rep, Period> d) const {
    return set(option::keep_alive_period, detail::saturated_nanoseconds(d).count());
  }
  // All of it, one after the other; the first that is refused ends it.
  error set_keep_alive_config(const keep_alive_config& config) const;
  // The kernel's buffers.
  error set_read_buffer(int bytes) const { return set(option::read_buffer, bytes); }
  error set_write_buffer(int bytes) const { return set(option::write_buffer, bytes); }

  // The file descriptor: the connection's still, to be asked and set, not to be closed. -1 where there is none, or it
  // is closed.
  int native_handle() const;
  // Gives the file descriptor to the caller (non-blocking as it is); the connection is closed for all others as by
  // close(). -1 where there is none, or it is closed.
  int release() const;
  // A second file descriptor of the same socket (non-blocking as it is, close-on-exec), which is the caller's: to be
  // handed to a child or another process. The connection stays open as long as either is. Errors: `use of closed
  // network connection`, `fcntl: too many open files`. Source: Go's TCPConn.File; see os::file_of().
  std::pair<int, error> duplicate() const;

  explicit operator bool() const noexcept { return static_cast<bool>(its_); }
  friend bool operator==(const conn& a, const conn& b) noexcept { return a.its_.get() == b.its_.get(); }
  friend bool operator==(const conn& a, std::nullptr_t) noexcept { return a.its_.get() == nullptr; }
  conn_interface* get() const noexcept { return its_.get(); }

 private:
  io_result read_some(std::span<std::byte> to, const ending& end, here where) const;
  io_result write_all(buffer from, const ending& end, here where) const;
  msg_read receive_msg(std::span<std::byte> to, std::span<std::byte> control, const ending& end, here where) const;
  msg_written send_msg(buffer from, buffer control, const addr& to, const ending& end, here where) const;
  // Text without its zero.
  template <class R>
  static buffer bytes_of(std::remove_reference_t<R>& from) {
    if constexpr (detail::is_text<R>) {
      return std::as_bytes(std::span(std::string_view(from)));
    } else {
      return std::as_bytes(std::span(from));
    }
  }
  error set_deadlines(direction which, time_point when) const;
  error set(option which, std::int64_t value) const;

  detail::reference<conn_interface> its_;
};

// A connection over what a type of one's own does.
template <std::derived_from<conn_interface> C, class... Args>
conn make_conn(Args&&... args) {
  return conn(new C(std::forward<Args>(args)...));
}

using tcp_conn = conn;
using unix_conn = conn;

// What a packet_conn refers to.
class GOSSAMER_API packet_interface : public conn_interface {
 public:
  virtual std::tuple<std::size_t, addr, error> read_from(std::span<std::byte> to, const ending& end,
                                                         std::source_location where) = 0;
  virtual io_result write_to(buffer from, const addr& to, const ending& end, std::source_location where) = 0;
  virtual std::pair<std::size_t, error> read_batch(std::span<in_message> to, const ending& end,
                                                   std::source_location where);
  virtual std::pair<std::size_t, error> write_batch(std::span<const out_message> from, const ending& end,
                                                    std::source_location where);
  virtual void set_unlink_on_close(bool) {}
};

// A socket for datagrams, connected to a peer or not: udp or unixgram. Each read and write is one datagram, which may
// be empty; what does not fit into a read is lost. read() and write() are for those that are connected.
class GOSSAMER_API packet_conn : public conn {
 public:
  constexpr packet_conn() noexcept = default;
  constexpr packet_conn(std::nullptr_t) noexcept {}
  explicit packet_conn(packet_interface* c) noexcept : conn(c) {}

  // The next datagram, and from where it comes.
  template <detail::writable_bytes R>
  std::tuple<std::size_t, addr, error> read_from(R&& to, const ending& end = {}, here where = here::current()) const {
    return receive(std::as_writable_bytes(std::span(to)), end, where);
  }
  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  io_result write_to(R&& from, const addr& to, const ending& end = {}, here where = here::current()) const {
    return send(std::as_bytes(std::span(from)), to, end, where);
  }
  io_result write_to(std::string_view from, const addr& to, const ending& end = {},
                     here where = here::current()) const {
    return send(std::as_bytes(std::span(from)), to, end, where);
  }

  // Waits until there is a datagram, and reads as many as there are, up to the number of places, by few system calls.
  // Returns how many places it has filled. No places: 0 and nil. An error only where none was read; one that the kernel
  // has to say after those (connection refused) may be lost.
  std::pair<std::size_t, error> read_batch(std::span<in_message> to, const ending& end = {},
                                           here where = here::current()) const;
  // Writes all of them, in their order, as one write: by few system calls, and no other write comes between them.
  // Returns how many were written: less only with an error, which is that of the first that was not. An error that an
  // earlier datagram has caused (nobody listens at its address) may come with a later one, as for write().
  std::pair<std::size_t, error> write_batch(std::span<const out_message> from, const ending& end = {},
                                            here where = here::current()) const;

  // As listener::set_unlink_on_close().
  void set_unlink_on_close(bool yes) const;

 private:
  std::tuple<std::size_t, addr, error> receive(std::span<std::byte> to, const ending& end, here where) const;
  io_result send(buffer from, const addr& to, const ending& end, here where) const;
};

using udp_conn = packet_conn;

// What a listener refers to.
class GOSSAMER_API listener_interface : public detail::counted {
 public:
  virtual std::pair<conn, error> accept(const ending& end, std::source_location where) = 0;
  virtual error close() = 0;
  virtual error set_deadline(time_point when) = 0;
  virtual net::addr addr() const = 0;
  virtual int native_handle() const { return -1; }
  virtual int release() { return -1; }
  virtual std::pair<int, error> duplicate() const;
  virtual void set_unlink_on_close(bool) {}
};

// listener: a handle of a socket that accepts connections.
class GOSSAMER_API listener {
 public:
  using here = std::source_location;

  constexpr listener() noexcept = default;
  constexpr listener(std::nullptr_t) noexcept {}
  explicit listener(listener_interface* l) noexcept : its_(l) {}

  // Waits for the next connection. Where no file descriptor is left it fails with a temporary error
  // (op_error::temporary) after a pause, which grows from 5 ms to 1 s while that lasts: a loop that goes on does not
  // spin.
  std::pair<conn, error> accept(const ending& end = {}, here where = here::current()) const;
  // See conn::close(). A unix socket's file is removed, if it is still the one that was made for it: not one that
  // another has put in its place.
  error close() const;
  // Whether close() removes the file (by default it does; release() leaves it). Nothing where there is none. From
  // anywhere, before close().
  void set_unlink_on_close(bool yes) const;
  // Of accept().
  template <class Clock, class Duration>
  error set_deadline(std::chrono::time_point<Clock, Duration> tp) const {
    return set_deadline_at(deadline_of(tp));
  }
  error set_deadline(std::nullptr_t) const { return set_deadline_at(never); }
  // With the port that the kernel chose, where 0 was asked for.
  net::addr addr() const;
  // As those of a conn.
  int native_handle() const;
  int release() const;
  std::pair<int, error> duplicate() const;

  explicit operator bool() const noexcept { return static_cast<bool>(its_); }
  friend bool operator==(const listener& a, const listener& b) noexcept { return a.its_.get() == b.its_.get(); }
  friend bool operator==(const listener& a, std::nullptr_t) noexcept { return a.its_.get() == nullptr; }
  listener_interface* get() const noexcept { return its_.get(); }

 private:
  error set_deadline_at(time_point when) const;

  detail::reference<listener_interface> its_;
};

// Two ends of a connection in memory: what one writes the other reads, with no buffer between them, so a write waits
// until all of it has been read. With deadlines. On a pipe that is closed on this side, reads and writes fail with
// io::closed_pipe; on the other: reads with io::eof, writes with io::closed_pipe. A second close is nil.
[[nodiscard]] GOSSAMER_API std::pair<conn, conn> pipe();

}  // namespace gossamer::inline v0::net
