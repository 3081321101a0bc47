// tls/conn: encrypted connections, as net::conn over any other net::conn.
// Source: Go's tls.Server, Client, Listen, NewListener, Dial, Conn. Differs: the result is a net::conn; what only a
// tls.Conn has are functions.
//
// They are used as every net::conn, by any number of fibers and threads, reading and writing at once. Hands are shaken
// by the first read or write, or by handshake(): one does it, all others wait. A handshake that has failed, for
// whatever reason (a deadline, a context that has ended meanwhile), has failed for good: all calls have its error.
//
// Deadlines and endings are those of the connection below. A read that they have ended may be tried again, nothing is
// lost. A write that they have ended is not: a part of it may be on its way, and every later write fails with the same
// error, as in Go (but for an ending that was there before the call: nothing is written then).
//
// The end: io::eof once the peer has said that it is the end (close_notify), or once the stream below ends between two
// records (as in Go; where a cut must be told apart from an end, the protocol within has to say how long things are);
// within a record it is io::unexpected_eof. Writing goes on to work after io::eof.
//
// close() says that it is the end, for which it waits up to 5 s, but does not wait for the peer's answer; while
// somebody else is writing it says nothing. Then it closes the connection below. close_write() says it, and leaves it
// open: writes fail with protocol_shutdown from then on. Renegotiation is refused. duplicate(), release() and
// native_handle() have nothing to give: what one reads and writes there is not what the peer writes and reads; see
// net_conn().
//
// Errors of the handshake, as all TLS errors, have Go's texts: `remote error: tls: bad certificate`, `tls: first record
// does not look like a TLS handshake`, `tls: client offered only unsupported versions`, `tls: no cipher suite supported
// by both client and server`, `tls: failed to verify certificate: x509: …`; EOF where the peer has gone.
#pragma once

#include <memory>
#include <source_location>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../net/conn.hpp"
#include "../net/dial.hpp"
#include "config.hpp"
#include "state.hpp"

namespace gossamer::inline v0::tls {

// The two sides of a connection; nothing is sent yet. A null config: one as it is made. Of a server whose config has no
// certificate and no get_certificate the handshake fails with `tls: no certificates configured`; of a client whose
// config says neither whom it wants nor that it does not care, with `tls: either ServerName or InsecureSkipVerify must
// be specified in the tls.Config`.
[[nodiscard]] GOSSAMER_API net::conn server(net::conn below, std::shared_ptr<const config> config);
[[nodiscard]] GOSSAMER_API net::conn client(net::conn below, std::shared_ptr<const config> config);

// Accepts what `below` does, as servers; accept() does not shake hands.
[[nodiscard]] GOSSAMER_API net::listener new_listener(net::listener below, std::shared_ptr<const config> config);
// net::listen(), encrypted. Error: `tls: neither Certificates nor GetCertificate set in Config`.
[[nodiscard]] GOSSAMER_API std::pair<net::listener, error> listen(
    std::string_view network, std::string_view address, std::shared_ptr<const config> config,
    std::source_location where = std::source_location::current());

// How encrypted connections are made. A value; may be used by several at once. Source: Go's tls.Dialer.
struct GOSSAMER_API dialer {
  net::dialer net_dialer;
  std::shared_ptr<const tls::config> config;

  // Connects and shakes hands, for which net_dialer's timeout and deadline count as well. The server's name is the
  // config's, or the host that is dialed.
  std::pair<net::conn, error> dial_context(const net::ending& end, std::string_view network, std::string_view address,
                                           std::source_location where = std::source_location::current()) const;
};
[[nodiscard]] GOSSAMER_API std::pair<net::conn, error> dial(
    std::string_view network, std::string_view address, std::shared_ptr<const config> config,
    std::source_location where = std::source_location::current());

// Shakes hands, unless that is done; `end` ends it. Of a conn of another kind: `tls: not a TLS connection`.
[[nodiscard]] GOSSAMER_API error handshake(const net::conn& c, const net::ending& end = {},
                                           std::source_location where = std::source_location::current());
// What was agreed on. Of a conn of another kind: empty, as before the handshake.
[[nodiscard]] GOSSAMER_API connection_state state_of(const net::conn& c);
// Whether there is something to be read that the connection below has given away already: what its descriptor says is
// not all there is to know of one that is to be used again. It need not be the peer's words; it may be a part of a
// record, or a session ticket. What somebody else is reading at this moment is his: false, as before the handshake, and
// of a conn of another kind. Does not wait.
[[nodiscard]] GOSSAMER_API bool has_input(const net::conn& c);
// Whether it is one of these.
[[nodiscard]] GOSSAMER_API bool is_tls(const net::conn& c) noexcept;
// The connection below; of a conn of another kind: nil. To be asked and set, not to be read or written.
[[nodiscard]] GOSSAMER_API net::conn net_conn(const net::conn& c);

}  // namespace gossamer::inline v0::tls
