// answer_copy: passes an answer's body on, and sees to it that nothing of it waits for too long.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "gossamer/http/response_writer.hpp"
#include "gossamer/io/stream.hpp"
#include "gossamer/time.hpp"

namespace gossamer::inline v0::http {

// To `w`, up to the end of `from`. `latency`: as reverse_proxy::flush_interval. Error: what either has failed with.
// What reading has failed with goes to `log` as well, unless the request was cancelled.
gossamer::error copy_answer(response_writer& w, const io::reader& from, time::duration latency,
                            const std::function<void(std::string_view)>& log);

}  // namespace gossamer::inline v0::http
