// net: TCP, UDP and unix sockets for fibers, names and addresses.
// Source: Go's package net.
//
//   const auto [l, err] = net::listen("tcp", address);
//   if (err) return err;
//
//   for (;;) {
//     const auto [c, closed] = l.accept();
//     if (closed) break;
//     go([c = c] {
//       char buf[4096];
//       for (;;) {
//         const auto [n, over] = c.read(buf);
//         if (over) break;
//         c.write(std::string_view(buf, n));
//       }
//       c.close();
//     });
//   }
#pragma once

#include "net/addr.hpp"        // IWYU pragma: export
#include "net/conn.hpp"        // IWYU pragma: export
#include "net/dial.hpp"        // IWYU pragma: export
#include "net/error.hpp"       // IWYU pragma: export
#include "net/file.hpp"        // IWYU pragma: export
#include "net/ip_net.hpp"      // IWYU pragma: export
#include "net/keep_alive.hpp"  // IWYU pragma: export
#include "net/message.hpp"     // IWYU pragma: export
#include "net/resolve.hpp"     // IWYU pragma: export
