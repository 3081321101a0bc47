// Files as answers: paths, redirects, listings, and what does not lead out.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gossamer/context.hpp>
#include <gossamer/errors.hpp>
#include <gossamer/http/file_server.hpp>
#include <gossamer/http/server.hpp>
#include <gossamer/http/test.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fiber_test.hpp"
#include "http_probe.hpp"
#include "http_served.hpp"
#include "http_tree.hpp"

using namespace gossamer;

namespace {

constexpr std::string_view whole = "0123456789";
constexpr std::string_view none = "404 page not found\n";
constexpr std::string_view list = support::tree_list;
constexpr std::string_view root_list = R"(<!doctype html>
<meta name="viewport" content="width=device-width">
<pre>
<a href="bin">bin</a>
<a href="dir/">dir/</a>
<a href="empty">empty</a>
<a href="file.txt">file.txt</a>
<a href="hello.html">hello.html</a>
<a href="link">link</a>
<a href="link_dir">link_dir</a>
<a href="noext">noext</a>
<a href="page.xyz">page.xyz</a>
<a href="site/">site/</a>
</pre>
)";

// As Go answers them; see http_probe.
constexpr support::probe rows[] = {
    {"GET /file.txt", "200 AR; len 10; text; LM", whole},
    {"HEAD /file.txt", "200 AR; len 10; text; LM", ""},
    {"POST /file.txt", "200 AR; len 10; text; LM", whole},
    {"GET /hello.html", "200 AR; len 5; html; LM", "<p>hi"},
    {"GET /HELLO.HTML", "404 text; nosniff", none},
    {"GET /noext", "200 AR; len 10; text; LM", "plain text"},
    {"GET /bin", "200 AR; len 3; Content-Type: application/octet-stream; LM", {"\0\1\2", 3}},
    {"GET /empty", "200 AR; len 0; text; LM", ""},
    {"GET /page.xyz", "200 AR; len 18; html; LM", "<!DOCTYPE html><p>"},
    {"GET /none", "404 text; nosniff", none},
    {"GET /file.txt/", "301 to ../file.txt", ""},
    {"GET /file.txt/x", "404 text; nosniff", none},
    {"GET /dir", "301 to dir/", ""},
    {"GET /dir?a=1&b=2", "301 to dir/?a=1&b=2", ""},
    {"GET /dir/", "200 html; LM", list},
    {"GET /dir/sub", "301 to sub/", ""},
    {"HEAD /dir/", "200 html; LM", list},
    {"POST /dir/", "200 html; LM", list},
    {"GET /site", "301 to site/", ""},
    {"GET /site/", "200 AR; len 20; html; LM", "<!doctype html>index"},
    {"GET /site/index.html", "301 to ./", ""},
    {"GET /site/index.html?x=1", "301 to ./?x=1", ""},
    {"GET /index.html", "301 to ./", ""},
    {"GET /none/index.html", "301 to ./", ""},
    {"GET /", "200 html; LM", root_list},
    {"GET //file.txt", "200 AR; len 10; text; LM", whole},
    {"GET /dir/../file.txt", "200 AR; len 10; text; LM", whole},
    {"GET /../file.txt", "200 AR; len 10; text; LM", whole},
    {"GET /./dir/./a.txt", "200 AR; len 1; text; LM", "a"},
    {"GET /..%2ffile.txt", "200 AR; len 10; text; LM", whole},
    {"GET /dir%2Fsub", "404 text; nosniff", none},
    {"GET /dir%2Fa.txt", "200 AR; len 1; text; LM", "a"},
    {"GET /%2e%2e/%2e%2e/etc/passwd", "404 text; nosniff", none},
    {"GET /dir/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "404 text; nosniff", none},
    {"GET /..%5c..%5cetc%5cpasswd", "404 text; nosniff", none},
    {"GET /file.txt%00.html", "404 text; nosniff", none},
    {"GET /dir/q%3F.txt", "200 AR; len 1; text; LM", "q"},
    {"GET /dir/b&c.txt", "200 AR; len 2; text; LM", "bc"},
    {"GET /dir/.hidden", "200 AR; len 1; text; LM", "h"},
    {"GET /dir/sp%20ace.txt", "200 AR; len 1; text; LM", "s"},
    {"GET /dir/%C3%BC.txt", "200 AR; len 1; text; LM", "u"},
    {"GET /link", "200 AR; len 10; text; LM", whole},
    {"GET /link_dir/a.txt", "200 AR; len 1; text; LM", "a"},
    {"GET /link_dir", "301 to link_dir/", ""},
    {"GET /etag/a.txt", "200 AR; Cache-Control: max-age=1; len 10; text; Etag: \"v1\"; LM", whole},
    {"GET /encoded/a.txt", "200 AR; Content-Encoding: gzip; text; LM", whole},
    {"GET /one/whatever", "200 AR; len 10; text; LM", whole},
    {"GET /one/", "200 AR; len 10; text; LM", whole},
    {"GET /one/index.html", "301 to ./", ""},
    {"GET /one/a/../b", "400 text; nosniff", "invalid URL path\n"},
    {"GET /one/a%5c..%5cb", "400 text; nosniff", "invalid URL path\n"},
    {"GET /onedir/", "200 AR; len 20; html; LM", "<!doctype html>index"},
    {"GET /onedir", "301 to onedir/", ""},
};

http::test::recorder answer_of(const http::handler& h, std::string_view line) {
  http::request r = support::probe_request(line);
  http::test::recorder rec;
  h(rec, r);
  return rec;
}

// A file that is none of a disk.
struct memory_file {
  explicit memory_file(std::string_view name, std::string_view text) : content(std::string(text)) {
    info.name = name;
    info.size = static_cast<std::int64_t>(text.size());
  }
  template <class R>
  io::result read(R&& to) {
    return content.read(to);
  }
  io::place seek(std::int64_t offset, io::seek_from whence) { return content.seek(offset, whence); }
  error close() {
    closed++;
    return nil;
  }
  std::pair<os::file_info, error> stat() const { return {info, nil}; }
  std::pair<std::vector<os::dir_entry>, error> read_dir(int) const { return {{}, errors::make("out of\norder")}; }

  io::string_reader content;
  os::file_info info;
  int closed = 0;
};

struct memory_files {
  std::shared_ptr<memory_file> page = std::make_shared<memory_file>("page.html", "<p>");
  std::shared_ptr<memory_file> folder = std::make_shared<memory_file>("folder", "");
  std::string* last_name;

  std::pair<http::file, error> open(std::string_view name) const {
    *last_name = name;
    if (name == "page.html" || name == "folder") {
      page->content.seek(0, io::seek_from::start);
      return {name == "folder" ? folder : page, nil};
    }
    return {nullptr, name == "secret" ? error(os::permission) : errors::wrap(os::not_exist, name)};
  }
};

}  // namespace

