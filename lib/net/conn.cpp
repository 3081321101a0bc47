// conn: see gossamer/net/conn.hpp.
#include "gossamer/net/conn.hpp"

#include <array>
#include <cerrno>
#include <vector>

namespace gossamer::inline v0::net {

namespace {

// Source: Go's syscall.EINVAL of a nil connection.
error of_nil() { return os::system_error(EINVAL); }

error not_supported() { return os::system_error(EOPNOTSUPP); }

}  // namespace

// ---- conn_interface -------------------------------------------------------------------------------------------------

io_result conn_interface::writev(std::span<const buffer> from, const ending& end, std::source_location where) {
  std::size_t total = 0;
  for (const buffer& b : from) {
    auto [n, err] = write(b, end, where);
    total += n;
    if (err) {
      return {total, std::move(err)};
    }
  }
  return {total, nullptr};
}

msg_read conn_interface::read_msg(std::span<std::byte>, std::span<std::byte>, const ending&, std::source_location) {
  return {.err = not_supported()};
}
msg_written conn_interface::write_msg(buffer, buffer, const addr&, const ending&, std::source_location) {
  return {.err = not_supported()};
}
std::pair<int, error> conn_interface::duplicate() const { return {-1, not_supported()}; }
error conn_interface::close_read() { return not_supported(); }
error conn_interface::close_write() { return not_supported(); }
error conn_interface::set_deadline(direction, time_point) { return not_supported(); }
error conn_interface::set(option, std::int64_t) { return not_supported(); }

// ---- conn -----------------------------------------------------------------------------------------------------------

io_result conn::read_some(std::span<std::byte> to, const ending& end, here where) const {
  return its_ ? its_->read(to, end, where) : io_result(0, of_nil());
}

io_result conn::write_all(buffer from, const ending& end, here where) const {
  return its_ ? its_->write(from, end, where) : io_result(0, of_nil());
}

io_result conn::writev(std::span<const buffer> from, const ending& end, here where) const {
  return its_ ? its_->writev(from, end, where) : io_result(0, of_nil());
}

io_result conn::writev(std::initializer_list<std::string_view> from, const ending& end, here where) const {
  std::array<buffer, 16> few;
  std::vector<buffer> many(from.size() > few.size() ? from.size() : 0);
  buffer* const all = many.empty() ? few.data() : many.data();
  std::size_t n = 0;
  for (const std::string_view part : from) {
    all[n++] = std::as_bytes(std::span(part));
  }
  return writev(std::span<const buffer>(all, n), end, where);
}

msg_read conn::receive_msg(std::span<std::byte> to, std::span<std::byte> control, const ending& end, here where) const {
  return its_ ? its_->read_msg(to, control, end, where) : msg_read{.err = of_nil()};
}

msg_written conn::send_msg(buffer from, buffer control, const addr& to, const ending& end, here where) const {
  return its_ ? its_->write_msg(from, control, to, end, where) : msg_written{.err = of_nil()};
}

error conn::close() const { return its_ ? its_->close() : of_nil(); }
error conn::close_read() const { return its_ ? its_->close_read() : of_nil(); }
error conn::close_write() const { return its_ ? its_->close_write() : of_nil(); }
error conn::set_deadlines(direction which, time_point when) const {
  return its_ ? its_->set_deadline(which, when) : of_nil();
}
error conn::set(option which, std::int64_t value) const { return its_ ? its_->set(which, value) : of_nil(); }
error conn::set_keep_alive_config(const keep_alive_config& config) const {
  error err = set_keep_alive(config.enable);
  err = err ? err : set(option::keep_alive_period, config.idle.count());
  err = err ? err : set(option::keep_alive_interval, config.interval.count());
  return err ? err : set(option::keep_alive_count, config.count);
}
addr conn::local_addr() const { return its_ ? its_->local_addr() : addr(); }
addr conn::remote_addr() const { return its_ ? its_->remote_addr() : addr(); }
int conn::native_handle() const { return its_ ? its_->native_handle() : -1; }
int conn::release() const { return its_ ? its_->release() : -1; }
std::pair<int, error> conn::duplicate() const { return its_ ? its_->duplicate() : std::pair(-1, of_nil()); }

// ---- packet_conn ----------------------------------------------------------------------------------------------------

std::tuple<std::size_t, addr, error> packet_conn::receive(std::span<std::byte> to, const ending& end,
                                                          here where) const {
  if (auto* const its = static_cast<packet_interface*>(get())) {
    return its->read_from(to, end, where);
  }
  return {0, nullptr, of_nil()};
}

io_result packet_conn::send(buffer from, const addr& to, const ending& end, here where) const {
  auto* const its = static_cast<packet_interface*>(get());
  return its != nullptr ? its->write_to(from, to, end, where) : io_result(0, of_nil());
}

std::pair<std::size_t, error> packet_interface::read_batch(std::span<in_message>, const ending&, std::source_location) {
  return {0, not_supported()};
}
std::pair<std::size_t, error> packet_interface::write_batch(std::span<const out_message>, const ending&,
                                                            std::source_location) {
  return {0, not_supported()};
}

std::pair<std::size_t, error> packet_conn::read_batch(std::span<in_message> to, const ending& end, here where) const {
  auto* const its = static_cast<packet_interface*>(get());
  return its != nullptr ? its->read_batch(to, end, where) : std::pair(std::size_t{0}, of_nil());
}

std::pair<std::size_t, error> packet_conn::write_batch(std::span<const out_message> from, const ending& end,
                                                       here where) const {
  auto* const its = static_cast<packet_interface*>(get());
  return its != nullptr ? its->write_batch(from, end, where) : std::pair(std::size_t{0}, of_nil());
}

void packet_conn::set_unlink_on_close(bool yes) const {
  if (auto* const its = static_cast<packet_interface*>(get())) {
    its->set_unlink_on_close(yes);
  }
}

// ---- listener -------------------------------------------------------------------------------------------------------

std::pair<conn, error> listener::accept(const ending& end, here where) const {
  return its_ ? its_->accept(end, where) : std::pair(conn(), of_nil());
}

error listener::close() const { return its_ ? its_->close() : of_nil(); }
error listener::set_deadline_at(time_point when) const { return its_ ? its_->set_deadline(when) : of_nil(); }
net::addr listener::addr() const { return its_ ? its_->addr() : net::addr(); }
void listener::set_unlink_on_close(bool yes) const {
  if (its_) {
    its_->set_unlink_on_close(yes);
  }
}
int listener::native_handle() const { return its_ ? its_->native_handle() : -1; }
int listener::release() const { return its_ ? its_->release() : -1; }
std::pair<int, error> listener_interface::duplicate() const { return {-1, not_supported()}; }
std::pair<int, error> listener::duplicate() const { return its_ ? its_->duplicate() : std::pair(-1, of_nil()); }

}  // namespace gossamer::inline v0::net
