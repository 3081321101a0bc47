// chat: rooms over TCP. A line is a message to the room; `/join ROOM` and `/nick NAME` are commands. The rooms belong
// to one fiber, the hub, which never waits for anybody: who does not read what the others say is dropped, and told so.
// SIGINT and SIGTERM end it in order. To talk to it: nc 127.0.0.1 9000
//
//   $ tools/dev run chat --addr 127.0.0.1:9000 --workers 2
//   listening on 127.0.0.1:9000
//   ended: * guests
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flags.hpp"

using namespace gossamer;

namespace {

constexpr std::size_t longest_line = 1024;
constexpr std::size_t most_lines = 256;    // that wait for one guest
constexpr int most_in_kernel = 64 * 1024;  // bytes, before that

struct guest {
  explicit guest(net::conn c) : conn(std::move(c)) {}

  net::conn conn;
  chan<std::string> lines = make_chan<std::string>(most_lines);  // the hub sends and closes, a fiber writes
  std::string farewell;                                          // the hub's until it has closed `lines`
  // The hub's.
  std::string nick;
  std::string room;  // empty: not any more
};
using guest_ptr = std::shared_ptr<guest>;

struct event {
  enum { came, said, spoke_too_long, left, closing_time } what;
  guest_ptr who{};
  std::string text{};
};

// ---- the hub --------------------------------------------------------------------------------------------------------

class hub {
 public:
  void handle(const event& e) {
    switch (e.what) {
      case event::came:
        welcome(e.who);
        break;
      case event::said:
        hear(e.who, e.text);
        break;
      case event::spoke_too_long:
        drop(e.who, "a line has at most 1024 bytes");
        break;
      case event::left:
        drop(e.who, "good bye");
        break;
      case event::closing_time:
        close_all();
        break;
    }
    for (; !slow_.empty(); slow_.erase(slow_.begin())) drop(guest_ptr(slow_.front()), "you read too slowly");
  }

 private:
  void welcome(const guest_ptr& g) {
    do {
      g->nick = "guest" + std::to_string(++count_);
    } while (is_taken(g->nick));
    enter(g, "lobby");
    if (closing_) drop(g, "closing time");
  }

  void hear(const guest_ptr& g, const std::string& line) {
    if (g->room.empty() || line.empty()) return;
    if (!line.starts_with("/")) return tell_others(g, g->nick + ": " + line);
    const auto blank = line.find(' ');
    const std::string command = line.substr(0, blank), name = blank == line.npos ? "" : line.substr(blank + 1);
    if (command == "/join" && !name.empty()) {
      leave(g);
      enter(g, name);
    } else if (command == "/nick" && !name.empty()) {
      rename(g, name);
    } else {
      tell(g, "* /join ROOM, /nick NAME; all else is a message");
    }
  }

  void enter(const guest_ptr& g, const std::string& room) {
    std::string who_is_there;
    for (const auto& other : rooms_[room]) who_is_there += (who_is_there.empty() ? " with " : ", ") + other->nick;
    rooms_[room].push_back(g);
    g->room = room;
    tell(g, "* you are " + g->nick + " in " + room + who_is_there);
    tell_others(g, "* " + g->nick + " has come");
  }

  void leave(const guest_ptr& g) {
    tell_others(g, "* " + g->nick + " has left");
    auto room = rooms_.find(std::exchange(g->room, ""));
    std::erase(room->second, g);
    if (room->second.empty()) rooms_.erase(room);
  }

  void rename(const guest_ptr& g, const std::string& nick) {
    if (is_taken(nick)) return tell(g, "* " + nick + " is taken");
    tell_others(g, "* " + g->nick + " is now " + nick);
    g->nick = nick;
    tell(g, "* you are " + nick);
  }

  void drop(const guest_ptr& g, const std::string& why) {
    if (g->room.empty()) return;
    leave(g);
    take_leave(*g, why, 10s);  // to read what waits for him
  }