FIBER_TEST("http file_server: answers what Go answers") { support::check_probes(rows); }

FIBER_TEST("http file_server: no way leads out of its directory") {
  const support::http_tree tree;
  tree.put("in/a.txt", "a");
  tree.link("../file.txt", "in/out");
  tree.link("..", "in/up");
  tree.link("/etc/passwd", "in/absolute");
  tree.link("a.txt", "in/ok");
  for (const bool by_root : {false, true}) {
    const http::handler h =
        http::file_server(by_root ? http::dir(os::open_root(tree.at("in")).first) : http::dir(tree.at("in")));
    CHECK(answer_of(h, "GET /ok").body == "a");
    for (const char* const line :
         {"GET /out", "GET /up/file.txt", "GET /up/in/a.txt", "GET /absolute", "GET /../file.txt", "GET /..%2ffile.txt",
          "GET /%2e%2e/file.txt", "GET /..%5cfile.txt", "GET /a.txt/../../file.txt", "GET /a%00", "GET /up"}) {
      const http::test::recorder rec = answer_of(h, line);
      CHECK_MESSAGE(rec.code == 404, line);
      CHECK_MESSAGE(rec.body == none, line);
    }
    CHECK(answer_of(h, "GET /" + std::string(300, 'a')).code == 404);  // a name that is too long
  }
}

FIBER_TEST("http dir: a path is looked up anew for each file, a root stays the same") {
  const support::http_tree tree;
  tree.put("v1/a.txt", "one");
  tree.put("v2/a.txt", "two");
  tree.link("v1", "now");
  const http::handler by_path = http::file_server(http::dir(tree.at("now")));
  const http::handler by_root = http::file_server(http::dir(os::open_root(tree.at("now")).first));
  CHECK(answer_of(by_path, "GET /a.txt").body == "one");
  tree.link("v2", "next");
  CHECK(::rename(tree.at("next").c_str(), tree.at("now").c_str()) == 0);
  CHECK(answer_of(by_path, "GET /a.txt").body == "two");
  CHECK(answer_of(by_root, "GET /a.txt").body == "one");
  CHECK(answer_of(http::file_server(http::dir(tree.at("no such"))), "GET /").code == 404);
}

