// The two ends share one object, and its lock. What end i writes lies in lane i until the other end reads it. Whoever
// is woken looks at everything anew.
#include "http/memory_conn.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "gossamer/detail/turn.hpp"
#include "gossamer/http/test_server.hpp"
#include "gossamer/io.hpp"
#include "gossamer/sync/cond.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/time.hpp"

namespace gossamer::inline v0::http::test {

namespace {

struct lane {
  std::string bytes;
  std::size_t read = 0;  // <= bytes.size(): of it
  std::size_t most = std::numeric_limits<std::size_t>::max();
  detail::turn turn;      // of the writer that has not put all that it has
  bool finished = false;  // by close_write(): nothing follows
  bool unwanted = false;  // by close_read()
  net::time_point read_until = net::never;
  net::time_point write_until = net::never;
  sync::cond readable;
  sync::cond writable;

  std::size_t size() const noexcept { return bytes.size() - read; }
  void wake_all() noexcept {
    readable.broadcast();
    writable.broadcast();
  }
  std::size_t take(std::span<std::byte> to) noexcept {
    const std::size_t n = std::min(to.size(), size());
    std::memcpy(to.data(), bytes.data() + read, n);
    read += n;
    if (read == bytes.size()) {
      bytes.clear();
      read = 0;
    }
    return n;
  }
  std::size_t put(std::span<const std::byte> from) {
    if (read > bytes.size() / 2) {
      bytes.erase(0, read);
      read = 0;
    }
    const std::size_t n = std::min(from.size(), most - std::min(most, size()));
    bytes.append(reinterpret_cast<const char*>(from.data()), n);
    return n;
  }
};

struct both_ends {
  sync::mutex lock;
  // Under the lock.
  std::array<lane, 2> lanes;
  std::array<bool, 2> closed{};
};

class memory_conn final : public net::conn_interface {
 public:
  memory_conn(std::shared_ptr<both_ends> both, std::size_t own, net::addr local, net::addr remote)
      : both_(std::move(both)), own_(own), local_(std::move(local)), remote_(std::move(remote)) {}
  ~memory_conn() override { shut(); }

  net::io_result read(std::span<std::byte> to, const net::ending& end, std::source_location where) override;
  net::io_result write(net::buffer from, const net::ending& end, std::source_location where) override;
  gossamer::error close() override;
  gossamer::error close_read() override { return finish(in(), &lane::unwanted); }
  gossamer::error close_write() override { return finish(out(), &lane::finished); }
  gossamer::error set_deadline(net::direction which, net::time_point when) override;
  net::addr local_addr() const override { return local_; }
  net::addr remote_addr() const override { return remote_; }
  gossamer::error set(net::option which, std::int64_t value) override;
  bool has_input() const;

 private:
  lane& out() const noexcept { return both_->lanes[own_]; }
  lane& in() const noexcept { return both_->lanes[1 - own_]; }
  bool is_closed() const noexcept { return both_->closed[own_]; }
  gossamer::error over(net::time_point until, const net::ending& end) const;
  gossamer::error write_line(const net::ending& end, std::source_location where);
  gossamer::error finish(lane& l, bool lane::* how);
  gossamer::error fail(const char* op, const gossamer::error& err) const {
    return net::op_error(op, "tcp", local_, remote_, err);
  }
  bool shut() noexcept;

