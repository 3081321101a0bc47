// Messages of several parts; what is read is what Go reads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/http/multipart.hpp"
#include "gossamer/io.hpp"

using namespace gossamer;
namespace multipart = http::multipart;

namespace {

// A byte at a time: every place of the message is once the end of what was read.
struct byte_by_byte {
  io::string_reader* from;
  io::result read(std::span<std::byte> to) const { return from->read(to.first(std::min<std::size_t>(to.size(), 1))); }
};

std::string all_parts(const multipart::reader& r, bool read_them) {
  std::string out;
  for (;;) {
    const auto [p, err] = r.next_part();
    if (err) {
      return out + err.text();
    }
    for (const http::header::field& f : p.header()) {
      out += f.name + "=" + f.value + ",";
    }
    if (read_them) {
      const auto [text, read_err] = io::read_all(p);
      out += "[" + text + (read_err ? " " + read_err.text() : "") + "] ";
    }
  }
}

// What it holds; however it comes, and with parts that are skipped.
std::string read(std::string_view message, std::string_view boundary = "b") {
  io::string_reader whole{std::string(message)};
  const std::string out = all_parts(multipart::reader(&whole, boundary), true);
  io::string_reader again{std::string(message)};
  const byte_by_byte slow{&again};
  CHECK(all_parts(multipart::reader(&slow, boundary), true) == out);
  io::string_reader third{std::string(message)};
  const std::string skipped = all_parts(multipart::reader(&third, boundary), false);
  CHECK(skipped.substr(skipped.rfind(',') + 1) == out.substr(out.rfind("] ") == out.npos ? 0 : out.rfind("] ") + 2));
  return out;
}

// The forms of one part's Content-Disposition.
std::pair<std::string, std::string> names(std::string_view disposition) {
  io::string_reader r("--b\r\nContent-Disposition: " + std::string(disposition) + "\r\n\r\n\r\n--b--");
  const auto [p, err] = multipart::reader(&r, "b").next_part();
  CHECK_FALSE(err);
  return {std::string(p.form_name()), std::string(p.file_name())};
}

std::string text_of(const multipart::file_header& h) {
  const auto [f, err] = h.open();
  return err ? err.text() : io::read_all(f).first;
}

std::string file_part(std::string_view name, std::string_view content) {
  return "--b\r\nContent-Disposition: form-data; name=" + std::string(name) + "; filename=" + std::string(name) +
         ".txt\r\n\r\n" + std::string(content) + "\r\n";
}

}  // namespace

TEST_CASE("http multipart: parts, and what lies between them") {
  CHECK(read("preamble\r\n--b\r\nA: b\r\n\r\none\r\n--b  \r\nA: c\r\n\r\ntwo\r\n--bx\r\n\r\n--b--") ==
        "A=b,[one] A=c,[two\r\n--bx\r\n] EOF");
  CHECK(read("--b\nA: b\n\none\n--b\nC: d\n\ntwo\r\n--b--\n") == "A=b,[one] C=d,[two\r] EOF");
  CHECK(read("--b\r\nA: b\r\n\r\n--b--\r\nepilogue") == "A=b,[] EOF");
  CHECK(read("--bb\r\nA: b\r\n\r\nx--bb\r\n\r\n--b\r\n--bb--", "bb") == "A=b,[x--bb\r\n\r\n--b] EOF");
  CHECK(read("--b--") == "EOF");
}

TEST_CASE("http multipart: a message that ends too early") {
  CHECK(read("") == "multipart: NextPart: EOF");
  CHECK(read("--b") == "multipart: NextPart: EOF");
  CHECK(read("--b\r\nA: b\r\n\r\nabc") == "A=b,[abc unexpected EOF] multipart: NextPart: EOF");
  CHECK(read("--b\r\nA: b\r\n\r\nx\r\n--b") == "A=b,[x] multipart: NextPart: EOF");
  // Go takes this for the end of the message.
  CHECK(read("--b\r\nA: b\r\n") == "unexpected EOF");
}

