// Requests that are odd, doubtful or broken: each has its answer, and where it is not sure where a request ends nothing
// behind it is taken for another one.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/http/server.hpp"
#include "gossamer/io.hpp"
#include "http_serving.hpp"

using namespace gossamer;

namespace {

struct row {
  std::string sent;
  // See support::in_short().
  std::string said;
};

// Method, target, body; why the body could not be read; the trailers.
void tell(http::response_writer& w, http::request& r) {
  const auto [body, err] = io::read_all(r.body);
  std::string text = r.method + " " + r.request_uri + " " + std::string(body.begin(), body.end());
  if (err) {
    text += " (" + err.text() + ")";
  }
  for (const http::header::field& f : r.trailer) {
    text += " " + f.name + "=" + f.value;
  }
  w.header().set("Content-Type", "text/plain");
  w.write(text);
}

const std::string next = "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const std::string then_next = " | GET /next ";

std::string with(std::string_view fields, std::string_view body = {}) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}
std::string line(std::string_view first) { return std::string(first) + "\r\nHost: a\r\n\r\n"; }
std::string chunked(std::string_view body) { return with("Transfer-Encoding: chunked\r\n", body); }

const std::string bad = "400 400 Bad Request";
const std::string unsupported = "501 Unsupported transfer encoding";
const std::string too_large = "431 431 Request Header Fields Too Large";
const std::string version = "505 505 HTTP Version Not Supported: unsupported protocol version";

// Whole, and then one byte at a time: where it is cut makes no difference.
void check_rows(const std::vector<row>& rows, std::size_t most_header_bytes = 0) {
  support::rough_served s(tell);
  s.srv.max_header_bytes = most_header_bytes;
  s.start();
  const auto how = support::serving_of(tell);
  if (most_header_bytes != 0) {
    how->max_header_bytes = most_header_bytes;
  }
  for (const row& r : rows) {
    const std::string sent = r.sent + next;
    const std::string whole = support::in_short(support::ask(s.dial(), sent));
    CHECK_MESSAGE(whole == r.said, r.sent.substr(0, 400));
    const std::size_t piece = sent.size() > 1000 ? 100 : 1;
    const std::string by_piece = support::in_short(support::ask_in_pieces(how, sent, piece));
    CHECK_MESSAGE(by_piece == r.said, "in pieces: ", r.sent.substr(0, 400));
  }
}

}  // namespace