  const std::shared_ptr<both_ends> both_;
  const std::size_t own_;
  const net::addr local_, remote_;
};

// Under the lock, as all below but the calls of the interface.
gossamer::error memory_conn::over(net::time_point until, const net::ending& end) const {
  if (is_closed()) {
    return net::closed;
  }
  if (end.stop().is_set()) {
    return end.err();
  }
  const bool late = until != net::never && time::now() >= until;
  return late ? gossamer::error(os::deadline_exceeded) : gossamer::error();
}

net::io_result memory_conn::read(std::span<std::byte> to, const net::ending& end, std::source_location where) {
  const std::lock_guard hold(both_->lock);
  lane& from = in();
  for (;;) {
    if (const gossamer::error err = over(from.read_until, end)) {
      return {0, fail("read", err)};
    }
    if (to.empty()) {
      return {0, nullptr};
    }
    if (from.unwanted) {
      return {0, io::eof};
    }
    if (const std::size_t n = from.take(to); n > 0) {
      from.writable.broadcast();
      return {n, nullptr};
    }
    if (from.finished || both_->closed[1 - own_]) {
      return {0, io::eof};
    }
    from.readable.wait_until(both_->lock, {from.read_until, end.stop()}, where);
  }
}

bool memory_conn::has_input() const {
  const std::lock_guard hold(both_->lock);
  const lane& from = in();
  return from.size() > 0 || from.unwanted || from.finished || is_closed() || both_->closed[1 - own_];
}

// Waits until no other writes. Nil: the caller does.
gossamer::error memory_conn::write_line(const net::ending& end, std::source_location where) {
  lane& to = out();
  for (;;) {
    if (gossamer::error err = over(to.write_until, end)) {
      return err;
    }
    if (to.finished || to.unwanted || both_->closed[1 - own_]) {
      return os::system_error(EPIPE);
    }
    if (!to.turn.is_taken()) {
      return nullptr;
    }
    to.writable.wait_until(both_->lock, {to.write_until, end.stop()}, where);
  }
}

net::io_result memory_conn::write(net::buffer from, const net::ending& end, std::source_location where) {
  const std::lock_guard hold(both_->lock);
  lane& to = out();
  std::size_t n = 0;
  gossamer::error err = write_line(end, where);
  while (!err) {
    n += to.put(from.subspan(n));
    to.readable.broadcast();
    if (n == from.size()) {
      break;
    }
    to.turn.take();
    to.writable.wait_until(both_->lock, {to.write_until, end.stop()}, where);
    to.turn.give_back();
    err = write_line(end, where);
  }
  to.writable.broadcast();  // those who stand in line
  return {n, err ? fail("write", err) : gossamer::error()};
}

gossamer::error memory_conn::close() { return shut() ? gossamer::error() : fail("close", net::closed); }

bool memory_conn::shut() noexcept {
  const std::lock_guard hold(both_->lock);
  if (is_closed()) {
    return false;
  }
  both_->closed[own_] = true;
  in().bytes.clear();
  in().read = 0;
  in().wake_all();
  out().wake_all();
  return true;
}

gossamer::error memory_conn::finish(lane& l, bool lane::* how) {
  const std::lock_guard hold(both_->lock);
  if (is_closed()) {
    return fail("close", net::closed);
  }
  l.*how = true;
  l.wake_all();
  return nullptr;
}

gossamer::error memory_conn::set_deadline(net::direction which, net::time_point when) {
  const auto bits = static_cast<unsigned>(which);
  const std::lock_guard hold(both_->lock);
  if (is_closed()) {
    return fail("set", net::closed);
  }
  if ((bits & static_cast<unsigned>(net::direction::read)) != 0) {
    in().read_until = when;
    in().readable.broadcast();
  }
  if ((bits & static_cast<unsigned>(net::direction::write)) != 0) {
    out().write_until = when;
    out().writable.broadcast();
  }
  return nullptr;
}

// What is said of packets means nothing here.
gossamer::error memory_conn::set(net::option which, std::int64_t value) {
  const std::lock_guard hold(both_->lock);
  if (is_closed()) {
    return fail("set", net::closed);
  }
  if (which == net::option::read_buffer || which == net::option::write_buffer) {
    lane& l = which == net::option::read_buffer ? in() : out();
    l.most = static_cast<std::size_t>(std::max<std::int64_t>(value, 1));
    l.writable.broadcast();
  }
  return nullptr;
}

}  // namespace

std::pair<net::conn, net::conn> memory_pipe_between(const net::addr& a, const net::addr& b) {
  const auto both = std::make_shared<both_ends>();
  return {net::make_conn<memory_conn>(both, std::size_t{0}, a, b),
          net::make_conn<memory_conn>(both, std::size_t{1}, b, a)};
}

std::optional<bool> memory_has_input(const net::conn& c) {
  const auto* const m = dynamic_cast<const memory_conn*>(c.get());
  return m != nullptr ? std::optional(m->has_input()) : std::nullopt;
}

std::pair<net::conn, net::conn> memory_pipe() {
  return memory_pipe_between(net::tcp_addr{net::ip(192, 0, 2, 1), 1234}, net::tcp_addr{net::ip(192, 0, 2, 1), 80});
}

}  // namespace gossamer::inline v0::http::test
