// batch: several datagrams by one system call. See packet_conn::read_batch().
// Source: golang.org/x/net/ipv4, ReadBatch and WriteBatch. Differs: a write writes all; what there is beyond one call's
// messages is read at once.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "net/message.hpp"
#include "net/packet_socket.hpp"
#include "net/sending.hpp"

namespace gossamer::inline v0::net {

namespace {

// What the kernel is told of the messages of one call. On the fiber's stack, hence not more: with 32 the system call is
// less than a thirtieth of a message's.
class messages {
 public:
  static constexpr std::size_t most = 32;

  // The next place, where such a message is put together.
  native_addr& add(buffer bytes, buffer control) noexcept {
    assert(!full());
    headers_[size_].msg_hdr = message_of(bytes, control, parts_[size_]);
    return addresses_[size_++];
  }
  // To or from the address of the last one.
  void put_last_address() noexcept {
    assert(size_ > 0);
    put_address(headers_[size_ - 1].msg_hdr, addresses_[size_ - 1]);
  }
  void clear() noexcept { size_ = 0; }
  std::size_t size() const noexcept { return size_; }
  bool full() const noexcept { return size_ == most; }

  ssize_t receive(int number) noexcept {
    return result_of(
        ::recvmmsg(number, headers_.data(), static_cast<unsigned>(size_), MSG_CMSG_CLOEXEC | MSG_DONTWAIT, nullptr));
  }
  // Those from the one with that index on.
  ssize_t send_from(int number, std::size_t first) noexcept {
    assert(first < size_);
    return result_of(::sendmmsg(number, &headers_[first], static_cast<unsigned>(size_ - first), MSG_NOSIGNAL));
  }
  void tell(std::size_t which, in_message& to, const network& net) {
    assert(which < size_);
    const mmsghdr& h = headers_[which];
    addresses_[which].size = h.msg_hdr.msg_namelen;
    to.n = h.msg_len;
    to.control_n = h.msg_hdr.msg_controllen;
    to.flags = flags_of(h.msg_hdr);
    to.from = from_native(addresses_[which], net);
  }

 private:
  // Not initialised: only what has been added is looked at.
  std::array<mmsghdr, most> headers_;
  std::array<iovec, most> parts_;
  std::array<native_addr, most> addresses_;
  std::size_t size_ = 0;
};

// As many as there are, by calls that do not wait: how many, or the first call's errno as a negative number.
ssize_t receive_all(int number, std::span<in_message> to, const network& net, messages& room) {
  std::size_t all = 0;
  for (ssize_t n = 0; all < to.size(); all += static_cast<std::size_t>(n)) {
    const std::span<in_message> next = to.subspan(all, std::min(to.size() - all, messages::most));
    room.clear();
    for (const in_message& m : next) {
      native_addr& from = room.add(m.to, m.control);
      from.size = sizeof from.bytes;
      room.put_last_address();
    }
    n = room.receive(number);
    if (n < 0) {
      return all > 0 ? static_cast<ssize_t>(all) : n;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      room.tell(i, next[i], net);
    }
    if (static_cast<std::size_t>(n) < next.size()) {
      return static_cast<ssize_t>(all) + n;
    }
  }
  return static_cast<ssize_t>(all);
}

}  // namespace

std::pair<std::size_t, error> packet_socket::read_batch(std::span<in_message> to, const ending& end,
                                                        std::source_location where) {
  if (to.empty()) {
    return {0, socket_.fail("read", socket_.fd().if_closed(), end)};
  }
  messages room;
  trouble t;
  operation op(socket_.fd(), way::in, end, where);
  const ssize_t n =
      op.perform(t, "recvmmsg", 0, [&] { return receive_all(socket_.fd().number(), to, socket_.net(), room); });
  return n >= 0 ? std::pair(static_cast<std::size_t>(n), error())
                : std::pair(std::size_t{0}, socket_.fail("read", t, end));
}

std::pair<std::size_t, error> packet_socket::write_batch(std::span<const out_message> from, const ending& end,
                                                         std::source_location where) {
  if (from.empty()) {
    return {0, socket_.fail("write", socket_.fd().prospect(way::out, end.stop()), end)};
  }
  messages room;
  sending s(socket_.fd(), end, where);
  std::size_t written = 0;
  while (written < from.size()) {
    error misfit;
    room.clear();
    for (std::size_t i = written; i < from.size() && !room.full() && !misfit; ++i) {
      native_addr native;
      misfit = place(from[i].to, native);
      if (!misfit) {
        room.add(from[i].from, from[i].control) = native;
        if (from[i].to) {
          room.put_last_address();
        }
      }
    }
    assert(misfit || room.size() == std::min(from.size() - written, messages::most));
    for (std::size_t first = 0; first < room.size();) {
      const ssize_t n = s.take("sendmmsg", [&] { return room.send_from(socket_.fd().number(), first); });
      if (n < 0) {
        return {written, socket_.fail_to(from[written].to, s.why().err(end))};
      }
      first += static_cast<std::size_t>(n);
      written += static_cast<std::size_t>(n);
    }
    if (misfit) {
      assert(written < from.size());
      return {written, socket_.fail_to(from[written].to, std::move(misfit))};
    }
  }
  return {written, nullptr};
}

}  // namespace gossamer::inline v0::net
