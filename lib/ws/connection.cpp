#include "ws/connection.hpp"

namespace gossamer::inline v0::ws {

conn make_conn(net::conn over, settled how, std::string ahead) {
  return conn(std::make_shared<connection>(std::move(over), std::move(how), std::move(ahead)));
}

connection::connection(net::conn over, settled how, std::string ahead)
    : net_(std::move(over)),
      how_(std::move(how)),
      out_(std::make_shared<output>(net_, how_.side == side::client)),
      in_(net_, std::move(ahead)) {}

connection::~connection() { drop(true); }

}  // namespace gossamer::inline v0::ws
