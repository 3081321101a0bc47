// pipe: see gossamer/io/pipe.hpp. It is net::pipe(), of which one direction is used, and the errors that its ends are
// closed with.
#include "gossamer/io/pipe.hpp"

#include <cerrno>
#include <mutex>
#include <optional>

#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/net/conn.hpp"

namespace gossamer::inline v0::io {

namespace {

// What both halves know. Source: Go's onceError, rerr and werr.
struct endings : detail::counted {
  detail::spin_lock guard;
  // Guarded by guard; empty: that end is open. A nil error is what a closed pipe says by itself.
  std::optional<error> reader;
  std::optional<error> writer;
};

class pipe_half final : public detail::counted {
 public:
  pipe_half(net::conn c, detail::reference<endings> both, std::optional<error> endings::* own,
            std::optional<error> endings::* other) noexcept
      : conn(std::move(c)), both_(std::move(both)), own_(own), other_(other) {}

  const net::conn conn;

  void close(error why) {
    {
      const std::scoped_lock hold(both_->guard);
      auto& own = *both_.*own_;
      if (!own) {
        own = std::move(why);
      }
    }
    conn.close();
  }

  // What the connection says, or what the other end was closed with.
  error explain(error err) const {
    if (err == eof || err == closed_pipe) {
      const std::scoped_lock hold(both_->guard);
      const auto& other = *both_.*other_;
      if (!(*both_.*own_) && other && *other) {
        return *other;
      }
    }
    return err;
  }

 private:
  const detail::reference<endings> both_;
  std::optional<error> endings::* const own_;
  std::optional<error> endings::* const other_;
};

pipe_half& half(const detail::reference<detail::counted>& its) { return static_cast<pipe_half&>(*its); }

error of_nil() { return os::system_error(EINVAL); }

error close(const detail::reference<detail::counted>& its, error why) {
  if (!its) {
    return of_nil();
  }
  half(its).close(std::move(why));
  return nullptr;
}

}  // namespace

result pipe_reader::read_some(std::span<std::byte> to, const net::ending& end) const {
  if (!its_) {
    return {0, of_nil()};
  }
  auto [n, err] = half(its_).conn.read(to, end);
  return {n, half(its_).explain(std::move(err))};
}

error pipe_reader::close_with_error(error why) const { return io::close(its_, std::move(why)); }

result pipe_writer::write_all(std::span<const std::byte> from, const net::ending& end) const {
  if (!its_) {
    return {0, of_nil()};
  }
  auto [n, err] = half(its_).conn.write(from, end);
  return {n, half(its_).explain(std::move(err))};
}

error pipe_writer::close_with_error(error why) const { return io::close(its_, std::move(why)); }

std::pair<pipe_reader, pipe_writer> pipe() {
  auto [r, w] = net::pipe();
  const detail::reference<endings> both(new endings);
  return {pipe_reader(new pipe_half(std::move(r), both, &endings::reader, &endings::writer)),
          pipe_writer(new pipe_half(std::move(w), both, &endings::writer, &endings::reader))};
}

}  // namespace gossamer::inline v0::io
