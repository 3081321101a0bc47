// head_text: how the lines of a head are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gossamer/http/header.hpp"

namespace gossamer::inline v0::http {

void append_number(std::string& to, std::int64_t n, int base = 10);
// A line's end in a value would begin a field of somebody else's making: it becomes a blank.
void append_field(std::string& to, std::string_view name, std::string_view value);
// A chunk's length, in its line.
void append_chunk_line(std::string& to, std::size_t length);

// All fields that have a name, sorted, but for those that `skip` says.
void append_sorted(std::string& to, const header& fields, bool (*skip)(std::string_view name) noexcept);

// All fields that have a name and say nothing of a body: of an answer that has none, in the order they have.
void append_without_body(std::string& to, const header& fields);

// Those of one name stay in their order.
void sort_by_name(std::span<const header::field*> fields);

}  // namespace gossamer::inline v0::http