FIBER_TEST("http file_server: names in redirects are encoded") {
  const support::http_tree tree;
  tree.put("a?b/c", "");
  tree.put("x:y/c", "");
  const http::handler h = tree.answers();
  CHECK(answer_of(h, "GET /a%3Fb").sent().get("Location") == "a%3Fb/");
  CHECK(answer_of(h, "GET /x:y").sent().get("Location") == "./x:y/");
  CHECK(answer_of(h, "GET /dir/x:y/").sent().get("Location") == ".././x:y");
}

FIBER_TEST("http file_server: pipes, sockets and devices are not served, and not waited for") {
  const support::http_tree tree;
  CHECK(::mkfifo(tree.at("pipe").c_str(), 0600) == 0);
  CHECK(answer_of(tree.answers(), "GET /pipe").code == 404);
  const http::handler device = [](http::response_writer& w, http::request& r) { http::serve_file(w, r, "/dev/null"); };
  CHECK(answer_of(device, "GET /").code == 404);
}

FIBER_TEST("http file_server: files come from any file system, and are closed") {
  std::string name;
  memory_files files{.last_name = &name};
  files.folder->info.mode = S_IFDIR;
  const http::handler h = http::file_server(&files);
  const http::test::recorder page = answer_of(h, "GET /page.html|Range: bytes=1-");
  CHECK(support::probe_answer(page) == "206 AR; len 2; range bytes 1-2/3; html");
  CHECK(page.body == "p>");
  CHECK(name == "page.html");
  CHECK(files.page->closed == 1);
  CHECK(answer_of(h, "GET /secret").body == "403 Forbidden\n");
  CHECK(answer_of(h, "GET /").code == 404);
  CHECK(name == ".");
  CHECK(answer_of(h, "GET /a/b/").code == 404);
  CHECK(name == "a/b");

  http::server s;
  std::string logged;
  s.error_log = [&logged](std::string_view line) { logged = line; };
  http::request r = support::probe_request("GET /folder/");
  r.set_context(context::with_value(context::background(), http::server_context_key, &s));
  http::test::recorder rec;
  h(rec, r);
  CHECK(rec.code == 500);
  CHECK(rec.body == "Error reading directory\n");
  CHECK(logged == "http: error reading directory: out of\\x0aorder");
  CHECK(files.folder->closed == 1);
  CHECK(name == "folder/index.html");

  const http::handler one = [&files](http::response_writer& w, http::request& q) {
    http::serve_file(w, q, &files, "page.html");
  };
  CHECK(answer_of(one, "GET /anything").body == "<p>");
  CHECK(support::panic_of([] { answer_of(http::file_server(nullptr), "GET /"); }).find("nil pointer") !=
        std::string::npos);
}

FIBER_TEST("http file_server: a server sends files, and parts of them, one after the other") {
  const support::http_tree tree;
  std::string big(300'000, 'x');
  for (std::size_t i = 0; i < big.size(); i++) {
    big[i] = static_cast<char>(i * i >> 7U);
  }
  tree.put("big.bin", big);
  support::served s(tree.answers());
  s.start();
  const std::string all =
      support::without_date(support::ask(s,
                                         "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n"
                                         "HEAD /big.bin HTTP/1.1\r\nHost: x\r\n\r\n"
                                         "GET /big.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=100-250099\r\n\r\n"
                                         "GET /empty HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  const std::string head =
      "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: 300000\r\n"
      "Content-Type: application/octet-stream\r\n"
      "Last-Modified: Thu, 02 Jan 2020 03:04:05 GMT\r\n\r\n";
  std::string expected = head + big + head;
  expected +=
      "HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\nContent-Length: 250000\r\n"
      "Content-Range: bytes 100-250099/300000\r\nContent-Type: application/octet-stream\r\n"
      "Last-Modified: Thu, 02 Jan 2020 03:04:05 GMT\r\n\r\n" +
      big.substr(100, 250'000);
  CHECK(all.size() > expected.size());
  CHECK((all.substr(0, expected.size()) == expected));  // too long to be shown
}
