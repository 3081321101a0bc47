#include "http/client/body_probe.hpp"

#include <span>
#include <utility>

#include "gossamer/go.hpp"

namespace gossamer::inline v0::http {

recv_chan<first_read> begin_first_read(io::reader body) {
  chan<first_read> told = make_chan<first_read>(1);
  go([told, body = std::move(body)] {
    first_read got;
    auto [n, err] = body.read(std::span(&got.byte, 1));
    got.has_byte = n > 0;
    got.err = std::move(err);
    told.send(std::move(got));
  });
  return told;
}

}  // namespace gossamer::inline v0::http
