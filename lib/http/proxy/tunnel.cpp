#include "http/proxy/tunnel.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "gossamer/defer.hpp"
#include "gossamer/go.hpp"
#include "gossamer/io.hpp"
#include "gossamer/sync/wait_group.hpp"
#include "http/proxy/copy_room.hpp"

namespace gossamer::inline v0::http {

namespace {

// Most of the time there is nothing to be copied, or little: more room is had only while that is filled.
constexpr std::size_t little = 1024;

// Whether the other one knows of the end, too.
bool pass_on(const net::conn& from, const net::conn& to) {
  std::array<std::byte, little> small;
  std::optional<copy_room> large;
  for (;;) {
    const std::span<std::byte> room = large ? large->all() : std::span<std::byte>(small);
    const auto [n, err] = from.read(room);
    if (n > 0 && to.write(room.first(n)).second) {
      return false;
    }
    if (err) {
      return err == io::eof && !to.close_write();
    }
    if (n == room.size() && !large) {
      large.emplace();
    } else if (n <= small.size()) {
      large.reset();
    }
  }
}

}  // namespace

void join_connections(const net::conn& a, const net::conn& b) {
  const auto close = [&] {
    a.close();
    b.close();
  };
  sync::wait_group other;
  other.add(1);
  go([&] {
    if (!pass_on(a, b)) {
      close();
    }
    other.done();
  });
  const defer end{[&] {
    close();
    other.wait();
  }};
  if (pass_on(b, a)) {
    other.wait();
  }
}

}  // namespace gossamer::inline v0::http
