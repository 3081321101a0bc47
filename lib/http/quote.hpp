// quote: a text in quotes, for messages.
#pragma once

#include <string>
#include <string_view>

namespace gossamer::inline v0::http {

// As Go's %q and strconv.Quote: what cannot be printed, and what is no UTF-8, as an escape. Differs: code points that
// no script uses yet count as printable.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace gossamer::inline v0::http
