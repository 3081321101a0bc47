#include "gossamer/ws/conn.hpp"

#include "gossamer/io_errors.hpp"
#include "ws/connection.hpp"

#include <cerrno>

namespace gossamer::inline v0::ws {

namespace {

error no_connection() { return os::system_error(EINVAL); }

}  // namespace

std::tuple<message_type, std::string, error> conn::read(const net::ending& end) const {
  return its_ != nullptr ? its_->read(end) : std::tuple(message_type::text, std::string(), no_connection());
}

std::tuple<message_type, io::reader, error> conn::reader(const context::context& ctx) const {
  return its_ != nullptr ? its_->open_reader(ctx) : std::tuple(message_type::text, io::reader(), no_connection());
}

error conn::write_bytes(const net::ending& end, message_type type, std::span<const std::byte> message) const {
  return its_ != nullptr ? its_->write(end, type, message) : no_connection();
}

std::pair<io::write_closer, error> conn::writer(const context::context& ctx, message_type type) const {
  return its_ != nullptr ? its_->open_writer(ctx, type) : std::pair(io::write_closer(), no_connection());
}

error conn::ping(const net::ending& end) const { return its_ != nullptr ? its_->ping(end) : no_connection(); }

error conn::close(status_code code, std::string_view reason) const {
  return its_ != nullptr ? its_->close(code, reason) : no_connection();
}

error conn::close_now() const { return its_ != nullptr ? its_->close_now() : no_connection(); }

context::context conn::close_read(const context::context& ctx) const {
  return its_ != nullptr ? its_->close_read(ctx) : ctx;
}

void conn::set_read_limit(std::int64_t bytes) const {
  if (its_ != nullptr) {
    its_->set_read_limit(bytes);
  }
}

std::string_view conn::subprotocol() const noexcept {
  return its_ != nullptr ? std::string_view(its_->subprotocol()) : std::string_view();
}

}  // namespace gossamer::inline v0::ws
