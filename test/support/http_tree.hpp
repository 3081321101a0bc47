// http_tree: files to be served, in a folder that goes with them.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gossamer/http/file_server.hpp>
#include <gossamer/io.hpp>
#include <gossamer/io/memory.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http_probe.hpp"

namespace support {

// What is asked, and what is answered: see http_probe.
struct probe {
  std::string_view request;
  std::string_view answer;
  std::string_view body;
};

// How the file server lists http_tree's dir.
inline constexpr std::string_view tree_list = R"(<!doctype html>
<meta name="viewport" content="width=device-width">
<pre>
<a href=".hidden">.hidden</a>
<a href="%3Ci%3E%27%22.txt">&lt;i&gt;&#39;&#34;.txt</a>
<a href="a.txt">a.txt</a>
<a href="b&amp;c.txt">b&amp;c.txt</a>
<a href="q%3F.txt">q?.txt</a>
<a href="sp%20ace.txt">sp ace.txt</a>
<a href="sub/">sub/</a>
<a href="./x:y">x:y</a>
<a href="%C3%BC.txt">ü.txt</a>
</pre>
)";

// All were changed at 2020-01-02 03:04:05.5.
struct http_tree {
  static constexpr auto changed = std::chrono::sys_days(std::chrono::year(2020) / 1 / 2) + std::chrono::hours(3) +
                                  std::chrono::minutes(4) + std::chrono::milliseconds(5500);
  std::string path = "/tmp/gossamer_http_XXXXXX";

  http_tree() {
    CHECK(::mkdtemp(path.data()) != nullptr);
    put("file.txt", "0123456789");
    put("hello.html", "<p>hi");
    put("noext", "plain text");
    put("bin", std::string_view("\0\1\2", 3));
    put("empty", "");
    put("page.xyz", "<!DOCTYPE html><p>");
    put("dir/a.txt", "a");
    put("dir/b&c.txt", "bc");
    put("dir/q?.txt", "q");
    put("dir/x:y", "xy");
    put("dir/.hidden", "h");
    put("dir/sp ace.txt", "s");
    put("dir/\xc3\xbc.txt", "u");
    put("dir/sub/b.txt", "b");
    put("dir/<i>'\".txt", "i");
    put("site/index.html", "<!doctype html>index");
    link("file.txt", "link");
    link("dir", "link_dir");
    for (const char* const folder : {"dir/sub", "dir", "site", "."}) {
      age(folder);
    }
  }
  http_tree(const http_tree&) = delete;
  http_tree& operator=(const http_tree&) = delete;
  ~http_tree() { std::filesystem::remove_all(path); }

  std::string at(std::string_view name) const { return path + "/" + std::string(name); }
  void put(std::string_view name, std::string_view content) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::ofstream(at(name), std::ios::binary) << content;
    age(name);
  }
  void link(std::string_view to, std::string_view name) const {
    CHECK(::symlink(std::string(to).c_str(), at(name).c_str()) == 0);
  }
  void age(std::string_view name) const {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(changed).time_since_epoch().count();
    const timespec when{seconds, 500'000'000};
    const timespec both[] = {when, when};
    CHECK(::utimensat(AT_FDCWD, at(name).c_str(), both, 0) == 0);
  }

  // The files; and below /etag/, /weak/, /encoded/ and /typed/ a content of the same bytes as file.txt, for which a
  // field was set; /one/ is always file.txt, and /onedir always the site.
  gossamer::http::handler answers() const {
    namespace http = gossamer::http;
    return [this, files = http::file_server(http::dir(path))](http::response_writer& w, http::request& r) {
      const std::string_view p = r.url.path;
      const auto content = [&](std::string_view field, std::string_view value) {
        w.header().set(field, value);
        http::serve_content(w, r, "a.txt", std::chrono::time_point_cast<std::chrono::system_clock::duration>(changed),
                            std::make_shared<gossamer::io::string_reader>("0123456789"));
      };
      if (p.starts_with("/etag/")) {
        w.header().set("Cache-Control", "max-age=1");
        content("ETag", "\"v1\"");
      } else if (p.starts_with("/weak/")) {
        content("ETag", "W/\"v1\"");
      } else if (p.starts_with("/encoded/")) {
        content("Content-Encoding", "gzip");
      } else if (p.starts_with("/typed/")) {
        content("Content-Type", "x/y");
      } else if (p.starts_with("/one/")) {
        http::serve_file(w, r, at("file.txt"));
      } else if (p.starts_with("/onedir")) {
        http::serve_file(w, r, at("site"));
      } else {
        files(w, r);
      }
    };
  }
};

inline void check_probes(std::span<const probe> all) {
  const http_tree tree;
  const gossamer::http::handler h = tree.answers();
  for (const probe& expected : all) {
    gossamer::http::request r = probe_request(expected.request);
    gossamer::http::test::recorder rec;
    h(rec, r);
    CHECK_MESSAGE(without_boundary(rec, probe_answer(rec)) == expected.answer, expected.request);
    CHECK_MESSAGE(without_boundary(rec, rec.body) == expected.body, expected.request);
  }
}

}  // namespace support