  void close_all() {
    closing_ = true;
    for (auto& [name, guests] : std::exchange(rooms_, {})) {
      for (auto& g : guests) {
        g->room.clear();
        take_leave(*g, "closing time", 1s);
      }
    }
  }

  void take_leave(guest& g, const std::string& why, std::chrono::seconds at_most) {
    g.farewell = "* " + why;
    g.conn.set_deadline(time::now() + at_most);
    close(g.lines);
  }

  void tell_others(const guest_ptr& g, const std::string& line) {
    for (const auto& other : rooms_[g->room]) {
      if (other != g) tell(other, line);
    }
  }

  void tell(const guest_ptr& g, const std::string& line) {
    select(send(g->lines, line), otherwise([&] { slow_.push_back(g); }));
  }

  bool is_taken(const std::string& nick) const {
    return std::any_of(rooms_.begin(), rooms_.end(), [&](const auto& room) {
      return std::any_of(room.second.begin(), room.second.end(), [&](const auto& g) { return g->nick == nick; });
    });
  }

  std::map<std::string, std::vector<guest_ptr>> rooms_;
  std::vector<guest_ptr> slow_;  // are dropped when the event has been handled
  int count_ = 0;
  bool closing_ = false;
};

// ---- a guest --------------------------------------------------------------------------------------------------------

void write_lines(const guest& g) {
  for (const std::string& line : g.lines) {
    if (g.conn.writev({line, "\n"}).second) {
      g.conn.close();  // so that nobody reads from it any more
      return;
    }
  }
  g.conn.writev({g.farewell, "\n"});
  g.conn.close_write();
}

void read_lines(const guest_ptr& g, const chan<event>& events) {
  io::buffered_reader in(g->conn);
  in.set_limit(longest_line);
  for (;;) {
    auto [line, err] = in.read_line();
    if (!err) {
      events << event{event::said, g, line};
      continue;
    }
    if (err != io::too_long) return;
    events << event{event::spoke_too_long, g};
    io::copy(io::discard, g->conn);  // with something unread the connection would be reset, and the farewell lost
    return;
  }
}

void serve(const net::conn& c, const chan<event>& events) {
  defer d1{[&] { c.close(); }};
  c.set_write_buffer(most_in_kernel);
  auto g = std::make_shared<guest>(c);
  sync::wait_group writing;
  writing.go([&] { write_lines(*g); });
  events << event{event::came, g};
  read_lines(g, events);
  events << event{event::left, g};
  writing.wait();
}

int chat(const std::string& addr) {
  auto [ctx, stop] = signal::notify_context(context::background(), SIGINT, SIGTERM);
  defer d1{stop};
  auto [l, err] = net::listen("tcp", addr);
  if (err) {
    std::cerr << "chat: " << err << '\n';
    return 1;
  }
  std::cout << "listening on " << l.addr().text() << std::endl;

  auto events = make_chan<event>();
  sync::wait_group guests, working;
  working.go([=] {
    hub its;
    for (const event& e : events) its.handle(e);
  });
  int count = 0;
  while (!ctx.err()) {
    auto [c, err] = l.accept(ctx);
    if (!err) {
      ++count;
      guests.go(serve, c, events);
    } else if (!ctx.err()) {
      std::cerr << "chat: " << err << '\n';  // no descriptors are left, for one: accept has waited a little
    }
  }
  l.close();
  events << event{event::closing_time};
  guests.wait();
  close(events);
  working.wait();
  std::cout << "ended: " << count << " guests\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string addr = "127.0.0.1:9000";
  std::optional<int> workers;  // as many as there are CPUs
  if (!parse_flags(argc, argv, {{"--addr", &addr}, {"--workers", &workers}})) {
    std::cerr << "usage: chat [--addr HOST:PORT] [--workers N]\n";
    return 1;
  }
  return run([&] { return chat(addr); }, {.procs = workers});
}
