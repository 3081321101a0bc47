// resp: what redis speaks (RESP2), as far as a client needs it.
#pragma once

#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peers {

using gossamer::error;

struct reply {
  char kind = '_';  // '+' a status, '-' an error, ':' a number, '$' a string, '*' several, '_' nothing
  std::string text{};
  std::int64_t number = 0;
  std::vector<reply> items{};
  friend bool operator==(const reply&, const reply&) = default;
};

// As it goes over the wire.
inline std::string command(std::initializer_list<std::string_view> words) {
  std::string all = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) {
    all.append("$").append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
  }
  return all;
}

inline std::pair<reply, error> read_reply(gossamer::io::buffered_reader& in);

// What follows a length of n: a string or several replies.
inline error read_content(gossamer::io::buffered_reader& in, std::int64_t n, reply& r) {
  if (n < 0) {
    r.kind = '_';
    return gossamer::nil;
  }
  if (r.kind == '$') {
    r.text.resize(static_cast<std::size_t>(n) + 2);
    const error err = gossamer::io::read_full(&in, r.text).second;
    r.text.resize(static_cast<std::size_t>(n));
    return err;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    auto [item, err] = read_reply(in);
    if (err) {
      return err;
    }
    r.items.push_back(std::move(item));
  }
  return gossamer::nil;
}

inline std::pair<reply, error> read_reply(gossamer::io::buffered_reader& in) {
  auto [line, err] = in.read_line();
  if (err) {
    return {reply(), err};
  }
  reply r{.kind = line.empty() ? '?' : line[0], .text = line.empty() ? line : line.substr(1)};
  if (r.kind == '+' || r.kind == '-') {
    return {std::move(r), gossamer::nil};
  }
  std::int64_t n = 0;
  const auto [end, problem] = std::from_chars(r.text.data(), r.text.data() + r.text.size(), n);
  if (problem != std::errc() || end != r.text.data() + r.text.size() ||
      std::string_view(":$*").find(r.kind) == line.npos) {
    return {reply(), gossamer::errors::make("no reply of redis: ", line)};
  }
  r.text.clear();
  if (r.kind == ':') {
    r.number = n;
    return {std::move(r), gossamer::nil};
  }
  err = read_content(in, n, r);
  return {std::move(r), err};
}

// A connection that any number of fibers use at the same time: what they send goes out one behind the other, and a
// fiber of its own hands the replies out in that order. The first error is everybody's from then on.
class resp_client {
 public:
  using replies = std::pair<std::vector<reply>, error>;

  explicit resp_client(gossamer::net::conn c) : conn_(std::move(c)) {
    reading_.go([this] { hand_out(); });
  }
  resp_client(const resp_client&) = delete;
  resp_client& operator=(const resp_client&) = delete;
  // When nobody asks any more.
  ~resp_client() {
    gossamer::close(waiting_);
    reading_.wait();
    conn_.close();
  }

  // The replies to so many commands, which are sent in one write. Fewer only with an error.
  replies ask(std::string_view commands, int count) {
    const question q{count, gossamer::make_chan<replies>(1)};
    {
      const std::scoped_lock lock(sending_);
      waiting_ << q;
      if (conn_.write(commands).second) {
        conn_.close();  // no reply will come
      }
    }
    return *q.answer;
  }
  std::pair<reply, error> ask(std::initializer_list<std::string_view> words) {
    auto [all, err] = ask(command(words), 1);
    return {err ? reply() : std::move(all[0]), err};
  }

 private:
  struct question {
    int count = 0;
    gossamer::chan<replies> answer{};
  };

  void hand_out() {
    gossamer::io::buffered_reader in(conn_, 64 * 1024);
    error broken;
    for (const question& q : waiting_) {
      replies all;
      for (int i = 0; i < q.count && !broken; ++i) {
        auto [r, err] = read_reply(in);
        if (err) {
          broken = err;
          conn_.close();
        } else {
          all.first.push_back(std::move(r));
        }
      }
      all.second = broken;
      q.answer << std::move(all);
    }
  }

  gossamer::net::conn conn_;
  gossamer::sync::wait_group reading_;
  gossamer::chan<question> waiting_ = gossamer::make_chan<question>(100);
  gossamer::sync::mutex sending_;  // keeps waiting_ in the order of what is sent
};

}  // namespace peers
