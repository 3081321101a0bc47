// message: see gossamer/net/message.hpp.
#include "net/message.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <iterator>

#include "net/socket.hpp"

namespace gossamer::inline v0::net {

namespace {

// Where the data of a control message begins, behind its header; both are aligned.
constexpr std::size_t header_bytes = CMSG_LEN(0);

constexpr std::size_t aligned(std::size_t n) noexcept {
  constexpr std::size_t unit = sizeof(std::size_t);
  return (n + unit - 1) / unit * unit;
}

error malformed() { return os::system_error(EINVAL); }

}  // namespace

std::pair<std::vector<socket_control_message>, error> parse_socket_control_message(buffer control) {
  std::vector<socket_control_message> all;
  while (control.size() >= header_bytes) {
    cmsghdr header;
    std::memcpy(&header, control.data(), sizeof header);
    if (header.cmsg_len < header_bytes || header.cmsg_len > control.size()) {
      return {std::move(all), malformed()};
    }
    all.push_back({header.cmsg_level, header.cmsg_type, control.subspan(header_bytes, header.cmsg_len - header_bytes)});
    control = control.subspan(std::min(aligned(header.cmsg_len), control.size()));
  }
  return {std::move(all), nullptr};
}

std::size_t cmsg_space(std::size_t data_bytes) noexcept { return header_bytes + aligned(data_bytes); }

void append_control_message(std::vector<std::byte>& control, int level, int type, buffer data) {
  cmsghdr header{};
  header.cmsg_len = header_bytes + data.size();
  header.cmsg_level = level;
  header.cmsg_type = type;
  const std::size_t at = aligned(control.size());
  control.resize(at + cmsg_space(data.size()));
  std::memcpy(control.data() + at, &header, sizeof header);
  std::copy(data.begin(), data.end(), control.begin() + static_cast<std::ptrdiff_t>(at + header_bytes));
  assert(control.size() == aligned(control.size()));
}

std::vector<std::byte> unix_rights(std::span<const int> numbers) {
  std::vector<std::byte> control;
  append_control_message(control, SOL_SOCKET, SCM_RIGHTS, std::as_bytes(numbers));
  return control;
}

std::pair<std::vector<int>, error> parse_unix_rights(const socket_control_message& message) {
  std::vector<int> numbers;
  if (!message.is(SOL_SOCKET, SCM_RIGHTS)) {
    return {std::move(numbers), malformed()};
  }
  numbers.resize(message.data.size() / sizeof(int));
  std::memcpy(numbers.data(), message.data.data(), numbers.size() * sizeof(int));
  return {std::move(numbers), nullptr};
}

// Of streams as of datagrams. Control data on a stream comes with a byte at least, so one is read for it.
msg_read socket::read_msg(std::span<std::byte> to, std::span<std::byte> control, const ending& end,
                          std::source_location where) {
  const bool ends = net_.type != SOCK_DGRAM;
  std::byte unwanted;
  const bool only_carries = ends && to.empty() && !control.empty();
  if (ends && to.empty() && control.empty()) {
    return {.err = fail("read", fd_.if_closed(), end)};
  }
  const std::span<std::byte> into =
      only_carries ? std::span(&unwanted, 1) : to.first(std::min(to.size(), most_at_once));
  iovec part;
  msghdr m{};
  native_addr from;
  trouble t;
  operation op(fd_, way::in, end, where);
  const ssize_t n = op.perform(t, "recvmsg", 0, [&] {
    m = message_of(into, control, part);
    from.size = sizeof from.bytes;
    put_address(m, from);
    return result_of(::recvmsg(fd_.number(), &m, MSG_CMSG_CLOEXEC));
  });
  if (t) {
    return {.err = fail("read", t, end)};
  }
  assert(n >= 0);
  from.size = m.msg_namelen;
  // An empty message of unixpacket reads as the end, but may carry something.
  return {only_carries ? 0 : static_cast<std::size_t>(n), m.msg_controllen, flags_of(m), from_native(from, net_),
          n == 0 && ends ? error(io::eof) : error()};
}

}  // namespace gossamer::inline v0::net