TEST_CASE("http multipart: what is malformed") {
  CHECK(read("--b\r\nA: b\r\n\r\nx\r\n--b\r\njunk") == "A=b,[x] malformed MIME header: missing colon: \"junk\"");
  CHECK(read("--b\r\n A: b\r\n\r\n") == "malformed MIME header initial line: \" A: b\"");
  CHECK(read("--b\r\nA\x01: b\r\n\r\n") == "malformed MIME header line: \"A\\x01: b\"");
  CHECK(read("--b\r\nA: b\r\n\r\nx\r\n--b-- junk\r\n") ==
        R"(A=b,[x] multipart: expecting a new Part; got line "--b-- junk\r\n")");
  CHECK(read("--b\r\nA: b\r\n\r\n--b junk\r\n") == R"(A=b,[] multipart: unexpected line in Next(): "--b junk\r\n")");
  CHECK(read("--\r\n\r\n", "") == "multipart: boundary is empty");
}

TEST_CASE("http multipart: fields over several lines") {
  CHECK(read("--b\r\nA: b\r\n  c\r\n\td \r\nE :f\r\n\r\nx\r\n--b--") == "A=b c d,E =f,[x] EOF");
}

TEST_CASE("http multipart: quoted-printable is decoded") {
  CHECK(read("--b\r\nA: b\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\na=3Db=\r\nc \r\nd=4x\r\n--b--") ==
        "A=b,[a=bc\r\nd=4x] EOF");
  CHECK(
      read(
          "--b\r\nA: b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na\x01\r\n--b\r\nA: b\r\n\r\nz\r\n--b--") ==
      "A=b,[a quotedprintable: invalid unescaped byte 0x01 in body] A=b,[z] EOF");
  io::string_reader r("--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--b--");
  const auto [raw, err] = multipart::reader(&r, "b").next_raw_part();
  CHECK_FALSE(err);
  CHECK(io::read_all(raw).first == "=41");
  CHECK(raw.header().size() == 1);
}

TEST_CASE("http multipart: names of forms and files, without paths") {
  CHECK(names("form-data; name=\"x\"") == std::pair<std::string, std::string>("x", ""));
  CHECK(names("attachment; name=x; filename=\"a/b/\"") == std::pair<std::string, std::string>("", "b"));
  CHECK(names("form-data; name=f; filename=\"/etc/pass\\wd\"") == std::pair<std::string, std::string>("f", "pass\\wd"));
  CHECK(names("form-data; filename*=utf-8''%e4%bd%a0.txt; name*=us-ascii'x'q") ==
        std::pair<std::string, std::string>("q", "\xe4\xbd\xa0.txt"));
  CHECK(names("form-data; name=a; name=b") == std::pair<std::string, std::string>("", ""));
}

TEST_CASE("http multipart: a part ends where the next one was asked for") {
  io::string_reader r("--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--");
  const multipart::reader parts(&r, "b");
  const multipart::part first = parts.next_part().first;
  std::byte one{};
  CHECK(first.read(std::span(&one, 1)).first == 1);
  const multipart::part second = parts.next_part().first;
  CHECK(first.read(std::span(&one, 1)).second == io::eof);
  CHECK(io::read_all(second).first == "two");
  CHECK_FALSE(second.close());
  CHECK(parts.next_part().second == io::eof);
}

TEST_CASE("http multipart: headers and parts have limits") {
  std::string fields = "--b\r\n";
  for (int i = 0; i < 10'001; i++) {
    fields += "A: b\r\n";
  }
  CHECK(read(fields + "\r\nx\r\n--b--") == "multipart: message too large");
  std::string parts;
  for (int i = 0; i < 1001; i++) {
    parts += "--b\r\n\r\nx\r\n";
  }
  io::string_reader r(parts + "--b--");
  CHECK(multipart::reader(&r, "b").read_form(0).second == multipart::message_too_large);
  io::string_reader long_text("--b\r\nContent-Disposition: form-data; name=x\r\n\r\n" +
                              std::string((std::size_t{10} << 20U) + 1, 'x') + "\r\n--b--");
  CHECK(multipart::reader(&long_text, "b").read_form(0).second == multipart::message_too_large);
}

