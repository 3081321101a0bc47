// Boost.JSON, compiled: for tests and samples. See gossamer/http/json.hpp.
#include <boost/json/src.hpp>