FIBER_TEST("http odd: a length that is no plain number, or not the only one, ends the connection") {
  std::vector<row> rows;
  for (const char* const length : {"+5", "-5", "5,5", "5, 5", "5 5", "0x5", "5;", "5.0", "", "9223372036854775808",
                                   "18446744073709551616", "99999999999999999999999", "five"}) {
    rows.push_back({with("Content-Length: " + std::string(length) + "\r\n", "hello"), bad});
  }
  rows.push_back({with("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), bad});
  rows.push_back({with("Content-Length: 0\r\nX: y\r\ncontent-length: 5\r\n", "hello"), bad});
  rows.push_back({with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), "POST / hello" + then_next});
  rows.push_back({with("Content-Length: 00005\r\n", "hello"), "POST / hello" + then_next});
  rows.push_back({with("CONTENT-LENGTH:5\r\n", "hello"), "POST / hello" + then_next});
  rows.push_back({with("Content-Length: \t5 \t\r\n", "hello"), "POST / hello" + then_next});
  rows.push_back({with("Content-Length: 0\r\n"), "POST / " + then_next});
  rows.push_back({with(""), "POST / " + then_next});
  check_rows(rows);
}

FIBER_TEST("http odd: no other coding than chunked, in a line of its own, and no length beside it") {
  std::vector<row> rows;
  for (const char* const coding : {"gzip", "identity", "chunked, chunked", "gzip, chunked", "chunked, gzip", "chunked,",
                                   ",chunked", "chunked;q=1", "xchunked", "\"chunked\"", "chunked chunked", ""}) {
    rows.push_back(
        {with("Transfer-Encoding: " + std::string(coding) + "\r\n", "5\r\nhello\r\n0\r\n\r\n"), unsupported});
  }
  const std::string body = "5\r\nhello\r\n0\r\n\r\n";
  rows.push_back({with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", body), bad});
  rows.push_back({with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", body), unsupported});
  rows.push_back({with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", body), bad});
  for (const char* const length : {"0", "5", "15"}) {
    const std::string l = "Content-Length: " + std::string(length) + "\r\n";
    rows.push_back({with(l + "Transfer-Encoding: chunked\r\n", body), bad});
    rows.push_back({with("Transfer-Encoding: chunked\r\n" + l, body), bad});
  }
  rows.push_back({with("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n", body), bad});
  rows.push_back({"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + body, bad});
  rows.push_back({with("transfer-encoding: CHUNKED\r\n", body), "POST / hello" + then_next});
  rows.push_back({with("Transfer-Encoding:chunked \r\n", body), "POST / hello" + then_next});
  check_rows(rows);
}

FIBER_TEST("http odd: a field's line has a token, a colon and one line of text") {
  std::vector<row> rows;
  for (const char* const field : {"X: a\r\n b\r\n",
                                  "X: a\r\n\tb\r\n",
                                  "X:\r\n b\r\n",
                                  "X:\r\n \r\n",
                                  "X: a\r\n \r\n",
                                  "X: a\r\n \r\n b\r\n",
                                  " X: a\r\n",
                                  "\tX: a\r\n",
                                  "Transfer-Encoding:\r\n chunked\r\n",
                                  "Content-Length:\r\n 5\r\n",
                                  "Content-Length: 5\r\n 5\r\n",
                                  "X : a\r\n",
                                  "Content-Length : 5\r\n",
                                  "Transfer-Encoding : chunked\r\n",
                                  "Transfer-Encoding\t: chunked\r\n",
                                  ": a\r\n",
                                  "a b: c\r\n",
                                  "(a): b\r\n",
                                  "a\x7f: b\r\n",
                                  "\xc3\xa4: b\r\n",
                                  "no colon\r\n",
                                  "X: a\rb\r\n",
                                  "X: a\nb\r\n",
                                  "X: a\nContent-Length: 5\r\n",
                                  "X: a\x01\r\n",
                                  "X: a\x7f\r\n",
                                  "X\n: a\r\n",
                                  "X: a\r\r\n",
                                  "Connection: @\r\n"}) {
    rows.push_back({with(field, "hello"), bad});
  }
  rows.push_back({with(std::string_view("X: a\0b\r\n", 8)), bad});
  rows.push_back({with(std::string_view("X\0: a\r\n", 7)), bad});
  for (const char* const field : {"X:\r\n", "X: \r\n", "X:a\r\n", "x_y!#$%&'*+-.^`|~: a\r\n", "X: \xc3\xa4\xff\r\n",
                                  "X: a\tb\r\n", "X: a: b\r\n", "X: 1\r\nX: 2\r\n", "Transfer_Encoding: chunked\r\n",
                                  "Connection: x, Close2, y\r\n", "Trailer: Content-Length\r\n"}) {
    rows.push_back({with(field), "POST / " + then_next});
  }
  check_rows(rows);
}

FIBER_TEST("http odd: a request's line has a method, a target and a version, with a blank between them") {
  std::vector<row> rows;
  for (const char* const first : {"GET",
                                  "GET /",
                                  "GET / ",
                                  "GET  / HTTP/1.1",
                                  "GET /  HTTP/1.1",
                                  " GET / HTTP/1.1",
                                  "\tGET / HTTP/1.1",
                                  "GET\t/ HTTP/1.1",
                                  "GET / HTTP/1.1 ",
                                  "GET / HTTP/1.1x",
                                  "GET / HTTP/11",
                                  "GET / HTTP/1.",
                                  "GET / HTTP/1",
                                  "GET / HTTP/.1",
                                  "GET / HTTP 1.1",
                                  "GET / http/1.1",
                                  "GET / HTTP/ 1.1",
                                  "GET / HTTP/1.1\n",
                                  "GET / HTTP/+1.1",
                                  "GET / HTTP/1.10",
                                  "GET /a b HTTP/1.1",
                                  "G(T / HTTP/1.1",
                                  "G\xc3\xa4T / HTTP/1.1",
                                  "GET / FTP/1.1",
                                  "GET HTTP/1.1",
                                  "/ HTTP/1.1",
                                  "GET a HTTP/1.1",
                                  "GET ?a HTTP/1.1",
                                  "GET /%zz HTTP/1.1",
                                  "GET /%4 HTTP/1.1",
                                  "GET /\x01 HTTP/1.1",
                                  "GET /\x7f HTTP/1.1",
                                  "GET http://[::1/ HTTP/1.1",
                                  "GET http://a:b:c/ HTTP/1.1",
                                  "\r\nGET / HTTP/1.1",
                                  "\nGET / HTTP/1.1"}) {
    rows.push_back({line(first), bad});
  }
  for (const char* const first :
       {"GET / HTTP/1.2", "GET / HTTP/1.9", "GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/9.9", "PRI * HTTP/2.0"}) {
    rows.push_back({line(first), version});
  }
  for (const char* const first :
       {"get / HTTP/1.1", "!#$%&'*+-.^_`|~ / HTTP/1.1", "GET /a?b=%zz HTTP/1.1", "GET //a/../b HTTP/1.1",
        "GET /\xc3\xa4 HTTP/1.1", "GET http://b/c HTTP/1.1", "OPTIONS /x HTTP/1.1"}) {
    const std::string_view text(first);
    rows.push_back({line(first), std::string(text.substr(0, text.rfind(' '))) + " " + then_next});
  }
  rows.push_back({line("OPTIONS * HTTP/1.1"), then_next});
  // What comes behind it is for whom it names.
  rows.push_back({line("CONNECT a:80 HTTP/1.1"), "CONNECT a:80 "});
  check_rows(rows);
}

FIBER_TEST("http odd: exactly one host, of letters that a host may have") {
  std::vector<row> rows;
  const std::string none = "400 400 Bad Request: missing required Host header";
  rows.push_back({"GET / HTTP/1.1\r\n\r\n", none});
  rows.push_back({"GET http://a/ HTTP/1.1\r\n\r\n", none});
  rows.push_back({"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400 400 Bad Request: too many Host headers"});
  rows.push_back(
      {"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhost: b\r\n\r\n", "400 400 Bad Request: too many Host headers"});
  for (const char* const host : {"a b", "a/b", "a@b", "a?b", "a#b", "a\\b", "a\"b", "<a>", "a\tb", "\xc3\xa4"}) {
    rows.push_back(
        {"GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n", "400 400 Bad Request: malformed Host header"});
  }
  for (const char* const host : {"", "a", "a.b-c_d~", "127.0.0.1:80", "[::1]:80", "a:"}) {
    rows.push_back({"GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n", "GET / " + then_next});
  }
  rows.push_back({"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / " + then_next});
  check_rows(rows);
}

FIBER_TEST("http odd: a chunked body that is broken fails to be read, and nothing behind it is a request") {
  std::vector<row> rows;
  const std::pair<const char*, const char*> first[] = {
      {"g\r\n", "invalid byte in chunk length"},
      {"-5\r\nhello\r\n0\r\n\r\n", "invalid byte in chunk length"},
      {"+5\r\nhello\r\n0\r\n\r\n", "invalid byte in chunk length"},
      {"0x5\r\nhello\r\n0\r\n\r\n", "invalid byte in chunk length"},
      {" 5\r\nhello\r\n0\r\n\r\n", "invalid byte in chunk length"},
      {"\r\nhello\r\n0\r\n\r\n", "empty hex number for chunk length"},
      {"5\nhello\r\n0\r\n\r\n", "chunked line ends with bare LF"},
      {"5 5\r\nhello\r\n0\r\n\r\n", "invalid byte in chunk length"},
      {"10000000000000005\r\nhello\r\n0\r\n\r\n", "http chunk length too large"},
      {"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", "http chunk length too large"},
      {";a\r\nhello\r\n0\r\n\r\n", "empty hex number for chunk length"},
      {"5,5\r\nhello\r\n0\r\n\r\n", "invalid byte in chunk length"}};
  for (const auto& [body, why] : first) {
    rows.push_back({chunked(body), "POST /  (" + std::string(why) + ")"});
  }
  const std::pair<const char*, const char*> behind[] = {
      {"5\r\nhello0\r\n\r\n", "malformed chunked encoding"},
      {"5\r\nhello\n0\r\n\r\n", "malformed chunked encoding"},
      {"5\r\nhellos\r\n0\r\n\r\n", "malformed chunked encoding"},
      {"5\r\nhello\r\nx\r\n\r\n", "invalid byte in chunk length"},
      {"5\r\nhello\r\n0x\r\n\r\n", "invalid byte in chunk length"},
      {"5\r\nhello\r\n0\n\r\n\r\n", "chunked line ends with bare LF"}};
  for (const auto& [body, why] : behind) {
    rows.push_back({chunked(body), "POST / hello (" + std::string(why) + ")"});
  }
  rows.push_back({chunked("0\r\n\r\n"), "POST / " + then_next});
  rows.push_back({chunked("005\r\nhello\r\n000\r\n\r\n"), "POST / hello" + then_next});
  rows.push_back({chunked("5;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n"), "POST / hello" + then_next});
  rows.push_back({chunked("2\r\nhe\r\nA\r\n0123456789\r\n0\r\n\r\n"), "POST / he0123456789" + then_next});
  rows.push_back({chunked("5;" + std::string(5000, 'a') + "\r\nhello\r\n0\r\n\r\n"), "POST /  (header line too long)"});
  check_rows(rows);
}

FIBER_TEST("http odd: trailers are kept apart, and change nothing that the header has said") {
  std::vector<row> rows;
  const std::string body = "5\r\nhello\r\n0\r\n";
  const std::pair<const char*, const char*> refused[] = {
      {"Content-Length: 3\r\n", "malformed chunked encoding"},
      {"Transfer-Encoding: chunked\r\n", "malformed chunked encoding"},
      {"a b: c\r\n", "malformed MIME header line: \"a b: c\""},
      {": c\r\n", "malformed MIME header line: \": c\""},
      {"X : c\r\n", "malformed MIME header line: \"X : c\""},
      {"X: a\r\n b\r\n", "malformed MIME header: missing colon: \" b\""},
      {"X:\r\n b\r\n", "malformed MIME header: missing colon: \" b\""},
      {"X: a\nb\r\n", "malformed MIME header: missing colon: \"b\""},
      {"no colon\r\n", "malformed MIME header: missing colon: \"no colon\""}};
  for (const auto& [trailer, why] : refused) {
    rows.push_back({chunked(body + trailer + "\r\n"), "POST / hello (" + std::string(why) + ")"});
  }
  rows.push_back({chunked(body + "x: y\r\n\r\n"), "POST / hello X=y" + then_next});
  rows.push_back({chunked(body + "X: 1\r\nX: 2\r\nHost: b\r\n\r\n"), "POST / hello X=1 X=2 Host=b" + then_next});
  rows.push_back(
      {chunked(body + "Connection: close\r\nExpect: x\r\n\r\n"), "POST / hello Connection=close Expect=x" + then_next});
  rows.push_back({chunked(body + "X: " + std::string(9000, 'a') + "\r\n\r\n"),
                  "POST / hello (http: suspiciously long trailer after chunked body)"});
  check_rows(rows);
}

FIBER_TEST("http odd: lines, fields and counts beyond the limits") {
  std::vector<row> rows;
  const std::string long_text(6000, 'a');
  rows.push_back({line("GET /" + long_text + " HTTP/1.1"), too_large});
  rows.push_back({line(long_text + " / HTTP/1.1"), too_large});
  rows.push_back({with("X: " + long_text + "\r\n"), too_large});
  rows.push_back({with(long_text + ": a\r\n"), too_large});
  std::string many;
  for (int i = 0; i < 700; i++) {
    many += "a: b\r\n";
  }
  rows.push_back({with(many + many), too_large});
  rows.push_back(
      {line("GET /" + std::string(900, 'a') + " HTTP/1.1"), "GET /" + std::string(900, 'a') + " " + then_next});
  check_rows(rows, 1000);
  // Of the count alone.
  std::string most;
  for (int i = 0; i < 499; i++) {
    most += "a: b\r\n";
  }
  check_rows({{with(most), "POST / " + then_next}, {with(most + "c: d\r\n"), too_large}, {with(many), too_large}});
}

FIBER_TEST("http odd: of what is to be expected only 100-continue is known") {
  const std::string failed = "417";
  check_rows(
      {{with("Expect: 100-Continue\r\nContent-Length: 5\r\n", "hello"), "100 | POST / hello" + then_next},
       {with("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "100 | POST / " + then_next},
       {with("Expect: 100-continue\r\n"), "POST / " + then_next},
       {with("Expect: 100-continue, x\r\n"), failed},
       {with("Expect: x\r\nContent-Length: 5\r\n", "hello"), failed},
       {with("Expect: 100-continue\r\nExpect: x\r\n"), failed},
       {with("Expect: x\r\nExpect: 100-continue\r\n"), failed},
       {"POST / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        "POST / hello" + then_next}});
}

FIBER_TEST("http odd: a client that ends in the middle") {
  support::rough_served s(tell);
  s.start();
  const std::string of_length = with("Content-Length: 5\r\n");
  const std::vector<row> rows{
      {"", ""},
      {"G", ""},
      {"GET / HTTP/1.1", ""},
      {"GET / HTTP/1.1\r\n", ""},
      {"GET / HTTP/1.1\r\nHo", ""},
      {"GET / HTTP/1.1\r\nHost: a", ""},
      {"GET / HTTP/1.1\r\nHost: a\r\n", ""},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r", ""},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / "},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET", "GET / "},
      {of_length, "POST /  (unexpected EOF)"},
      {of_length + "hell", "POST / hell (unexpected EOF)"},
      {of_length + "hello", "POST / hello"},
      {with("Content-Length: 9223372036854775807\r\n") + "hello", "POST / hello (unexpected EOF)"},
      {chunked(""), "POST /  (unexpected EOF)"},
      {chunked("5"), "POST /  (unexpected EOF)"},
      {chunked("5\r\n"), "POST /  (unexpected EOF)"},
      {chunked("5\r\nhel"), "POST / hel (unexpected EOF)"},
      {chunked("7fffffffffffffff\r\nhel"), "POST / hel (unexpected EOF)"},
      {chunked("5\r\nhello"), "POST / hello (unexpected EOF)"},
      {chunked("5\r\nhello\r\n"), "POST / hello (unexpected EOF)"},
      {chunked("5\r\nhello\r\n0"), "POST / hello (unexpected EOF)"},
      {chunked("5\r\nhello\r\n0\r\n"), "POST / hello (http: unexpected EOF reading trailer)"},
      {chunked("5\r\nhello\r\n0\r\nX: y\r\n"), "POST / hello (http: unexpected EOF reading trailer)"},
      {chunked("5\r\nhello\r\n0\r\n\r\n"), "POST / hello"},
  };
  for (const row& r : rows) {
    const std::string said = support::in_short(support::ask(s.dial(), r.sent, true));
    CHECK_MESSAGE(said == r.said, r.sent);
  }
}

FIBER_TEST("http odd: what a client sends goes into no line of the log as it is") {
  std::string logged;
  sync::mutex lock;
  support::rough_served s([](http::response_writer&, http::request& r) { panic(r.url.path); });
  s.srv.error_log = [&](std::string_view text) {
    const std::lock_guard hold(lock);
    logged += text;
    logged += '\n';
  };
  s.start();
  CHECK(support::ask(s.dial(), line("GET /%0a2026/01/01%20forged%1b[2J%0d HTTP/1.1")).empty());
  s.stop();
  CHECK(logged.find("/\\x0a2026/01/01 forged\\x1b[2J\\x0d\n") != std::string::npos);
  CHECK(logged.find('\x1b') == std::string::npos);
}

FIBER_TEST("http odd: what a handler takes over from a client cannot begin a field or an answer") {
  support::rough_served s([](http::response_writer& w, http::request& r) {
    w.header().set("X", r.url.path);
    w.header().set(r.url.path, "v");
    w.header().set("Connection", "close");
  });
  s.start();
  const std::string all =
      support::ask(s.dial(), line("GET /%0d%0aSet-Cookie:%20a=b%0d%0a%0d%0aHTTP/1.1%20200 HTTP/1.1"));
  CHECK(support::field_of(all, "X") == "/  Set-Cookie: a=b    HTTP/1.1 200");
  CHECK(support::field_of(all, "Set-Cookie").empty());
  CHECK(support::in_short(all).empty());
}