TEST_CASE("http multipart: files that fit are in memory, the others on disk") {
  const std::string message = file_part("small", "12345") + file_part("big", std::string(100'000, 'b')) +
                              file_part("big", std::string(50'000, 'c')) + file_part("empty", "") +
                              "--b\r\nContent-Disposition: form-data; name=t\r\n\r\ntext\r\n--b--\r\n";
  io::string_reader r(message);
  auto [form, err] = multipart::reader(&r, "b").read_form(10);
  CHECK_FALSE(err);
  CHECK(form.value == http::values{{"t", "text"}});
  CHECK(form.file.size() == 3);
  const std::vector<multipart::file_header> big = form.file.at("big");
  CHECK(big[0].file_name == "big.txt");
  CHECK(big[1].size == 50'000);
  CHECK(text_of(big[0]) == std::string(100'000, 'b'));
  CHECK(text_of(big[1]) == std::string(50'000, 'c'));
  CHECK(text_of(form.file.at("small")[0]) == "12345");
  CHECK(text_of(form.file.at("empty")[0]).empty());
  const multipart::file opened = big[1].open().first;
  CHECK_FALSE(form.remove_all());
  CHECK(text_of(form.file.at("big")[0]) == "open multipart: no such file or directory");
  CHECK(text_of(form.file.at("small")[0]) == "12345");
  std::string end(3, ' ');
  CHECK(opened.seek(-3, io::seek_from::end).first == 49'997);
  CHECK(opened.read(end).first == 3);
  CHECK(end == "ccc");
  CHECK(opened.read_at(end, 49'999) == io::result(1, io::eof));
}

TEST_CASE("http multipart: what is written is read") {
  io::buffer to;
  multipart::writer w(&to);
  CHECK(w.boundary().size() == 60);
  CHECK_FALSE(w.set_boundary("x y"));
  CHECK(w.form_data_content_type() == "multipart/form-data; boundary=\"x y\"");
  CHECK_FALSE(w.write_field("a\"b", "1"));
  CHECK(w.set_boundary("z").text() == "mime: SetBoundary called after write");
  const auto [file, err] = w.create_form_file("f", "a\\b\r\n.txt");
  CHECK_FALSE(err);
  CHECK(file.write("content").first == 7);
  const auto [part, part_err] = w.create_part({{"B", "2"}, {"A", "1"}, {"B", "3"}});
  CHECK_FALSE(part_err);
  CHECK(file.write("late").second.text() == "multipart: can't write to finished part");
  CHECK_FALSE(w.close());
  CHECK(to.text() ==
        "--x y\r\nContent-Disposition: form-data; name=\"a\\\"b\"\r\n\r\n1\r\n"
        "--x y\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\\\\b%0D%0A.txt\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\ncontent\r\n"
        "--x y\r\nA: 1\r\nB: 2\r\nB: 3\r\n\r\n\r\n--x y--\r\n");
  const auto [form, form_err] = multipart::reader(&to, "x y").read_form(100);
  CHECK_FALSE(form_err);
  CHECK(form.value.get("a\"b") == "1");
  CHECK(text_of(form.file.at("f")[0]) == "content");
}

TEST_CASE("http multipart: boundaries are checked") {
  multipart::writer w(io::discard);
  CHECK(w.set_boundary("").text() == "mime: invalid boundary length");
  CHECK(w.set_boundary(std::string(71, 'a')).text() == "mime: invalid boundary length");
  CHECK(w.set_boundary("a ").text() == "mime: invalid boundary character");
  CHECK(w.set_boundary("a\n").text() == "mime: invalid boundary character");
  CHECK(w.form_data_content_type() == "multipart/form-data; boundary=" + w.boundary());
}
