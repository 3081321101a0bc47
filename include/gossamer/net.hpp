// net: TCP, UDP and unix sockets for fibers, names and addresses.
// Source: Go's package net.
//
//   auto [l, err] = net::listen("tcp", "127.0.0.1:8080");
//   for (;;) {
//     auto [c, err] = l.accept();
//     if (err) break;
//     go([c] {
//       char buf[4096];
//       for (;;) {
//         auto [n, err] = c.read(buf);
//         if (err) break;
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
