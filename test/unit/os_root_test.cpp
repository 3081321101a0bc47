// os: directories, and what does not lead out of them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gossamer/errors.hpp>
#include <gossamer/io.hpp>
#include <gossamer/os/root.hpp>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "inside.hpp"
#include "os/beneath.hpp"

using namespace gossamer;

namespace {

//   outside          a file
//   in/a             a file
//   in/d/b           a file
//   in/d/up          -> ../a
//   in/d/out         -> ../../outside
//   in/d/around      -> ../../in/a     leads out for a moment
//   in/absolute      -> /etc/passwd
//   in/to_d          -> d
//   in/loop          -> loop
struct tree {
  std::string path = "/tmp/gossamer_root_XXXXXX";

  tree() {
    CHECK(::mkdtemp(path.data()) != nullptr);
    std::filesystem::create_directories(path + "/in/d");
    CHECK(os::write_file(path + "/outside", "outside", 0600) == nil);
    CHECK(os::write_file(in() + "/a", "a", 0600) == nil);
    CHECK(os::write_file(in() + "/d/b", "b", 0600) == nil);
    link("../a", "d/up");
    link("../../outside", "d/out");
    link("../../in/a", "d/around");
    link("/etc/passwd", "absolute");
    link("d", "to_d");
    link("loop", "loop");
  }
  tree(const tree&) = delete;
  tree& operator=(const tree&) = delete;
  ~tree() { std::filesystem::remove_all(path); }
  std::string in() const { return path + "/in"; }
  void link(const char* to, const char* at) const { CHECK(::symlink(to, (in() + "/" + at).c_str()) == 0); }
};

struct way {
  std::string_view name;
  std::string_view content;  // empty: it fails
  int problem = 0;
};

constexpr way ways[] = {
    {"a", "a"},
    {"./a", "a"},
    {"d/b", "b"},
    {"d//b", "b"},
    {"d/../a", "a"},
    {"d/up", "a"},
    {"to_d/b", "b"},
    {"to_d/../a", "a"},
    {"to_d/up", "a"},
    {"none", "", ENOENT},
    {"none/a", "", ENOENT},
    {"a/b", "", ENOTDIR},
    {"a/", "", ENOTDIR},
    {"", "", ENOENT},
    {"..", "", EXDEV},
    {"../in/a", "", EXDEV},
    {"../outside", "", EXDEV},
    {"d/../../outside", "", EXDEV},
    {"/etc/passwd", "", EXDEV},
    {"/", "", EXDEV},
    {"d/out", "", EXDEV},
    {"to_d/out", "", EXDEV},
    {"d/around", "", EXDEV},
    {"absolute", "", EXDEV},
    {"loop", "", ELOOP},
};

std::vector<std::string> names_of(const std::vector<os::dir_entry>& all) {
  std::vector<std::string> names;
  for (const os::dir_entry& e : all) {
    names.push_back(e.name);
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

FIBER_TEST("os: a root opens what lies in it, and nothing else") {
  const tree t;
  auto [root, err] = os::open_root(t.in());
  CHECK(err == nil);
  CHECK(root.name() == t.in());
  for (const way& w : ways) {
    auto [f, e] = root.open(w.name);
    const error same = os::open_in_root(t.in(), w.name).second;
    CHECK_MESSAGE((same ? same.text() : "") == (e ? e.text() : ""), w.name);
    if (!w.content.empty()) {
      CHECK_MESSAGE(e == nil, w.name);
      CHECK_MESSAGE(io::read_all(f).first == w.content, w.name);
    } else {
      CHECK_MESSAGE(errors::is(e, os::path_escapes) == (w.problem == EXDEV), w.name);
      CHECK_MESSAGE(
          e.text() == "openat " + std::string(w.name) + ": " +
                          (w.problem == EXDEV ? "path escapes from parent" : os::system_error(w.problem).text()),
          w.name);
    }
  }
  CHECK(root.open(std::string_view("a\0b", 3)).second.text() == std::string_view("openat a\0b: invalid argument", 28));
  CHECK(root.open("d/b").first.name() == t.in() + "/d/b");
  CHECK(root.stat("to_d").first.is_dir());
  CHECK(root.stat("d/b").first.name == "b");
  CHECK(root.stat("../outside").second.text() == "statat ../outside: path escapes from parent");
  CHECK(root.open_file("new", O_WRONLY | O_CREAT | O_EXCL, 0640).second == nil);
  CHECK(root.stat("new").first.permissions() == 0640);
  CHECK(errors::is(root.open_file("new", O_WRONLY | O_CREAT | O_EXCL, 0640).second, os::exist));
  CHECK(root.close() == nil);
  CHECK(root.open("a").second.text() == "openat a: file already closed");
  CHECK(os::root().open("a").second.text() == "openat a: invalid argument");
  CHECK(errors::is(os::open_root(t.path + "/none").second, os::not_exist));
  CHECK(errors::is(os::open_in_root(t.path + "/none", "a").second, os::not_exist));
  CHECK(io::read_all(os::open_in_root(t.in() + "/to_d", "b").first).first == "b");
  CHECK(os::open_in_root(t.in(), "d/b").first.name() == t.in() + "/d/b");
  CHECK(os::open_root(t.in() + "/a").second.text() == "open " + t.in() + "/a: not a directory");
}

TEST_CASE("os: what the kernel does beneath a directory goes step by step as well") {
  const tree t;
  const int directory = ::open(t.in().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (const way& w : ways) {
    const int n = os::open_by_steps(directory, std::string(w.name), O_RDONLY, 0);
    if (w.content.empty()) {
      CHECK_MESSAGE(n == -w.problem, w.name);
      continue;
    }
    char buf[8];
    CHECK_MESSAGE(
        std::string_view(buf, static_cast<std::size_t>(std::max<ssize_t>(::read(n, buf, sizeof buf), 0))) == w.content,
        w.name);
    ::close(n);
  }
  for (const char* const dir : {".", "d", "d/", "to_d/", "d/.", "d/..", "to_d/.."}) {
    const int n = os::open_by_steps(directory, dir, O_RDONLY | O_DIRECTORY, 0);
    CHECK_MESSAGE(n >= 0, dir);
    ::close(n);
  }
  const int n = os::open_by_steps(directory, "to_d/new", O_WRONLY | O_CREAT | O_EXCL, 0600);
  CHECK(n >= 0);
  ::close(n);
  CHECK(os::open_by_steps(directory, "to_d/new", O_WRONLY | O_CREAT | O_EXCL, 0600) == -EEXIST);
  CHECK(os::open_by_steps(directory, "to_d", O_RDONLY | O_NOFOLLOW, 0) == -ELOOP);
  ::close(directory);
}

FIBER_TEST("os: a directory is read at once, sorted, or piece by piece") {
  const tree t;
  auto [all, err] = os::read_dir(t.in());
  CHECK(err == nil);
  CHECK(names_of(all) == std::vector<std::string>{"a", "absolute", "d", "loop", "to_d"});
  CHECK(all[0].is_regular());
  CHECK(all[2].is_dir());
  CHECK_FALSE(all[4].is_dir());  // a link
  CHECK(errors::is(os::read_dir(t.path + "/none").second, os::not_exist));
  CHECK(os::read_dir(t.in() + "/a").second.text() == "open " + t.in() + "/a: not a directory");

  for (int i = 0; i < 2000; i++) {
    CHECK(os::write_file(t.in() + "/d/file" + std::to_string(i), "", 0600) == nil);
  }
  const auto f = os::open(t.in() + "/d").first;
  const auto whole = f.read_dir().first;
  CHECK(whole.size() == 2004);
  CHECK(f.read_dir().first.empty());
  CHECK(f.read_dir().second == nil);
  CHECK(f.read_dir(1).second == io::eof);
  CHECK(f.seek(0, os::seek_from::start).second == nil);
  std::vector<os::dir_entry> pieces;
  for (;;) {
    auto [some, e] = f.read_dir(7);
    if (e) {
      CHECK(e == io::eof);
      CHECK(some.empty());
      break;
    }
    CHECK(some.size() <= 7);
    pieces.insert(pieces.end(), some.begin(), some.end());
  }
  CHECK(names_of(pieces) == names_of(whole));
  CHECK(f.close() == nil);
  CHECK(f.read_dir().second.text() == "readdirent " + t.in() + "/d: file already closed");
}
