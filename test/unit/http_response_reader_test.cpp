// Reading what servers answer. Source of the texts: Go's net/http, asked with the same answers.
#include "http/client/response_reader.hpp"

#include <gossamer/http/test.hpp>
#include <gossamer/io.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;

namespace {

constexpr std::int64_t ten_mib = std::int64_t{10} << 20;

// A connection on which a server says something, and its reader.
struct answered {
  explicit answered(std::string_view text, std::size_t piece = 1 << 20) {
    std::tie(client, server) = http::test::memory_pipe();
    in.emplace(client);
    reader.emplace(*in);
    client.set_deadline(std::chrono::steady_clock::now() + support::patience);
    fibers.go([server = server, text, piece] {
      for (std::size_t at = 0; at < text.size(); at += piece) {
        if (server.write(text.substr(at, piece)).second) {
          return;
        }
        if (piece < text.size()) {
          runtime::gosched();
        }
      }
      server.close_write();
    });
  }
  ~answered() {
    client.close();
    server.close();
    fibers.join();
  }

  error head(bool is_head = false, std::int64_t most = ten_mib) {
    return reader->read_head(resp, is_head, most, on_1xx, net::ending());
  }
  // The body, and its error where there is one.
  std::string body(std::size_t piece = 512) {
    std::string all;
    std::string room(piece, ' ');
    for (;;) {
      const auto [n, err] = reader->read_body(std::as_writable_bytes(std::span(room)), net::ending());
      all.append(room, 0, n);
      if (err) {
        return err == io::eof ? all : all + "!" + err.text();
      }
    }
  }

  net::conn client, server;
  std::optional<http::input> in;
  std::optional<http::response_reader> reader;
  http::response resp;
  http::on_1xx_function on_1xx;
  support::crew fibers;
};

// `200 OK|HTTP/1.1|length|coding|close|Name: value,...|body`, or the error.
std::string outline(answered& a, bool is_head = false) {
  if (const error err = a.head(is_head)) {
    return err.text();
  }
  const http::response& r = a.resp;
  std::string text = r.status + '|' + r.proto + '|' + std::to_string(r.content_length) + '|' + r.transfer_encoding +
                     '|' + (r.close ? "close" : "") + '|';
  for (const http::header::field& f : r.header) {
    text += f.name + ": " + f.value + ',';
  }
  text += '|' + a.body();
  for (const http::header::field& f : a.reader->trailer()) {
    text += '|' + f.name + ": " + f.value;
  }
  return text + (a.reader->may_be_reused() ? "|again" : "");
}

std::string outline(std::string_view answer, bool is_head = false, std::size_t piece = 1 << 20) {
  answered a(answer, piece);
  return outline(a, is_head);
}

struct row {
  const char* answer;
  const char* expected;
  bool is_head = false;
};

constexpr row whole[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
     "200 OK|HTTP/1.1|5|||Content-Length: 5,X-A: b,|hello|again"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\n wo\r\n0\r\n\r\n",
     "200 OK|HTTP/1.1|-1|chunked|||hello wo|again"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T, x-u\r\n\r\n2\r\nab\r\n0\r\nX-T: 1\r\nX-W: "
     "2\r\n\r\n",
     "200 OK|HTTP/1.1|-1|chunked|||ab|X-T: 1|X-U: |X-W: 2|again"},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200|HTTP/1.1|0|||Content-Length: 0,||again"},
    {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 |HTTP/1.1|0|||Content-Length: 0,||again"},
    {"HTTP/1.1   404   Not Here\r\nContent-Length: 1\r\n\r\nx",
     "404   Not Here|HTTP/1.1|1|||Content-Length: 1,|x|again"},
    {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "200 OK|HTTP/1.1|-1||close||until the end"},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", "200 OK|HTTP/1.0|2||close|Content-Length: 2,|ab"},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nab",
     "200 OK|HTTP/1.0|2|||Content-Length: 2,Connection: keep-alive,|ab|again"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close\r\n\r\nab",
     "200 OK|HTTP/1.1|2||close|Content-Length: 2,|ab"},
    {"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nab", "200 OK|HTTP/2.0|2|||Content-Length: 2,|ab|again"},
    {"HTTP/1.1 204 No Content\r\n\r\n",
     "204 No Content|HTTP/1.1|0||||"
     "|again"},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
     "304 Not Modified|HTTP/1.1|0|||Content-Length: 7,||again"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "200 OK|HTTP/1.1|7|||Content-Length: 7,||again", true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 OK|HTTP/1.1|-1|chunked||||again", true},
    {"HTTP/1.1 200 OK\r\n\r\n", "200 OK|HTTP/1.1|-1|||||again", true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nab",
     "200 OK|HTTP/1.1|2|||Content-Length: 2,|ab|again"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", "200 OK|HTTP/1.1|2|||Content-Length: 2,|ab"},
    {"HTTP/1.1 204 No Content\r\n\r\nx", "204 No Content|HTTP/1.1|0||||"},
    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n1\r\nx\r\n0\r\n\r\n",
     "200 OK|HTTP/1.0|-1||close|Connection: keep-alive,|1\r\nx\r\n0\r\n\r\n"},
    {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
     "200 OK|HTTP/1.1|0|||X: a b,Content-Length: 0,||again"},
    {"HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 0\r\n\r\n",
     "200 OK|HTTP/1.1|0|||Pragma: no-cache,Content-Length: 0,Cache-Control: no-cache,||again"},
    {"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
     "200 OK|HTTP/1.1|1|||Content-Length: 1,|x|again"},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nmore", "101 Switching Protocols|HTTP/1.1|0|||Upgrade: x,|"},
};

