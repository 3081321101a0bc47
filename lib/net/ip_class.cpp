// ip_class: what an address is good for. See gossamer/net/addr.hpp.
// Source: RFC 1122, 1918, 4193, 4291, as Go's net.IP has them.
#include "gossamer/net/addr.hpp"

namespace gossamer::inline v0::net {

bool ip::is_loopback() const noexcept {
  return is_v4() ? bytes_[0] == 127 : is_v6() && bytes_ == ipv6_loopback.bytes();
}

bool ip::is_unspecified() const noexcept { return version_ != 0 && bytes_ == v6_bytes(); }

bool ip::is_private() const noexcept {
  if (is_v4()) {
    return bytes_[0] == 10 || (bytes_[0] == 172 && (bytes_[1] & 0xf0) == 16) || (bytes_[0] == 192 && bytes_[1] == 168);
  }
  return is_v6() && (bytes_[0] & 0xfe) == 0xfc;
}

bool ip::is_multicast() const noexcept { return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : is_v6() && bytes_[0] == 0xff; }

bool ip::is_interface_local_multicast() const noexcept {
  return is_v6() && bytes_[0] == 0xff && (bytes_[1] & 0x0f) == 1;
}

bool ip::is_link_local_multicast() const noexcept {
  return is_v4() ? bytes_[0] == 224 && bytes_[1] == 0 && bytes_[2] == 0
                 : is_v6() && bytes_[0] == 0xff && (bytes_[1] & 0x0f) == 2;
}

bool ip::is_link_local_unicast() const noexcept {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254 : is_v6() && bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool ip::is_global_unicast() const noexcept {
  return version_ != 0 && *this != ipv4_bcast && !is_unspecified() && !is_loopback() && !is_multicast() &&
         !is_link_local_unicast();
}

}  // namespace gossamer::inline v0::net
