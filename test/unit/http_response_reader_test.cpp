// Reading what servers answer. Source of the texts: Go's net/http, asked with the same answers.
#include "http/client/response_reader.hpp"

#include <gossamer/context.hpp>
#include <gossamer/http/test.hpp>
#include <gossamer/io.hpp>

#include <chrono>
#include <memory>
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
  explicit answered(std::string_view answers, std::size_t piece = 1 << 20) {
    std::tie(client, server) = http::test::memory_pipe();
    in.emplace(client);
    reader.emplace(*in);
    client.set_deadline(std::chrono::steady_clock::now() + support::patience);
    fibers.go([server = server, text = std::string(answers), piece] {
      for (std::size_t at = 0; at < text.size(); at += piece) {
        if (server.write(std::string_view(text).substr(at, piece)).second) {
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
     "200 OK|HTTP/1.1|2||close|Content-Length: 2,Connection: x, Close,|ab"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\nConnection: close\r\n\r\nab",
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

FIBER_TEST("what is cut anywhere is no answer, and never more than came") {
  const std::string_view text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: "
      "u\r\n\r\n";
  for (std::size_t n = 0; n < text.size(); n++) {
    answered a(text.substr(0, n));
    const error err = a.head();
    CHECK((err == nil) == (n >= text.find("5\r\nhello")));
    if (!err) {
      const std::string body = a.body(3);
      CHECK(body.substr(0, body.find('!')) == std::string_view("hello").substr(0, body.find('!')));
      CHECK(body.find("EOF") != std::string::npos);
    }
    CHECK(!a.reader->may_be_reused());
    CHECK(a.reader->got_first_byte() == (n > 0));
  }
}

FIBER_TEST("answers follow each other on a connection, and nothing of one is left in the next") {
  answered a(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\nX: 1\r\n\r\n2\r\nab\r\n0\r\nT: 1\r\n\r\n"
      "HTTP/1.1 204 No Content\r\nY: 2\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
      "HTTP/1.0 200 OK\r\n\r\nrest");
  CHECK(outline(a) == "200 OK|HTTP/1.1|-1|chunked||X: 1,|ab|T: 1");
  const std::shared_ptr<http::header> trailer = a.resp.trailer;
  CHECK(outline(a) == "204 No Content|HTTP/1.1|0|||Y: 2,|");
  CHECK(trailer->get("T") == "1");
  CHECK(outline(a) == "200 OK|HTTP/1.1|3|||Content-Length: 3,|abc");
  CHECK(outline(a) == "200 OK|HTTP/1.0|-1||close||rest");
  CHECK(a.head() == io::eof);
}

FIBER_TEST("that the body has ended is known with its last byte, where that has come") {
  answered a(
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"
      "hello\r\n0\r\n\r\n");
  std::byte room[5];
  for (int i = 0; i < 2; i++) {
    CHECK(a.head() == nil);
    CHECK(!a.reader->body_is_done());
    CHECK(a.reader->body_left() == (i == 0 ? 5 : -1));
    CHECK(a.reader->read_body(std::span(room).first(2), net::ending()) == io::result(2, nullptr));
    CHECK(a.reader->read_body(std::span(room).first(0), net::ending()) == io::result(0, nullptr));
    CHECK(a.reader->read_body(room, net::ending()) == io::result(3, nullptr));
    CHECK(a.reader->body_is_done());
    CHECK(a.reader->body_left() == 0);
    CHECK(a.reader->read_body(room, net::ending()) == io::result(0, io::eof));
  }
  CHECK(a.reader->may_be_reused());
}

FIBER_TEST("heads have a limit, all of one answer together") {
  const std::string head = "HTTP/1.1 200 OK\r\nX: " + std::string(3000, 'x') + "\r\nContent-Length: 0\r\n\r\n";
  const std::string why = "net/http: server response headers exceeded 3000 bytes; aborted";
  for (const std::size_t piece : {std::size_t{100}, std::size_t{1} << 20}) {
    answered enough(head, piece);
    CHECK(enough.head(false, std::ssize(head)) == nil);
    answered too_much(head, piece);
    CHECK(too_much.head(false, 3000).text() == why);
    answered endless("HTTP/1.1 200 " + std::string(5000, 'x'), piece);
    CHECK(endless.head(false, 3000).text() == why);
  }
  std::string early;
  for (int i = 0; i < 200; i++) {
    early += "HTTP/1.1 103 Early Hints\r\n\r\n";
  }
  const std::string all = early + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  answered many(all, 100);
  CHECK(many.head(false, 3000).text() == why);
  answered looked_at(all, 100);
  looked_at.on_1xx = [&](int, const http::header&) {
    looked_at.reader->count_anew();
    return error();
  };
  CHECK(looked_at.head(false, 3000) == nil);
}

FIBER_TEST("what comes before an answer is told, and may end it") {
  const char* const text =
      "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 199 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  answered a(text);
  std::string told;
  a.on_1xx = [&](int code, const http::header& fields) {
    told += std::to_string(code) + std::string(fields.get("A")) + ' ';
    return error();
  };
  CHECK(a.head() == nil);
  CHECK(told == "100b 199 ");
  CHECK(a.resp.header.size() == 1);
  answered refusing(text);
  const error no = errors::make("no");
  refusing.on_1xx = [&](int, const http::header&) { return no; };
  CHECK(refusing.head() == no);
}

FIBER_TEST("a wait is ended by its context, and a body's goes on after a time-out") {
  auto [client, server] = http::test::memory_pipe();
  http::input in(client);
  http::response_reader reader(in);
  http::response resp;
  auto [ctx, cancel] = context::with_cancel(context::background());
  cancel();
  CHECK(errors::is(reader.read_head(resp, false, ten_mib, {}, ctx), context::canceled));
  CHECK(server.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na").second == nil);
  CHECK(reader.read_head(resp, false, ten_mib, {}, net::ending()) == nil);
  std::byte room[2];
  CHECK(reader.read_body(room, net::ending()) == io::result(1, nullptr));
  client.set_read_deadline(std::chrono::steady_clock::now() - std::chrono::seconds(1));
  CHECK(reader.read_body(room, net::ending()).second.timeout());
  client.set_read_deadline(nullptr);
  CHECK(server.write("b").second == nil);
  CHECK(reader.read_body(room, net::ending()) == io::result(1, nullptr));
  CHECK(reader.body_is_done());
  client.close();
  server.close();
}

FIBER_TEST("names and values of any length are read") {
  const std::string value(200'000, 'v');
  const std::string name = "X" + std::string(99'999, 'n');
  answered a("HTTP/1.1 200 OK\r\n" + name + ": " + value + "\r\nContent-Length: 0\r\n\r\n", 10'000);
  CHECK(a.head() == nil);
  CHECK(a.resp.header.get(name) == value);
}

FIBER_TEST("trailers are announced where they are not too many, and come in any case") {
  for (const int count : {500, 501, 100'000}) {
    std::string names = "X-0";
    for (int i = 1; i < count; i++) {
      names += ", x-" + std::to_string(i);
    }
    answered a("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: " + names +
                   "\r\n\r\n0\r\nX-7: 1\r\nx-7: 2\r\nX-More: 3\r\n\r\n",
               10'000);
    CHECK(a.head() == nil);
    CHECK(a.reader->trailer().size() == (count > 500 ? 0 : 500));
    CHECK(a.body().empty());
    CHECK(a.reader->trailer().size() == (count > 500 ? 3 : 502));
    CHECK(a.resp.trailer->values("X-7") == std::vector<std::string_view>{"1", "2"});
    CHECK(a.resp.trailer->get("X-More") == "3");
  }
}

FIBER_TEST("what comes before an answer announces none of its trailers") {
  std::string all;
  for (int i = 0; i < 100; i++) {
    all += "HTTP/1.1 103 Early\r\nTransfer-Encoding: chunked\r\nTrailer: X-" + std::to_string(i) + "\r\n\r\n";
  }
  answered a(all + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n0\r\n\r\n", 1000);
  CHECK(a.head() == nil);
  CHECK(a.resp.trailer->size() == 1);
  CHECK(a.resp.trailer->has("T"));
  CHECK(a.body().empty());
}