constexpr row refused[] = {
    {"", "EOF"},
    {"H", "malformed HTTP response \"H\""},
    {"HTTP/1.1 200 OK", "unexpected EOF"},
    {"HTTP/1.1 200 OK\r\nA: b\r\n", "unexpected EOF"},
    {"HTTP/1.1 100 Continue\r\n\r\n", "unexpected EOF"},
    {"SSH-2.0-x\r\n\r\n", "malformed HTTP response \"SSH-2.0-x\""},
    {"\x15\x03\x01\r\n\r\n", "malformed HTTP response \"\\x15\\x03\\x01\""},
    {"HTTP/1.1 there OK\r\n\r\n", "malformed HTTP status code \"there\""},
    {"HTTP/1.1 20x OK\r\n\r\n", "malformed HTTP status code \"20x\""},
    {"HTTP/1.1 2000 OK\r\n\r\n", "malformed HTTP status code \"2000\""},
    {"HTTP/1.1 \r\n\r\n", "malformed HTTP status code \"\""},
    {"HTTP/1 200 OK\r\n\r\n", "malformed HTTP version \"HTTP/1\""},
    {"http/1.1 200 OK\r\n\r\n", "malformed HTTP version \"http/1.1\""},
    {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "malformed MIME header: missing colon: \"no colon\""},
    {"HTTP/1.1 200 OK\r\nA: b\x01\r\n\r\n", "malformed MIME header line: \"A: b\\x01\""},
    {"HTTP/1.1 200 OK\r\n A: b\r\n\r\n", "malformed MIME header initial line: \" A: b\""},
    {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "bad Content-Length \"x\""},
    {"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", "bad Content-Length \"+5\""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", "bad Content-Length \"5, 5\""},
    {"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "invalid empty Content-Length \"\""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n", "bad Content-Length \"9223372036854775808\""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
     "http: message cannot contain multiple Content-Length headers; got [\"5\" \"6\"]"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "unsupported transfer encoding: \"gzip, chunked\""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", "unsupported transfer encoding: \"identity\""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n", "unsupported transfer encoding: \"\""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     "too many transfer encodings: [\"chunked\" \"chunked\"]"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
     "too many transfer encodings: [\"gzip\" \"chunked\"]"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n",
     "bad trailer key \"Content-Length\""},
    // Go takes these.
    {"HTTP/1.1 200 OK\r\nA: b\r\nbad name: x\r\n\r\n", "malformed MIME header line: \"bad name: x\""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
     "http: message with both a Content-Length and a Transfer-Encoding"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "http: message with both a Content-Length and a Transfer-Encoding"},
    {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "malformed MIME header line: \"Content-Length: 0\""},
};

constexpr row cut_or_bad_bodies[] = {
    {"5\r\nhel", "hel!unexpected EOF"},
    {"", "!unexpected EOF"},
    {"5\r\nhello", "hello!unexpected EOF"},
    {"5\r\nhello\r\n", "hello!unexpected EOF"},
    {"5\r\nhello\r\n0\r\n", "hello!http: unexpected EOF reading trailer"},
    {"5\r\nhello\r\n0\r\nX: y\r\n", "hello!http: unexpected EOF reading trailer"},
    {"5\r\nhello\r\n0\r\nbad\r\n\r\n", "hello!malformed MIME header: missing colon: \"bad\""},
    {"0\r\nX: y\r\nb d: z\r\n\r\n", "!malformed MIME header line: \"b d: z\""},
    {"x\r\nhello\r\n", "!invalid byte in chunk length"},
    {"5\r\nhello\r\nzz\r\n", "hello!invalid byte in chunk length"},
    {"-5\r\nhello\r\n", "!invalid byte in chunk length"},
    {"\r\nhello\r\n", "!empty hex number for chunk length"},
    {";x\r\nhello\r\n", "!empty hex number for chunk length"},
    {"5\nhello\n", "!chunked line ends with bare LF"},
    {"5\r\nhelloXX0\r\n\r\n", "hello!malformed chunked encoding"},
    {"11111111111111111\r\nx\r\n", "!http chunk length too large"},
};

}  // namespace

FIBER_TEST("answers are read, however they come") {
  for (const row& r : whole) {
    CHECK(outline(r.answer, r.is_head) == r.expected);
    // Where more comes behind the answer, that may come later.
    const auto without_again = [](std::string text) { return text.substr(0, text.rfind("|again")); };
    for (const std::size_t piece : {1, 3}) {
      CHECK(without_again(outline(r.answer, r.is_head, piece)) == without_again(r.expected));
    }
  }
}

FIBER_TEST("what is no answer is refused by Go's texts") {
  for (const row& r : refused) {
    CHECK(outline(r.answer) == r.expected);
    CHECK(outline(r.answer, false, 1) == r.expected);
  }
}

FIBER_TEST("a chunked body that is cut or malformed says so") {
  for (const row& r : cut_or_bad_bodies) {
    const std::string text = std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") + r.answer;
    for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{1}}) {
      answered a(text, piece);
      CHECK(a.head() == nil);
      CHECK(a.body() == r.expected);
      CHECK(!a.reader->may_be_reused());
      std::byte room[1];
      const auto [n, err] = a.reader->read_body(room, net::ending());
      CHECK(n == 0);
      CHECK(err.text() == std::string_view(r.expected).substr(std::string_view(r.expected).find('!') + 1));
    }
  }
}
