// clean_query: a query that says the same to all.
#pragma once

#include <string>

namespace gossamer::inline v0::http {

// What others could read in another way than we do is not passed on: where there is something of that sort, what
// parse_query() has read of the query is written anew.
void clean_query(std::string& query);

}  // namespace gossamer::inline v0::http
